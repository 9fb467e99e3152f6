//! Services: ports that are refused, and services behind which there is never a pod.

use std::collections::HashMap;

use super::metadata::not_text;
use super::names::is_dns_label;
use super::object::{holds_all, label_map, shown};
use super::{Findings, Object};
use crate::model::number::quote;
use crate::yaml::{Node, scalar};

/// Ports of TCP and UDP.
const PORT_MAX: i64 = 65_535;

pub fn check(object: &Object<'_>, all: &[Object<'_>], findings: &mut Findings<'_>) {
    if object.kind != "Service" || object.api != "v1" {
        return;
    }
    let Some(spec) = object.spec() else {
        findings.refused("service-ports", object.node.span, "has no spec, and so no ports", "name them: spec: {ports: [{port: ...}]}");
        return;
    };
    if spec.text("type") == Some("ExternalName") {
        return;
    }
    check_ports(object, spec, findings);
    check_selector(object, spec, all, findings);
}

fn check_ports(object: &Object<'_>, spec: &Node, findings: &mut Findings<'_>) {
    let ports = spec.get("ports").map(Node::items).unwrap_or_default();
    if ports.is_empty() && spec.text("clusterIP") != Some("None") {
        findings.refused("service-ports", object.spec_span(), "has no ports", "name them: ports: [{name: http, port: 8080}]");
    }
    let (mut names, mut numbers) = (HashMap::new(), HashMap::new());
    for port in ports {
        match port.get("name").and_then(Node::as_text) {
            None if ports.len() > 1 => {
                findings.refused(
                    "service-ports",
                    port.span,
                    "a port of several has no name",
                    "name each: a ServiceMonitor finds ports by name",
                );
            }
            None => {}
            Some(name) => {
                let at = port.get("name").map_or(port.span, |node| node.span);
                if names.insert(name, port).is_some() {
                    findings.refused("service-ports", at, format!("two ports are called {}", quote(name)), "give one of them another name");
                }
                if !is_dns_label(name) {
                    let message = format!("a port cannot be called {}", quote(name));
                    findings.refused("service-ports", at, message, "lower-case letters, digits and \"-\", as http-metrics");
                }
            }
        }
        if let Some(number) = number(port, findings) {
            let protocol = port.text("protocol").unwrap_or("TCP");
            if let Some(first) = numbers.insert((number, protocol), port) {
                duplicate(first, port, number, protocol, findings);
            }
        }
    }
}

/// The port's number, where it is one.
fn number(port: &Node, findings: &mut Findings<'_>) -> Option<i64> {
    let Some(value) = port.get("port") else {
        findings.refused("service-ports", port.span, "a port has no number", "say which: port: 8080 (targetPort is the container's)");
        return None;
    };
    match scalar::integer(value) {
        Some(number) if (1..=PORT_MAX).contains(&number) => return Some(number),
        Some(number) => {
            findings.refused("service-ports", value.span, format!("{number} is no port"), format!("a number from 1 to {PORT_MAX}"));
        }
        None => {
            let text = value.as_text().unwrap_or("...");
            let message = format!("port is {}, and the API server takes a number here", quote(text));
            findings.refused("service-ports", value.span, message, "write it without quotes; a name may stand in targetPort");
        }
    }
    None
}

fn duplicate(first: &Node, second: &Node, number: i64, protocol: &str, findings: &mut Findings<'_>) {
    let name = |port: &Node| port.text("name").unwrap_or("without a name").to_owned();
    let names = [name(first), name(second)];
    let at = second.get("port").map_or(second.span, |value| value.span);
    let message =
        format!("ports {} and {} are both {number}/{protocol}: the API server refuses the second as a duplicate", names[0], names[1]);
    let kept = names.iter().find(|name| name.contains("metrics")).unwrap_or(&names[0]);
    findings.refused("duplicate-port", at, message, format!("one port is enough: keep it once, named {kept}"));
}

fn check_selector(object: &Object<'_>, spec: &Node, all: &[Object<'_>], findings: &mut Findings<'_>) {
    let near = || all.iter().filter(|other| other.may_share_namespace(object));
    let selector = spec.get("selector").map(label_map).unwrap_or_default();
    let same_name = near().find(|other| !other.name.is_empty() && other.name == object.name && !other.pod_labels().is_empty());
    if selector.is_empty() {
        let made_by_hand = near().any(|other| matches!(other.kind, "Endpoints" | "EndpointSlice"));
        if made_by_hand {
            return;
        }
        let message = "has no selector: no pod is ever behind it, and a ServiceMonitor that finds it scrapes nothing";
        let way_out = match same_name {
            Some(other) => format!("select the pods of {}: selector: {{{}}}", other.title(), shown(&other.pod_labels())),
            None => "select pods by their labels: selector: {app: ...}".to_owned(),
        };
        findings.broken("no-selector", object.spec_span(), message, way_out);
        return;
    }
    let behind: Vec<&Object<'_>> = near().filter(|other| holds_all(&other.pod_labels(), &selector)).collect();
    if let (true, Some(other)) = (behind.is_empty(), same_name) {
        let at = spec.get("selector").map_or(object.spec_span(), |value| value.span);
        let message = format!("selects no pod of {}, whose labels are {{{}}}", other.title(), shown(&other.pod_labels()));
        findings.broken("no-selector", at, message, format!("select them: selector: {{{}}}", shown(&other.pod_labels())));
    }
    check_target_ports(spec, &behind, findings);
}

/// A target port that is a name must be one of the pods behind the service.
fn check_target_ports(spec: &Node, behind: &[&Object<'_>], findings: &mut Findings<'_>) {
    let declared: Vec<&str> = behind.iter().flat_map(|pods| pods.container_ports()).filter_map(|port| port.text("name")).collect();
    if behind.is_empty() {
        return;
    }
    for target in spec.get("ports").map(Node::items).unwrap_or_default().iter().filter_map(|port| port.get("targetPort")) {
        let Some(name) = target.as_text().filter(|_| scalar::integer(target).is_none() && not_text(target).is_none()) else { continue };
        if !declared.contains(&name) {
            let message = format!("targetPort {} is no port of {}", quote(name), behind[0].title());
            let way_out = match declared.as_slice() {
                [] => format!("name the container's port: ports: [{{name: {name}, containerPort: ...}}]"),
                _ => format!("its ports are {}", declared.join(", ")),
            };
            findings.broken("target-port", target.span, message, way_out);
        }
    }
}
