//! Dashboards in ConfigMaps: what Grafana's file provisioning takes, which is not what its HTTP API takes.

use serde_json::Value as Json;

use super::{Findings, Object};
use crate::model::Span;
use crate::yaml::node::Entry;
use crate::yaml::{Node, locate};

/// The label by which the sidecar beside Grafana finds ConfigMaps.
const LABEL: &str = "grafana_dashboard";

pub fn check(object: &Object<'_>, _: &[Object<'_>], findings: &mut Findings<'_>) {
    if object.kind != "ConfigMap" {
        return;
    }
    let Some(label) = object.path(&["metadata", "labels"]).and_then(|labels| labels.entry(LABEL)) else { return };
    let entries = object.node.get("data").map(Node::entries).unwrap_or_default();
    let (dashboards, others): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| entry.key.ends_with(".json"));
    if dashboards.is_empty() && object.node.get("binaryData").is_none() {
        let (at, way_out) = match others.first() {
            Some(entry) => (entry.key_span, format!("call it {}.json", entry.key.split('.').next().unwrap_or("dashboard"))),
            None => (label.key_span, "data: {dashboard.json: ...}".to_owned()),
        };
        findings.broken("dashboard", at, "is labelled as a dashboard, and no key of its data ends with .json: Grafana reads none", way_out);
    }
    dashboards.into_iter().for_each(|entry| check_dashboard(object, entry, findings));
}

fn check_dashboard(object: &Object<'_>, entry: &Entry, findings: &mut Findings<'_>) {
    let Some(text) = entry.value.as_text() else { return };
    let json: Json = match serde_json::from_str(text) {
        Ok(json) => json,
        Err(error) => {
            let at = locate::locate(&object.source.text, &entry.value, offset(text, error.line(), error.column()));
            let message = format!("{} is not valid JSON: {}", entry.key, without_place(&error.to_string()));
            findings.broken(
                "dashboard",
                Span::new(at, at),
                message,
                "Grafana does not load it; promlet serves a dashboard only from valid JSON, too",
            );
            return;
        }
    };
    let title = |json: &Json| json["title"].as_str().is_some_and(|title| !title.is_empty());
    if title(&json) {
        return;
    }
    let at = text.find("\"dashboard\"").filter(|_| json["dashboard"].is_object());
    match at {
        Some(at) => {
            let at = locate::locate(&object.source.text, &entry.value, at);
            let message = format!(
                "{} is wrapped in \"dashboard\", the shape of Grafana's HTTP API: from a file it will not load (Dashboard title cannot be empty)",
                entry.key
            );
            findings.broken("dashboard", Span::new(at, at), message, "take the wrapper away, so that title and panels stand at the top");
        }
        None => {
            let message = format!("{} has no title at its top: Grafana does not load it (Dashboard title cannot be empty)", entry.key);
            findings.broken("dashboard", entry.key_span, message, "\"title\": \"...\"");
        }
    }
}

/// The byte offset of a line and column, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    text.floor_char_boundary((start + column.saturating_sub(1)).min(text.len()))
}

/// The sentence without the JSON's own line and column: the file's are said.
fn without_place(error: &str) -> &str {
    error.split(" at line ").next().unwrap_or(error)
}
