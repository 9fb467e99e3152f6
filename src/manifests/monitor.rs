//! ServiceMonitors and PodMonitors that find nothing, as far as the other objects at hand show.

use super::object::{LabelMap, selects};
use super::{Findings, Object};
use crate::model::DurationMs;
use crate::model::number::quote;
use crate::yaml::{Node, scalar};

pub fn check(object: &Object<'_>, all: &[Object<'_>], findings: &mut Findings<'_>) {
    if !object.is_monitoring() {
        return;
    }
    let list = match object.kind {
        "ServiceMonitor" => "endpoints",
        "PodMonitor" => "podMetricsEndpoints",
        _ => return,
    };
    let Some(spec) = object.spec() else {
        findings.refused("monitor", object.node.span, "has no spec", format!("spec: {{selector: ..., {list}: ...}}"));
        return;
    };
    if spec.entry("selector").is_none() {
        let way_out = "selector: {matchLabels: {...}}; selector: {} for everything in the namespace";
        findings.refused("monitor", object.spec_span(), "has no selector", way_out);
    }
    let endpoints = spec.get(list).map(Node::items).unwrap_or_default();
    if endpoints.is_empty() {
        findings.refused(
            "monitor",
            object.spec_span(),
            format!("has no {list}: nothing says which port is scraped"),
            format!("{list}: [{{port: metrics}}]"),
        );
    }
    endpoints.iter().for_each(|endpoint| check_endpoint(endpoint, findings));
    if object.kind == "ServiceMonitor" {
        check_services(object, spec, endpoints, all, findings);
    } else {
        check_pods(object, spec, endpoints, all, findings);
    }
}

fn check_endpoint(endpoint: &Node, findings: &mut Findings<'_>) {
    if let Some(port) = endpoint.get("port").filter(|port| scalar::integer(port).is_some()) {
        let message = "port is a port's name, and the API server refuses a number here";
        findings.refused(
            "monitor-port",
            port.span,
            message,
            format!("name the port, or write targetPort: {}", port.as_text().unwrap_or("")),
        );
    }
    let (interval, timeout) = (length(endpoint, "interval", findings), length(endpoint, "scrapeTimeout", findings));
    if let (Some((interval, _)), Some((timeout, node))) = (interval, timeout)
        && timeout > interval
    {
        let message = format!("scrapeTimeout {timeout} is longer than interval {interval}: the operator leaves the monitor out");
        findings.broken("monitor", node.span, message, "make it no longer than the interval");
    }
}

fn length<'n>(endpoint: &'n Node, key: &str, findings: &mut Findings<'_>) -> Option<(DurationMs, &'n Node)> {
    let node = endpoint.get(key)?;
    match DurationMs::parse(node.as_text()?) {
        Ok(length) => Some((length, node)),
        Err(error) => {
            findings.refused("monitor", node.span, format!("{key}: {error}"), "with units: 15s, 1m");
            None
        }
    }
}

/// Which namespaces a monitor looks into: any, or these.
fn reaches(monitor: &Object<'_>, other: &Object<'_>) -> bool {
    let Some(chosen) = monitor.path(&["spec", "namespaceSelector"]) else { return monitor.may_share_namespace(other) };
    let names = chosen.texts("matchNames");
    chosen.flag("any") == Some(true) || names.is_empty() || other.namespace.is_none_or(|name| names.iter().any(|one| one == name))
}

fn check_services(object: &Object<'_>, spec: &Node, endpoints: &[Node], all: &[Object<'_>], findings: &mut Findings<'_>) {
    let Some(selector) = spec.get("selector").filter(|selector| !selector.entries().is_empty()) else { return };
    let matching: Vec<&Object<'_>> = all.iter().filter(|other| other.kind == "Service" && selects(selector, &other.labels())).collect();
    let reached: Vec<&&Object<'_>> = matching.iter().filter(|service| reaches(object, service)).collect();
    if let (true, Some(service)) = (reached.is_empty(), matching.first()) {
        let namespace = service.namespace.unwrap_or("default");
        let message = format!("looks into its own namespace only, and {} is in {namespace}", service.title());
        findings.broken("monitor", selector.span, message, format!("namespaceSelector: {{matchNames: [{namespace}]}}"));
        return;
    }
    if matching.is_empty() {
        only_pods(object, selector, all, findings);
        return;
    }
    for port in endpoints.iter().filter_map(|endpoint| endpoint.get("port")) {
        let Some(name) = port.as_text().filter(|_| scalar::integer(port).is_none()) else { continue };
        let named = |service: &Object<'_>| -> Vec<String> {
            let ports = service.path(&["spec", "ports"]).map(Node::items).unwrap_or_default();
            ports.iter().filter_map(|port| port.text("name")).map(str::to_owned).collect()
        };
        if !reached.iter().any(|service| named(service).iter().any(|one| one == name)) {
            let message = format!("{} has no port called {}: nothing is scraped", reached[0].title(), quote(name));
            findings.broken("monitor-port", port.span, message, ports_are(&named(reached[0])));
        }
    }
}

fn ports_are(names: &[String]) -> String {
    match names {
        [] => "name the port: ports: [{name: metrics, ...}]".to_owned(),
        names => format!("its ports are called {}", names.join(", ")),
    }
}

/// The labels stand on pods, which a ServiceMonitor does not look at.
fn only_pods(object: &Object<'_>, selector: &Node, all: &[Object<'_>], findings: &mut Findings<'_>) {
    let pods = all.iter().filter(|other| reaches(object, other)).find(|other| {
        let labels = other.pod_labels();
        !labels.is_empty() && selects(selector, &labels)
    });
    let Some(pods) = pods else { return };
    let message = format!("selects Services by labels that only the pods of {} have: it finds nothing", pods.title());
    let way_out = if matches!(pods.kind, "Job" | "CronJob" | "Pod" | "DaemonSet") {
        "use a PodMonitor, which selects pods".to_owned()
    } else {
        "put the labels onto the Service's own metadata, or use a PodMonitor".to_owned()
    };
    findings.broken("behind-no-service", selector.span, message, way_out);
}

fn check_pods(object: &Object<'_>, spec: &Node, endpoints: &[Node], all: &[Object<'_>], findings: &mut Findings<'_>) {
    let Some(selector) = spec.get("selector").filter(|selector| !selector.entries().is_empty()) else { return };
    let chosen = |other: &&Object<'_>| other.pod_template().is_some() && reaches(object, other) && selects(selector, &other.pod_labels());
    let Some(first) = all.iter().find(chosen) else { return };
    let ports: Vec<String> =
        all.iter().filter(chosen).flat_map(|pods| pods.container_ports()).filter_map(|port| port.text("name")).map(str::to_owned).collect();
    for port in endpoints.iter().filter_map(|endpoint| endpoint.get("port")) {
        let Some(name) = port.as_text().filter(|_| scalar::integer(port).is_none()) else { continue };
        if !ports.iter().any(|one| one == name) {
            let message = format!("the pods of {} have no port called {}: nothing is scraped", first.title(), quote(name));
            findings.broken("monitor-port", port.span, message, ports_are(&ports));
        }
    }
}

pub fn is_selected_by_pod_monitor(object: &Object<'_>, labels: &LabelMap<'_>) -> bool {
    object.is_monitoring()
        && object.kind == "PodMonitor"
        && object.path(&["spec", "selector"]).is_some_and(|selector| selects(selector, labels))
}
