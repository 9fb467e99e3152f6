//! Our text in the Markdown that chat programs have in common: bold, code, links.

use super::{Described, alerts_url, described, remarks};
use crate::alerts::notification::{Notification, Status};

pub fn text(notification: &Notification, problems: &[String]) -> String {
    let (alerts, more) = described(notification);
    let mut parts: Vec<String> = alerts.iter().map(one).collect();
    if more > 0 {
        parts.push(format!("[+{more} more]({})", address(&alerts_url(notification))));
    }
    parts.extend(remarks(notification, problems).iter().map(|remark| format!("_{}_", escape(remark))));
    parts.join("\n\n")
}

fn one(described: &Described<'_>) -> String {
    let mark = if described.alert.status == Status::Resolved { "resolved: " } else { "" };
    let severity = if described.severity.is_empty() { String::new() } else { format!(" ({})", escape(&described.severity)) };
    let labels: Vec<String> =
        described.labels.iter().map(|(name, value)| format!("{}=`{}`", escape(name), value.replace('`', "'"))).collect();
    let mut lines = vec![format!("**{mark}{}**{severity} {}", escape(&described.name), labels.join(" ")).trim_end().to_owned()];
    for text in [&described.summary, &described.description, &described.facts] {
        if !text.is_empty() {
            lines.push(escape(text));
        }
    }
    let links: Vec<String> = described.links.iter().map(|(name, url)| format!("[{name}]({})", address(url))).collect();
    if !links.is_empty() {
        lines.push(links.join(" | "));
    }
    // Two blanks at the end of a line keep it a line of its own.
    lines.join("  \n")
}

/// What Markdown would take as markup, or as a mention of everybody.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in super::callouts_apart(text).chars() {
        if r"\*_`~[]<>|#@".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A URL inside of `[text](url)`.
fn address(url: &str) -> String {
    url.replace('(', "%28").replace(')', "%29").replace(' ', "%20").replace('<', "%3C").replace('>', "%3E")
}
