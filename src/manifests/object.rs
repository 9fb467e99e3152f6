//! One object of a manifest, with what checks ask of it.

use std::collections::BTreeMap;

use crate::model::Span;
use crate::yaml::{Node, Source};

/// Where an object begins, and what it says of itself; empty texts where it does not.
#[derive(Clone, Copy)]
pub struct Object<'f> {
    pub source: &'f Source,
    pub node: &'f Node,
    pub api: &'f str,
    pub kind: &'f str,
    pub name: &'f str,
    pub namespace: Option<&'f str>,
}

/// Labels by name; those that are no text are left out.
pub type LabelMap<'f> = BTreeMap<&'f str, &'f str>;

impl<'f> Object<'f> {
    /// The object of a document, or those of a list.
    pub fn all(document: &'f Node, source: &'f Source) -> Vec<Self> {
        if document.text("kind") == Some("List") {
            return document.get("items").map(Node::items).unwrap_or_default().iter().map(|item| Self::new(item, source)).collect();
        }
        vec![Self::new(document, source)]
    }

    fn new(node: &'f Node, source: &'f Source) -> Self {
        let metadata = node.get("metadata");
        let of_metadata = |key: &str| metadata.and_then(|metadata| metadata.text(key));
        Self {
            source,
            node,
            api: node.text("apiVersion").unwrap_or(""),
            kind: node.text("kind").unwrap_or(""),
            name: of_metadata("name").unwrap_or(""),
            namespace: of_metadata("namespace"),
        }
    }

    /// `Service user-api`, as messages name it.
    pub fn title(&self) -> String {
        match (self.kind, self.name) {
            ("", _) => "this document".to_owned(),
            (kind, "") => kind.to_owned(),
            (kind, name) => format!("{kind} {name}"),
        }
    }

    /// A value inside, by keys from the top.
    pub fn path(&self, keys: &[&str]) -> Option<&'f Node> {
        keys.iter().try_fold(self.node, |node, key| node.get(key))
    }

    pub fn spec(&self) -> Option<&'f Node> {
        self.node.get("spec")
    }

    /// Where `spec` stands, or the object begins.
    pub fn spec_span(&self) -> Span {
        self.node.key_span("spec")
    }

    pub fn labels(&self) -> LabelMap<'f> {
        self.path(&["metadata", "labels"]).map(label_map).unwrap_or_default()
    }

    /// What pods are made from: a mapping with `metadata` and `spec`.
    pub fn pod_template(&self) -> Option<&'f Node> {
        match self.kind {
            "Pod" => Some(self.node),
            "CronJob" => self.path(&["spec", "jobTemplate", "spec", "template"]),
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "Job" => self.path(&["spec", "template"]),
            _ => None,
        }
    }

    pub fn pod_labels(&self) -> LabelMap<'f> {
        let labels = self.pod_template().and_then(|template| template.get("metadata")?.get("labels"));
        labels.map(label_map).unwrap_or_default()
    }

    pub fn containers(&self) -> &'f [Node] {
        let list = self.pod_template().and_then(|template| template.get("spec")?.get("containers"));
        list.map(Node::items).unwrap_or_default()
    }

    /// The ports that its containers declare.
    pub fn container_ports(&self) -> Vec<&'f Node> {
        let ports = |container: &'f Node| container.get("ports").map(Node::items).unwrap_or_default();
        self.containers().iter().flat_map(ports).collect()
    }

    /// Not surely in different namespaces: one that is not written is set when it is applied.
    pub fn may_share_namespace(&self, other: &Self) -> bool {
        self.namespace.is_none() || other.namespace.is_none() || self.namespace == other.namespace
    }

    /// Written for kustomize or Helm, and never sent to a cluster.
    pub fn is_for_kustomize(&self) -> bool {
        self.api.starts_with("kustomize.config.k8s.io/")
    }

    pub fn is_monitoring(&self) -> bool {
        self.api.starts_with("monitoring.coreos.com/")
    }
}

pub fn label_map(node: &Node) -> LabelMap<'_> {
    node.entries().iter().filter_map(|entry| Some((entry.key.as_str(), entry.value.as_text()?))).collect()
}

/// Labels as a reader writes them: `app: api, tier: back`.
pub fn shown(labels: &LabelMap<'_>) -> String {
    labels.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")
}

/// Whether every pair is among the labels.
pub fn holds_all(labels: &LabelMap<'_>, wanted: &LabelMap<'_>) -> bool {
    wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
}

/// Whether a selector with `matchLabels` and `matchExpressions` takes these labels; one that is empty takes all.
pub fn selects(selector: &Node, labels: &LabelMap<'_>) -> bool {
    let expressions = selector.get("matchExpressions").map(Node::items).unwrap_or_default();
    selector.get("matchLabels").is_none_or(|wanted| holds_all(labels, &label_map(wanted)))
        && expressions.iter().all(|expression| expression_holds(expression, labels))
}

fn expression_holds(expression: &Node, labels: &LabelMap<'_>) -> bool {
    let value = expression.text("key").and_then(|key| labels.get(key).copied());
    let listed = value.is_some_and(|value| expression.texts("values").iter().any(|one| one == value));
    match expression.text("operator") {
        Some("In") => listed,
        Some("NotIn") => !listed,
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => true,
    }
}
