//! Our text in Slack's markup.

use super::{Described, alerts_url, clip, described, remarks};
use crate::alerts::notification::{Notification, Status};
use crate::notify::limits::SLACK_TEXT_MAX;

/// The attachment's text. Alerts that have no room are counted instead: nothing is cut in the middle of its markup.
pub fn text(notification: &Notification, problems: &[String]) -> String {
    let (alerts, mut more) = described(notification);
    let below: Vec<String> = remarks(notification, problems).iter().map(|remark| format!("_{}_", escape(remark))).collect();
    let url = address(&alerts_url(notification));
    let mut room = SLACK_TEXT_MAX.saturating_sub(below.iter().map(|text| text.chars().count() + 2).sum::<usize>() + url.len() + 40);
    let mut parts = Vec::new();
    for described in &alerts {
        let said = one(described);
        let length = said.chars().count() + 2;
        if length > room {
            more += 1;
            continue;
        }
        room -= length;
        parts.push(said);
    }
    if more > 0 {
        parts.push(format!("<{url}|+{more} more>"));
    }
    parts.extend(below);
    clip(&parts.join("\n\n"), SLACK_TEXT_MAX)
}

fn one(described: &Described<'_>) -> String {
    let mark = if described.alert.status == Status::Resolved { "resolved: " } else { "" };
    let severity = if described.severity.is_empty() { String::new() } else { format!(" ({})", escape(&described.severity)) };
    let labels: Vec<String> =
        described.labels.iter().map(|(name, value)| format!("{}=`{}`", escape(name), escape(value).replace('`', "'"))).collect();
    let mut lines = vec![format!("*{mark}{}*{severity} {}", escape(&described.name), labels.join(" ")).trim_end().to_owned()];
    for text in [&described.summary, &described.description] {
        if !text.is_empty() {
            lines.push(escape(text));
        }
    }
    lines.push(escape(&described.facts));
    let links: Vec<String> = described.links.iter().map(|(name, url)| format!("<{}|{name}>", address(url))).collect();
    if !links.is_empty() {
        lines.push(links.join(" | "));
    }
    lines.join("\n")
}

/// Slack's three control characters.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A URL inside of `<url|text>`.
fn address(url: &str) -> String {
    escape(&url.replace('|', "%7C").replace('>', "%3E").replace('<', "%3C").replace(' ', "%20"))
}
