//! What makes pods: selectors that must match the pods' labels, containers, and texts that must be texts.

use super::metadata::not_text;
use super::names::is_port_name;
use super::object::{label_map, selects, shown};
use super::{Findings, Object};
use crate::model::number::quote;
use crate::yaml::{Node, scalar};

pub fn check(object: &Object<'_>, _: &[Object<'_>], findings: &mut Findings<'_>) {
    if matches!(object.kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") && object.api == "apps/v1" {
        check_selector(object, findings);
        check_restart(object, findings);
    }
    let Some(template) = object.pod_template() else {
        if matches!(object.kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Job") {
            findings.refused(
                "no-containers",
                object.spec_span(),
                "has no template of pods",
                "say what to run: template: {spec: {containers: ...}}",
            );
        }
        return;
    };
    let containers = object.containers();
    if containers.is_empty() {
        let at = template.key_span("spec");
        findings.refused("no-containers", at, "runs no container", "name one: containers: [{name: ..., image: ...}]");
    }
    containers.iter().for_each(|container| check_container(container, findings));
}

/// A selector is required, and takes the template's labels.
fn check_selector(object: &Object<'_>, findings: &mut Findings<'_>) {
    let labels = object.pod_labels();
    let Some(selector) = object.path(&["spec", "selector"]) else {
        let (message, way_out) = match labels.is_empty() {
            true => {
                let name = if object.name.is_empty() { "..." } else { object.name };
                let both = format!("selector: {{matchLabels: {{app: {name}}}}}, and metadata: {{labels: {{app: {name}}}}} in the template");
                ("has no spec.selector, and its template no labels: the API server requires both, the one matching the other", both)
            }
            false => {
                let message = "has no spec.selector, which the API server requires";
                (message, format!("select the template's labels: selector: {{matchLabels: {{{}}}}}", shown(&labels)))
            }
        };
        findings.refused("no-selector", object.spec_span(), message, way_out);
        return;
    };
    let is_empty = selector.get("matchLabels").is_none_or(|labels| label_map(labels).is_empty())
        && selector.get("matchExpressions").is_none_or(|list| list.items().is_empty());
    if is_empty {
        let message = "its selector is empty, or holds neither matchLabels nor matchExpressions: the API server refuses it";
        findings.refused("no-selector", selector.span, message, "selector: {matchLabels: {app: ...}}");
    } else if !selects(selector, &labels) {
        let message = format!("its selector does not take its own pods, whose labels are {{{}}}", shown(&labels));
        findings.refused("no-selector", selector.span, message, "the labels of the template must hold all that the selector asks for");
    }
}

fn check_restart(object: &Object<'_>, findings: &mut Findings<'_>) {
    let policy = object.path(&["spec", "template", "spec", "restartPolicy"]);
    if let Some((at, text)) = policy.and_then(|node| Some((node.span, node.as_text()?))).filter(|(_, text)| *text != "Always") {
        let message = format!("restartPolicy {} is refused here: its pods are always restarted", quote(text));
        findings.refused("restart-policy", at, message, "leave it out, or make it a Job");
    }
}

fn check_container(container: &Node, findings: &mut Findings<'_>) {
    for key in ["name", "image"] {
        if container.get(key).is_none() && !container.entries().is_empty() {
            findings.refused("no-containers", container.span, format!("a container has no {key}"), format!("give it one: {key}: ..."));
        }
    }
    for key in ["command", "args"] {
        for word in container.get(key).map(Node::items).unwrap_or_default() {
            if let Some(what) = not_text(word) {
                let message = format!("a word of {key} is {what}, and the API server takes texts only");
                findings.refused("not-text", word.span, message, format!("write quotes: \"{}\"", word.as_text().unwrap_or("...")));
            }
        }
    }
    for variable in container.get("env").map(Node::items).unwrap_or_default() {
        let Some(value) = variable.get("value") else { continue };
        if let Some(what) = not_text(value) {
            let name = variable.text("name").unwrap_or("");
            let message = format!("the variable {name} is {what}, and the API server takes texts only");
            findings.refused("not-text", value.span, message, format!("write quotes: value: \"{}\"", value.as_text().unwrap_or("...")));
        }
    }
    for port in container.get("ports").map(Node::items).unwrap_or_default() {
        check_port(port, findings);
    }
}

fn check_port(port: &Node, findings: &mut Findings<'_>) {
    match port.get("containerPort") {
        None => findings.refused("container-port", port.span, "a port of a container has no containerPort", "containerPort: 8080"),
        Some(number) if scalar::integer(number).is_none() => {
            findings.refused("container-port", number.span, "containerPort must be a number", "write it without quotes");
        }
        Some(_) => {}
    }
    if let Some((name, at)) = port.get("name").and_then(|node| Some((node.as_text()?, node.span))).filter(|(name, _)| !is_port_name(name)) {
        let message = format!("a container's port cannot be called {}", quote(name));
        findings.refused("container-port", at, message, "at most 15 lower-case letters, digits and \"-\", with a letter among them");
    }
}
