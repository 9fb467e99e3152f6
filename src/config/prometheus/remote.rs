//! The sections that are known but not acted on: their own rules still hold, so that a file which Prometheus refuses is refused here.

use std::collections::HashSet;

use crate::config::{http_client, relabel};
use crate::model::number::quote;
use crate::yaml::{Node, Problems};

use super::global::Global;

/// Headers that remote write and tracing set themselves.
const RESERVED_HEADERS: [&str; 15] = [
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
];

/// Remote write and read, storage, tracing and OTLP.
pub fn check(root: &Node, global: &Global, problems: &mut Problems<'_>) {
    let items = |key: &str| root.get(key).map(Node::items).unwrap_or_default();
    let (writes, reads) = (items("remote_write"), items("remote_read"));
    check_names(writes, "remote write", problems);
    check_names(reads, "remote read", problems);
    for node in writes.iter().filter(|node| !node.is_null()) {
        check_remote_write(node, global, problems);
    }
    for node in reads.iter().filter(|node| !node.is_null()) {
        check_url(node, "remote_read", problems);
        check_headers(node, true, problems);
        http_client::client(node, problems);
    }
    check_storage(root, problems);
    check_tracing(root, problems);
    check_otlp(root, global, problems);
}

fn check_names(nodes: &[Node], what: &str, problems: &mut Problems<'_>) {
    let mut seen: HashSet<&str> = HashSet::new();
    for node in nodes {
        if let Some(name) = node.text("name").filter(|name| !seen.insert(name)) {
            problems.error(node.key_span("name"), format!("found multiple {what} configs with job name {}", quote(name)));
        }
    }
}

fn check_url(node: &Node, key: &str, problems: &mut Problems<'_>) {
    if node.text("url").is_none() {
        problems.error(node.span, format!("url for {key} is empty"));
    }
}

fn check_headers(node: &Node, authorization_elsewhere: bool, problems: &mut Problems<'_>) {
    for entry in node.get("headers").map(Node::entries).unwrap_or_default() {
        let name = entry.key.to_lowercase();
        if name == "authorization" && authorization_elsewhere {
            let message =
                "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter";
            problems.error(entry.key_span, message);
        } else if name == "authorization" {
            problems.error(entry.key_span, "custom authorization header configuration is not yet supported");
        } else if RESERVED_HEADERS.contains(&name.as_str()) {
            problems.error(entry.key_span, format!("{} is a reserved header. It must not be changed", entry.key));
        }
    }
}

fn check_remote_write(node: &Node, global: &Global, problems: &mut Problems<'_>) {
    check_url(node, "remote_write", problems);
    check_headers(node, true, problems);
    http_client::client(node, problems);
    relabel::steps(node, "write_relabel_configs", global.legacy_names, problems);
    let known = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"];
    if let Some(message) = node.text("protobuf_message").filter(|message| !known.contains(message)) {
        let what =
            format!("invalid protobuf_message value: unknown remote write protobuf message {message}, supported: {}", known.join(", "));
        problems.error(node.key_span("protobuf_message"), what);
    }
    let kinds = ["basic_auth", "authorization", "oauth2", "sigv4", "azuread", "google_iam"];
    let set: Vec<&str> = kinds.into_iter().filter(|kind| node.get(kind).is_some()).collect();
    let by_client = set.iter().filter(|kind| kinds[..3].contains(kind)).count();
    if set.len() > 1 && by_client < set.len() {
        let message =
            "at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured. Currently configured: ";
        problems.error(node.key_span(set[1]), format!("{message}[{}]", set.join(" ")));
    }
    let Some(queue) = node.get("queue_config") else { return };
    let shards = |key: &str, default: u64| queue.unsigned(key).unwrap_or(default);
    let (most, least) = (shards("max_shards", 50), shards("min_shards", 1));
    for (key, value) in [("max_shards", most), ("min_shards", least)] {
        if value == 0 {
            problems.error(queue.key_span(key), format!("remote write {key} must be greater than 0"));
        }
    }
    if least > most {
        problems
            .error(queue.key_span("min_shards"), format!("remote write min_shards ({least}) must not be greater than max_shards ({most})"));
    }
}

fn check_storage(root: &Node, problems: &mut Problems<'_>) {
    let Some(retention) = root.get("storage").and_then(|storage| storage.get("tsdb")).and_then(|tsdb| tsdb.get("retention")) else {
        return;
    };
    if let Some(percentage) = retention.get("percentage").and_then(crate::yaml::scalar::float)
        && !(0.0..=100.0).contains(&percentage)
    {
        let message = format!("'percentage' must be in the range [0, 100], got {percentage}");
        problems.error(retention.key_span("percentage"), message);
    }
}

fn check_tracing(root: &Node, problems: &mut Problems<'_>) {
    let Some(tracing) = root.get("tracing") else { return };
    check_headers(tracing, false, problems);
    if tracing.text("endpoint").is_none() {
        problems.error(tracing.span, "tracing endpoint must be set");
    }
    if let Some(compression) = tracing.text("compression").filter(|compression| *compression != "gzip") {
        let message = format!("invalid compression type {compression} provided, valid options: gzip");
        problems.error(tracing.key_span("compression"), message);
    }
    if let Some(given) = tracing.get("tls_config") {
        http_client::tls(given, problems);
    }
}

fn check_otlp(root: &Node, global: &Global, problems: &mut Problems<'_>) {
    let Some(otlp) = root.get("otlp") else { return };
    let promotes_all = otlp.flag("promote_all_resource_attributes") == Some(true);
    let count = |key: &str| otlp.get(key).map_or(0, |list| list.items().len());
    if promotes_all && count("promote_resource_attributes") > 0 {
        let message = "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously";
        problems.error(otlp.key_span("promote_resource_attributes"), message);
    }
    if !promotes_all && count("ignore_resource_attributes") > 0 {
        let message = "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true";
        problems.error(otlp.key_span("ignore_resource_attributes"), message);
    }
    for (key, word) in [("promote_resource_attributes", "promoted"), ("ignore_resource_attributes", "ignored")] {
        let mut seen: HashSet<&str> = HashSet::new();
        for item in otlp.get(key).map(Node::items).unwrap_or_default() {
            let name = item.as_text().unwrap_or("").trim();
            if name.is_empty() {
                problems.error(item.span, format!("invalid '{key}': empty {word} OTel resource attribute"));
            } else if !seen.insert(name) {
                problems.error(item.span, format!("invalid '{key}': duplicated {word} OTel resource attribute {}", quote(name)));
            }
        }
    }
    let Some(strategy) = otlp.text("translation_strategy") else { return };
    let at = otlp.key_span("translation_strategy");
    match strategy {
        "UnderscoreEscapingWithSuffixes" | "UnderscoreEscapingWithoutSuffixes" => {}
        "NoTranslation" | "NoUTF8EscapingWithSuffixes" => {
            if global.legacy_names {
                problems.error(at, format!("OTLP translation strategy {} is not allowed when UTF8 is disabled", quote(strategy)));
            }
        }
        _ => problems.error(at, format!("unsupported OTLP translation strategy {}", quote(strategy))),
    }
}
