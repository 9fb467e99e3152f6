//! Templates inside receivers. Alertmanager finds out about a broken one when it sends; here the file is refused: every text is read,
//! then rendered on made-up alerts.

use std::path::PathBuf;

use crate::config::{Checkers, paths};
use crate::model::Span;
use crate::notify::options::RehearsedText;
use crate::yaml::{Node, Problems, Value};

/// Keys that hold no template whatever they look like.
const PLAIN: [&str; 8] = ["http_config", "api_url", "app_url", "app_token", "auth_password", "auth_secret", "bot_token", "webhook_url"];
/// Integrations that say nothing of resolved alerts unless they are told to.
const SILENT_WHEN_RESOLVED: [&str; 4] = ["slack_configs", "email_configs", "rocketchat_configs", "wechat_configs"];

/// A text that reads as a template, and where it stands.
struct Found<'n> {
    key: &'n str,
    at: Span,
    text: RehearsedText<'n>,
}

/// What holds for all texts of one integration.
#[derive(Clone, Copy)]
struct Integration {
    resolved: bool,
    is_email: bool,
    is_webhook: bool,
}

/// Goes over every text of every integration.
pub fn check(root: &Node, checkers: &Checkers, problems: &mut Problems<'_>) {
    let mut found = Vec::new();
    for receiver in root.get("receivers").map(Node::items).unwrap_or_default() {
        for entry in receiver.entries().iter().filter(|entry| entry.key.ends_with("_configs")) {
            for node in entry.value.items() {
                let resolved = node.flag("send_resolved").unwrap_or(!SILENT_WHEN_RESOLVED.contains(&entry.key.as_str()));
                let of = Integration { resolved, is_email: entry.key == "email_configs", is_webhook: entry.key == "webhook_configs" };
                check_node("", node, of, checkers, &mut found, problems);
            }
        }
        for webhook in receiver.get("webhook_configs").map(Node::items).unwrap_or_default() {
            check_url(webhook, checkers, problems);
        }
    }
    let patterns = root.texts("templates");
    if found.is_empty() && patterns.is_empty() {
        return;
    }
    let files: Vec<PathBuf> = patterns.iter().flat_map(|pattern| paths::expand(&PathBuf::from(pattern))).collect();
    let texts: Vec<RehearsedText<'_>> = found.iter().map(|found| found.text).collect();
    match (checkers.rehearse)(&files, &texts) {
        Ok(said) => {
            for (found, error) in found.iter().zip(said).filter_map(|(found, error)| Some((found, error?))) {
                problems.error(found.at, format!("the template of \"{}\" {error}", found.key));
            }
        }
        Err(errors) => {
            let at = root.get("templates").map_or(root.span, |templates| templates.span);
            errors.into_iter().for_each(|error| problems.error(at, error));
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

fn check_node<'n>(
    key: &'n str,
    node: &'n Node,
    of: Integration,
    checkers: &Checkers,
    found: &mut Vec<Found<'n>>,
    problems: &mut Problems<'_>,
) {
    match &node.value {
        Value::Scalar { text, .. } if text.contains("{{") => match (checkers.notification)(text) {
            Some(_) if key == "url" && of.is_webhook => {}
            Some(error) => problems.error(node.span, format!("\"{key}\" is a broken template: {error}")),
            None => {
                let text = RehearsedText { text, html: of.is_email && key == "html", resolved: of.resolved };
                found.push(Found { key, at: node.span, text });
            }
        },
        Value::Scalar { .. } => {}
        Value::List(items) => items.iter().for_each(|item| check_node(key, item, of, checkers, found, problems)),
        Value::Map(entries) => {
            let entries = entries.iter().filter(|entry| !PLAIN.contains(&entry.key.as_str()));
            entries.for_each(|entry| check_node(&entry.key, &entry.value, of, checkers, found, problems));
        }
    }
}
