//! Versions of the API that no server knows any more.

use super::{Findings, Object};

/// Group and version, kinds (all where none is listed), the version of Kubernetes that left them out, and what to write instead.
const RETIRED: [(&str, &[&str], &str, &str); 15] = [
    ("extensions/v1beta1", &["Deployment", "DaemonSet", "ReplicaSet"], "1.16", "apps/v1"),
    ("extensions/v1beta1", &["NetworkPolicy"], "1.16", "networking.k8s.io/v1"),
    ("extensions/v1beta1", &["Ingress"], "1.22", "networking.k8s.io/v1"),
    ("apps/v1beta1", &[], "1.16", "apps/v1"),
    ("apps/v1beta2", &[], "1.16", "apps/v1"),
    ("networking.k8s.io/v1beta1", &["Ingress", "IngressClass"], "1.22", "networking.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1beta1", &[], "1.22", "rbac.authorization.k8s.io/v1"),
    ("apiextensions.k8s.io/v1beta1", &[], "1.22", "apiextensions.k8s.io/v1"),
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
        "1.22",
        "admissionregistration.k8s.io/v1",
    ),
    ("scheduling.k8s.io/v1beta1", &[], "1.22", "scheduling.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", &["StorageClass", "CSIDriver", "CSINode", "VolumeAttachment"], "1.22", "storage.k8s.io/v1"),
    ("batch/v1beta1", &["CronJob"], "1.25", "batch/v1"),
    ("discovery.k8s.io/v1beta1", &["EndpointSlice"], "1.25", "discovery.k8s.io/v1"),
    ("policy/v1beta1", &["PodDisruptionBudget"], "1.25", "policy/v1"),
    ("autoscaling/v2beta2", &[], "1.26", "autoscaling/v2"),
];

pub fn check(object: &Object<'_>, _: &[Object<'_>], findings: &mut Findings<'_>) {
    let of_kind = |kinds: &[&str]| kinds.is_empty() || kinds.contains(&object.kind);
    if let Some((api, _, since, now)) = RETIRED.iter().find(|(api, kinds, ..)| *api == object.api && of_kind(kinds)) {
        let at = object.node.get("apiVersion").map_or(object.node.span, |value| value.span);
        findings.refused(
            "api-version",
            at,
            format!("{api} is unknown to Kubernetes {since} and later"),
            format!("write apiVersion: {now}"),
        );
    }
}
