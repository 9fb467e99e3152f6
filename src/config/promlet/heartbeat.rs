//! `heartbeat:` of `promlet.yml`: which addresses hear regularly that promlet works.

use std::collections::HashSet;

use crate::config::alertmanager::Given;
use crate::config::http_client::{HTTP_CONFIG, at_most_one, client};
use crate::heartbeat::options::{HeartbeatOptions, Method};
use crate::model::DurationMs;
use crate::model::number::quote;
use crate::yaml::{Kind, Node, Problems, Section, Value, Words, field};

static METHOD: Words = Words { name: "method", words: &["GET", "POST", "HEAD", "PUT"], any_case: true };

pub(super) static HEARTBEAT: Section = Section {
    name: "heartbeat",
    fields: &[&[
        field("name", Kind::Text),
        field("url", Kind::SecretUrl),
        field("url_file", Kind::Path),
        field("fail_url", Kind::SecretUrl),
        field("fail_url_file", Kind::Path),
        field("method", Kind::Word(&METHOD)),
        field("interval", Kind::Duration),
        field("timeout", Kind::Duration),
        field("http_config", Kind::Section(&HTTP_CONFIG)),
    ]],
};

const INTERVAL: DurationMs = DurationMs(60_000);
const INTERVAL_MIN: DurationMs = DurationMs(1_000);
const TIMEOUT: DurationMs = DurationMs(10_000);
/// Heartbeats of one file.
const HEARTBEATS_MAX: usize = 20;

/// A single mapping counts as a list of one.
pub(super) fn as_list(root: &mut Node) {
    if let Some(node) = root.get_mut("heartbeat")
        && matches!(node.value, Value::Map(_))
    {
        node.value = Value::List(vec![node.clone()]);
    }
}

/// Reads the list.
pub(super) fn read(root: &Node, problems: &mut Problems<'_>) -> Vec<HeartbeatOptions> {
    let Some(node) = root.get("heartbeat") else { return Vec::new() };
    let items = node.items();
    if items.len() > HEARTBEATS_MAX {
        problems.error(node.span, format!("{} heartbeats are more than the limit of {HEARTBEATS_MAX}", items.len()));
    }
    let (mut names, mut out) = (HashSet::new(), Vec::new());
    for (index, item) in items.iter().enumerate().take(HEARTBEATS_MAX) {
        let name = item.text("name").map_or_else(|| format!("heartbeat[{index}]"), str::to_owned);
        if !names.insert(name.clone()) {
            problems.error(item.get("name").map_or(item.span, |value| value.span), format!("heartbeat {} is not unique", quote(&name)));
        }
        out.extend(one(item, name, problems));
    }
    out
}

fn one(node: &Node, name: String, problems: &mut Problems<'_>) -> Option<HeartbeatOptions> {
    at_most_one(node, &["url", "url_file"], "at most one of url & url_file must be configured", problems);
    at_most_one(node, &["fail_url", "fail_url_file"], "at most one of fail_url & fail_url_file must be configured", problems);
    let given = Given(node);
    let url = given.secret("url");
    if url.is_none() {
        problems.error(node.span, "one of url or url_file must be configured in heartbeat");
    }
    let span = |key: &str| node.get(key).map_or(node.span, |value| value.span);
    let interval = node.duration("interval").unwrap_or(INTERVAL);
    if interval < INTERVAL_MIN {
        problems.error(span("interval"), format!("interval {interval} of a heartbeat is shorter than {INTERVAL_MIN}"));
    }
    let timeout = node.duration("timeout").unwrap_or(TIMEOUT.min(interval));
    if timeout <= DurationMs::ZERO || timeout > interval {
        let message = format!("timeout {timeout} of a heartbeat must be longer than 0 and not longer than its interval, {interval}");
        problems.error(span("timeout"), message);
    }
    Some(HeartbeatOptions {
        name,
        url: url?,
        fail_url: given.secret("fail_url"),
        method: match node.text("method").map(str::to_ascii_uppercase).as_deref() {
            Some("POST") => Method::Post,
            Some("HEAD") => Method::Head,
            Some("PUT") => Method::Put,
            _ => Method::Get,
        },
        interval,
        timeout,
        client: node.get("http_config").map(|given| client(given, problems)).unwrap_or_default(),
    })
}
