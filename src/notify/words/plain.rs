//! Our text without any markup: a mail's plain part.

use super::{Described, alerts_url, described, remarks};
use crate::alerts::notification::{Notification, Status};

pub fn text(notification: &Notification, problems: &[String]) -> String {
    let (alerts, more) = described(notification);
    let mut parts: Vec<String> = alerts.iter().map(one).collect();
    if more > 0 {
        parts.push(format!("+{more} more: {}", alerts_url(notification)));
    }
    parts.extend(remarks(notification, problems));
    parts.push(format!("All alerts: {}\nReceiver {}, notification {}", alerts_url(notification), notification.receiver, notification.id));
    parts.join("\n\n") + "\n"
}

/// For a watch or a locked phone: an alert in two lines.
pub fn brief(notification: &Notification) -> String {
    let (alerts, more) = described(notification);
    let several = notification.alerts.len() > 1;
    let mut lines = Vec::new();
    for described in &alerts {
        let mark = if described.alert.status == Status::Resolved { "resolved: " } else { "" };
        let labels: Vec<String> = described.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if several || described.summary.is_empty() {
            lines.push(format!("{mark}{} {}", described.name, labels.join(" ")).trim_end().to_owned());
        }
        lines.extend([&described.summary, &described.facts].into_iter().filter(|text| !text.is_empty()).cloned());
    }
    if more > 0 {
        lines.push(format!("+{more} more"));
    }
    lines.extend(remarks(notification, &[]));
    lines.join("\n")
}

fn one(described: &Described<'_>) -> String {
    let status = if described.alert.status == Status::Firing { "FIRING" } else { "RESOLVED" };
    let severity = if described.severity.is_empty() { String::new() } else { format!(" ({})", described.severity) };
    let mut lines = vec![format!("{status}: {}{severity}", described.name)];
    for text in [&described.summary, &described.description, &described.facts] {
        if !text.is_empty() {
            lines.push(text.clone());
        }
    }
    let labels: Vec<String> = described.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !labels.is_empty() {
        lines.push(format!("Labels: {}", labels.join(", ")));
    }
    lines.extend(described.links.iter().map(|(name, url)| format!("{name}: {url}")));
    lines.join("\n")
}
