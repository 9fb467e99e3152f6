//! Our text in Slack's markup.

use super::{Described, alerts_url, clip, described, is_web, remarks};
use crate::alerts::notification::{Notification, Status};
use crate::notify::limits::SLACK_TEXT_MAX;

/// The attachment's text.
pub fn text(notification: &Notification, problems: &[String]) -> String {
    let (alerts, more) = described(notification);
    let mut parts: Vec<String> = alerts.iter().map(one).collect();
    if more > 0 {
        parts.push(format!("<{}|and {more} more>", address(&alerts_url(notification))));
    }
    parts.extend(remarks(notification, problems).iter().map(|remark| format!("_{}_", escape(remark))));
    clip(&parts.join("\n\n"), SLACK_TEXT_MAX)
}

fn one(described: &Described<'_>) -> String {
    let mark = if described.alert.status == Status::Resolved { "resolved: " } else { "" };
    let severity = if described.severity.is_empty() { String::new() } else { format!(" ({})", escape(described.severity)) };
    let labels: Vec<String> =
        described.labels.iter().map(|(name, value)| format!("{name}=`{}`", escape(value).replace('`', "'"))).collect();
    let mut lines = vec![format!("*{mark}{}*{severity} {}", escape(described.name), labels.join(" ")).trim_end().to_owned()];
    for text in [&described.summary, &described.description] {
        if !text.is_empty() {
            lines.push(escape(text));
        }
    }
    lines.push(escape(&described.facts));
    let links =
        [("Graph", described.alert.alert.generator_url.as_str()), ("Runbook", described.runbook), ("Dashboard", described.dashboard)];
    let links: Vec<String> = links.iter().filter(|(_, url)| is_web(url)).map(|(name, url)| format!("<{}|{name}>", address(url))).collect();
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
