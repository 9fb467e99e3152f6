//! Keys that an object does not have, where a known one is meant: kubectl refuses them, older servers drop them without a word.

use super::{Findings, Object};
use crate::model::suggest::nearest;
use crate::yaml::Node;

const OBJECT: &[&str] = &["apiVersion", "kind", "metadata", "spec", "status", "data", "binaryData", "stringData", "immutable", "type"];
const METADATA: &[&str] = &[
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
];
const SERVICE_PORT: &[&str] = &["name", "port", "targetPort", "protocol", "nodePort", "appProtocol"];
const CONTAINER_PORT: &[&str] = &["name", "containerPort", "protocol", "hostPort", "hostIP"];
const TEMPLATE: &[&str] = &["metadata", "spec"];
const SELECTOR: &[&str] = &["matchLabels", "matchExpressions"];
const MONITOR: &[&str] = &[
    "jobLabel",
    "targetLabels",
    "podTargetLabels",
    "endpoints",
    "podMetricsEndpoints",
    "selector",
    "selectorMechanism",
    "namespaceSelector",
    "sampleLimit",
    "scrapeProtocols",
    "fallbackScrapeProtocol",
    "scrapeClassicHistograms",
    "scrapeNativeHistograms",
    "nativeHistogramBucketLimit",
    "nativeHistogramMinBucketFactor",
    "convertClassicHistogramsToNHCB",
    "targetLimit",
    "labelLimit",
    "labelNameLengthLimit",
    "labelValueLengthLimit",
    "keepDroppedTargets",
    "attachMetadata",
    "scrapeClass",
    "bodySizeLimit",
    "serviceDiscoveryRole",
];
const ENDPOINT: &[&str] = &[
    "port",
    "portNumber",
    "targetPort",
    "path",
    "scheme",
    "params",
    "interval",
    "scrapeTimeout",
    "tlsConfig",
    "bearerTokenFile",
    "bearerTokenSecret",
    "authorization",
    "honorLabels",
    "honorTimestamps",
    "trackTimestampsStaleness",
    "basicAuth",
    "oauth2",
    "metricRelabelings",
    "relabelings",
    "proxyUrl",
    "noProxy",
    "proxyFromEnvironment",
    "proxyConnectHeader",
    "followRedirects",
    "enableHttp2",
    "filterRunning",
];

pub fn check(object: &Object<'_>, _: &[Object<'_>], findings: &mut Findings<'_>) {
    let is_monitor = object.is_monitoring() && matches!(object.kind, "ServiceMonitor" | "PodMonitor");
    let known =
        matches!(object.kind, "Service" | "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" | "CronJob" | "ConfigMap");
    if !known && !is_monitor {
        return;
    }
    misspelt(Some(object.node), OBJECT, findings);
    misspelt(object.node.get("metadata"), METADATA, findings);
    if object.kind == "Service" {
        let ports = object.path(&["spec", "ports"]).map(Node::items).unwrap_or_default();
        ports.iter().for_each(|port| misspelt(Some(port), SERVICE_PORT, findings));
    } else {
        misspelt(object.path(&["spec", "selector"]), SELECTOR, findings);
    }
    misspelt(object.pod_template(), TEMPLATE, findings);
    misspelt(object.pod_template().and_then(|template| template.get("metadata")), METADATA, findings);
    object.container_ports().into_iter().for_each(|port| misspelt(Some(port), CONTAINER_PORT, findings));
    if is_monitor {
        misspelt(object.spec(), MONITOR, findings);
        for list in ["endpoints", "podMetricsEndpoints"] {
            let endpoints = object.path(&["spec", list]).map(Node::items).unwrap_or_default();
            endpoints.iter().for_each(|endpoint| misspelt(Some(endpoint), ENDPOINT, findings));
        }
    }
}

/// Keys near to a known one that is not there; others may be newer than this table.
fn misspelt(node: Option<&Node>, known: &[&str], findings: &mut Findings<'_>) {
    let Some(node) = node else { return };
    for entry in node.entries().iter().filter(|entry| !known.contains(&entry.key.as_str())) {
        let near = nearest(&entry.key, known.iter().copied()).filter(|near| node.entry(near).is_none());
        if let Some(near) = near {
            findings.refused("unknown-key", entry.key_span, format!("there is no key {} here", entry.key), format!("did you mean {near}?"));
        }
    }
}
