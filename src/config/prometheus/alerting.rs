//! `alerting:` to the notifier's options: where alerts go besides our own routing, and with which labels they leave.

use crate::config::{http_client, relabel};
use crate::model::DurationMs;
use crate::notifier::options::{AlertLabels, AlertmanagerOptions, NotifierOptions};
use crate::yaml::{Node, Problems};

use super::global::Global;
use super::targets;

/// Prometheus's default for one request.
const TIMEOUT: DurationMs = DurationMs(10_000);

pub fn read(root: &Node, global: &Global, problems: &mut Problems<'_>) -> NotifierOptions {
    let mut options = NotifierOptions {
        labels: AlertLabels { external: global.external_labels.clone(), ..AlertLabels::default() },
        ..NotifierOptions::default()
    };
    let Some(alerting) = root.get("alerting") else { return options };
    options.labels.relabel = relabel::steps(alerting, "alert_relabel_configs", global.legacy_names, problems);
    for node in alerting.get("alertmanagers").map(Node::items).unwrap_or_default().iter().filter(|node| !node.is_null()) {
        options.alertmanagers.push(alertmanager(node, global, problems));
    }
    options
}

fn alertmanager(node: &Node, global: &Global, problems: &mut Problems<'_>) -> AlertmanagerOptions {
    let authenticated = ["basic_auth", "authorization", "oauth2"].iter().any(|key| node.get(key).is_some());
    if authenticated && node.get("sigv4").is_some() {
        let message = "at most one of basic_auth, authorization, oauth2, & sigv4 must be configured";
        problems.error(node.key_span("sigv4"), message);
    }
    AlertmanagerOptions {
        scheme: node.text("scheme").unwrap_or("http").to_owned(),
        path_prefix: node.text("path_prefix").unwrap_or("").to_owned(),
        timeout: node.duration("timeout").filter(|timeout| timeout.0 > 0).unwrap_or(TIMEOUT),
        client: http_client::client(node, problems),
        discovery: targets::discovery(node, global.legacy_names, problems),
        relabel: relabel::steps(node, "relabel_configs", global.legacy_names, problems),
        alert_relabel: relabel::steps(node, "alert_relabel_configs", global.legacy_names, problems),
    }
}
