//! Names and labels that the API server refuses, wherever an object holds them.

use super::names::{LABEL_MAX, is_dns_label, is_label_key, is_label_value, is_subdomain};
use super::{Findings, Object};
use crate::model::number::quote;
use crate::yaml::node::{Entry, Style, Value};
use crate::yaml::{Node, scalar};

/// Kinds whose names are DNS subdomains; those of roles and the like are not.
const SUBDOMAINS: [&str; 14] = [
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "ConfigMap",
    "Secret",
    "ServiceMonitor",
    "PodMonitor",
    "PrometheusRule",
    "Ingress",
    "ServiceAccount",
];
/// What Prometheus's own discovery looks for on pods and services, by convention in annotations.
const CONVENTION: &str = "prometheus.io/";
/// Of a CronJob's name: its Jobs get eleven characters more.
const CRON_JOB_MAX: usize = 52;

pub fn check(object: &Object<'_>, _: &[Object<'_>], findings: &mut Findings<'_>) {
    check_name(object, findings);
    if let Some(metadata) = object.node.get("metadata") {
        check_metadata(metadata, findings);
    }
    if object.kind != "Pod"
        && let Some(metadata) = object.pod_template().and_then(|template| template.get("metadata"))
    {
        check_metadata(metadata, findings);
    }
    let selector = object.path(&["spec", "selector"]);
    match object.kind {
        "Service" | "ReplicationController" => selector.into_iter().for_each(|selector| check_labels(selector, "label", findings)),
        _ => {
            selector.and_then(|selector| selector.get("matchLabels")).into_iter().for_each(|labels| check_labels(labels, "label", findings))
        }
    }
    if object.kind == "ConfigMap" {
        texts(object.node.get("data"), "key", findings);
    }
}

fn check_name(object: &Object<'_>, findings: &mut Findings<'_>) {
    let Some(metadata) = object.node.get("metadata") else {
        findings.refused("no-name", object.node.span, "has no metadata, and so no name", "give it one: metadata: {name: ...}");
        return;
    };
    let Some(name) = metadata.get("name") else {
        if metadata.get("generateName").is_none() {
            findings.refused("no-name", object.node.key_span("metadata"), "has no name", "give it one: metadata: {name: ...}");
        }
        return;
    };
    let text = object.name;
    let wrong = match object.kind {
        "Service" if !is_dns_label(text) || text.starts_with(|c: char| c.is_ascii_digit()) => {
            "a Service's name is a DNS label: lower-case letters, digits and \"-\", beginning with a letter"
        }
        "CronJob" if text.len() > CRON_JOB_MAX => "a CronJob's name has at most 52 characters, since its Jobs get longer ones",
        kind if SUBDOMAINS.contains(&kind) && !is_subdomain(text) => {
            "a name has lower-case letters, digits, \"-\" and \".\", with a letter or digit at both ends"
        }
        _ => return,
    };
    findings.refused("name", name.span, format!("the name {}: {wrong}", quote(text)), format!("as {}", tidied(text)));
}

/// What a name would be in small letters.
fn tidied(name: &str) -> String {
    let lower = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    lower.trim_matches('-').chars().take(CRON_JOB_MAX).collect()
}

fn check_metadata(metadata: &Node, findings: &mut Findings<'_>) {
    if let Some(labels) = metadata.get("labels") {
        check_labels(labels, "label", findings);
    }
    texts(metadata.get("annotations"), "annotation", findings);
}

fn check_labels(labels: &Node, word: &str, findings: &mut Findings<'_>) {
    texts(Some(labels), word, findings);
    for entry in labels.entries() {
        if !is_label_key(&entry.key) {
            let message = format!("{} cannot be a label's name", quote(&entry.key));
            findings.refused("label-name", entry.key_span, message, "as name or example.com/name: letters, digits, \"-\", \"_\" and \".\"");
        }
        if let Some(value) = entry.value.as_text().filter(|value| !is_label_value(value)) {
            wrong_value(entry, value, findings);
        }
    }
}

fn wrong_value(entry: &Entry, value: &str, findings: &mut Findings<'_>) {
    let strange = value.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'));
    let why = match strange {
        Some(c) => format!("has a {}, and a label's value only letters, digits, \"-\", \"_\" and \".\"", quote(&c.to_string())),
        None if value.len() > LABEL_MAX => format!("is {} characters long, and a label's value at most {LABEL_MAX}", value.len()),
        None => "begins or ends with a sign, and a label's value with a letter or digit".to_owned(),
    };
    let way_out = if entry.key.starts_with(CONVENTION) {
        "move prometheus.io/... to annotations:, which hold any text and are where discovery looks for them"
    } else {
        "text for people and programs belongs into annotations:"
    };
    findings.refused("label-value", entry.value.span, format!("label {}: {} {why}", entry.key, quote(value)), way_out);
}

/// Maps of texts to texts: `8080` and `true` are none without quotes.
pub fn texts(map: Option<&Node>, word: &str, findings: &mut Findings<'_>) {
    for entry in map.map(Node::entries).unwrap_or_default() {
        if let Some(what) = not_text(&entry.value) {
            let shown = entry.value.as_text().unwrap_or("...");
            let message = format!("{word} {} is {what}, and the API server takes texts only", entry.key);
            findings.refused("not-text", entry.value.span, message, format!("write quotes: {}: \"{shown}\"", entry.key));
        }
    }
}

/// What a value is that is no text; nothing at all counts as an empty one.
pub fn not_text(node: &Node) -> Option<&'static str> {
    match &node.value {
        Value::List(_) => Some("a list"),
        Value::Map(_) => Some("a mapping"),
        Value::Scalar { style: Style::Plain, .. } if node.is_null() => None,
        Value::Scalar { style: Style::Plain, .. } if scalar::boolean(node).is_some() => Some("true or false"),
        Value::Scalar { style: Style::Plain, .. } if scalar::float(node).is_some() => Some("a number"),
        Value::Scalar { .. } => None,
    }
}
