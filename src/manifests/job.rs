//! Jobs end: their pods say so with a restart policy, and no Service stands before them.

use super::monitor::is_selected_by_pod_monitor;
use super::object::{holds_all, label_map};
use super::{Findings, Object};
use crate::model::number::quote;
use crate::yaml::Node;

/// Fields of a schedule, and the words that stand for a whole one.
const SCHEDULE_FIELDS: usize = 5;

pub fn check(object: &Object<'_>, all: &[Object<'_>], findings: &mut Findings<'_>) {
    if !matches!(object.kind, "Job" | "CronJob") || object.pod_template().is_none() {
        return;
    }
    check_restart(object, findings);
    if object.kind == "CronJob" {
        check_schedule(object, findings);
    }
    check_reached(object, all, findings);
}

fn check_restart(object: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(spec) = object.pod_template().and_then(|template| template.get("spec")) else { return };
    let way_out = "restartPolicy: Never, or OnFailure, beside containers";
    match spec.get("restartPolicy") {
        None => {
            let at = object.pod_template().map_or(spec.span, |template| template.key_span("spec"));
            let message = "its pods have no restartPolicy: the default is Always, which the API server refuses for a Job";
            findings.refused("restart-policy", at, message, way_out);
        }
        Some(policy) if !matches!(policy.as_text(), Some("Never" | "OnFailure")) => {
            let message = format!("restartPolicy {} is refused for a Job", quote(policy.as_text().unwrap_or("")));
            findings.refused("restart-policy", policy.span, message, way_out);
        }
        Some(_) => {}
    }
}

fn check_schedule(object: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(schedule) = object.path(&["spec", "schedule"]) else {
        findings.refused("schedule", object.spec_span(), "has no schedule", "say when: schedule: \"0 2 * * *\"");
        return;
    };
    let text = schedule.as_text().unwrap_or("");
    let is_word = text.starts_with('@');
    if !is_word && text.split_whitespace().count() != SCHEDULE_FIELDS {
        let message = format!("the schedule {} has not the five fields minute, hour, day, month, weekday", quote(text));
        findings.refused("schedule", schedule.span, message, "at two every night: \"0 2 * * *\"");
    }
}

/// Pods that are to be scraped, behind no Service and found by no PodMonitor.
fn check_reached(object: &Object<'_>, all: &[Object<'_>], findings: &mut Findings<'_>) {
    let labels = object.pod_labels();
    let metadata = object.pod_template().and_then(|template| template.get("metadata"));
    let asks = |key: &str| metadata.and_then(|metadata| metadata.get(key)?.text("prometheus.io/scrape")) == Some("true");
    // Discovery by annotation finds pods themselves.
    if asks("annotations") {
        return;
    }
    let port = object.container_ports().into_iter().find(|port| port.text("name").is_some_and(|name| name.contains("metrics")));
    let Some(at) = port.map(|port| port.get("name").map_or(port.span, |name| name.span)) else { return };
    let near = || all.iter().filter(|other| other.may_share_namespace(object));
    let has_service = near().filter(|other| other.kind == "Service").any(|service| {
        let selector = service.path(&["spec", "selector"]).map(label_map).unwrap_or_default();
        !selector.is_empty() && holds_all(&labels, &selector)
    });
    if has_service || near().any(|other| is_selected_by_pod_monitor(other, &labels)) {
        return;
    }
    let message = "its pods have a port for metrics and no Service before them: a ServiceMonitor can never find them";
    let wanted = match labels.iter().next() {
        Some((name, value)) => format!("use a PodMonitor: selector: {{matchLabels: {{{name}: {value}}}}}"),
        None => "label the pods, and use a PodMonitor that selects the label".to_owned(),
    };
    let port = port.and_then(|port: &Node| port.text("name")).unwrap_or("metrics");
    findings.broken("behind-no-service", at, message, format!("{wanted}, podMetricsEndpoints: [{{port: {port}}}]"));
}
