//! Our text in the few tags of HTML that Telegram knows.

use super::html::escape;
use super::{Described, alerts_url, described, is_web, remarks};
use crate::alerts::notification::{Notification, Status};

/// At most so many characters, tags counted: alerts that have no room are counted instead.
pub fn text(notification: &Notification, problems: &[String], longest: usize) -> String {
    let (alerts, more) = described(notification);
    let below: Vec<String> = remarks(notification, problems).iter().map(|remark| format!("<i>{}</i>", escape(remark))).collect();
    let mut parts = vec![format!("<b>{}</b>", escape(&super::clip(&super::title(notification), 500)))];
    let mut left_out = more + alerts.len();
    let reserve = 400 + below.iter().map(|remark| remark.chars().count()).sum::<usize>();
    let mut length = parts[0].chars().count() + reserve;
    for described in &alerts {
        let said = one(described);
        length += said.chars().count() + 2;
        if length > longest {
            break;
        }
        parts.push(said);
        left_out -= 1;
    }
    if left_out > 0 {
        let url = alerts_url(notification);
        let more = format!("+{left_out} more");
        parts.push(if is_web(&url) && url.len() < 300 { format!("<a href=\"{}\">{more}</a>", escape(&url)) } else { more });
    }
    parts.extend(below);
    parts.join("\n\n")
}

fn one(described: &Described<'_>) -> String {
    let mark = if described.alert.status == Status::Resolved { "resolved: " } else { "" };
    let severity = if described.severity.is_empty() { String::new() } else { format!(" ({})", escape(&described.severity)) };
    let labels: Vec<String> =
        described.labels.iter().map(|(name, value)| format!("{}=<code>{}</code>", escape(name), escape(value))).collect();
    let mut lines = vec![format!("<b>{mark}{}</b>{severity} {}", escape(&described.name), labels.join(" ")).trim_end().to_owned()];
    for text in [&described.summary, &described.description, &described.facts] {
        if !text.is_empty() {
            lines.push(escape(text));
        }
    }
    let links: Vec<String> = described.links.iter().map(|(name, url)| format!("<a href=\"{}\">{name}</a>", escape(url))).collect();
    if !links.is_empty() {
        lines.push(links.join(" | "));
    }
    lines.join("\n")
}
