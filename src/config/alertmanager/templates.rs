//! Templates inside receivers. Alertmanager finds out about a broken one when it sends; here it is said when the file is read.

use crate::config::Checkers;
use crate::yaml::{Node, Problems, Value};

use super::inherit::INTEGRATIONS;

/// Keys that hold no template whatever they look like.
const PLAIN: [&str; 8] = ["http_config", "api_url", "app_url", "app_token", "auth_password", "auth_secret", "bot_token", "webhook_url"];

/// Goes over every text of the integrations that are sent.
pub fn check(root: &Node, checkers: &Checkers, problems: &mut Problems<'_>) {
    for receiver in root.get("receivers").map(Node::items).unwrap_or_default() {
        for integration in INTEGRATIONS.iter().filter_map(|kind| receiver.get(kind.key)).flat_map(Node::items) {
            check_node("", integration, checkers, problems);
        }
        for webhook in receiver.get("webhook_configs").map(Node::items).unwrap_or_default() {
            check_url(webhook, checkers, problems);
        }
    }
}

/// Of a webhook's address Alertmanager itself wants a whole template.
fn check_url(webhook: &Node, checkers: &Checkers, problems: &mut Problems<'_>) {
    let Some(url) = webhook.get("url") else { return };
    if let Some(text) = url.as_text().filter(|text| text.contains("{{"))
        && let Some(error) = (checkers.notification)(text)
    {
        problems.error(url.span, format!("invalid template syntax: {error}"));
    }
}

fn check_node(key: &str, node: &Node, checkers: &Checkers, problems: &mut Problems<'_>) {
    match &node.value {
        Value::Scalar { text, .. } if text.contains("{{") => {
            if let Some(error) = (checkers.notification)(text) {
                let message = format!("\"{key}\" is a broken template and will be sent empty: {error}");
                problems.note(node.span, &format!("template/{}", node.span.start), message);
            }
        }
        Value::Scalar { .. } => {}
        Value::List(items) => items.iter().for_each(|item| check_node(key, item, checkers, problems)),
        Value::Map(entries) => {
            let entries = entries.iter().filter(|entry| !PLAIN.contains(&entry.key.as_str()));
            entries.for_each(|entry| check_node(&entry.key, &entry.value, checkers, problems));
        }
    }
}
