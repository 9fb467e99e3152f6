//! Our own texts: what a person needs to know who has nothing but this message. Status, alert, severity, the labels that tell it
//! apart, summary, description, value, since when, and where to look.

pub mod html;
pub mod markdown;
pub mod plain;
pub mod slack;
pub mod telegram;

use std::collections::BTreeMap;

use super::data::common_labels;
use super::limits::{ALERTS_SHOWN_MAX, LABEL_SHOWN_MAX, OWN_TITLE_MAX, SILENCE_LINK_MAX, TEXT_SHOWN_MAX, TITLE_LABEL_MAX};
use super::query;
use crate::alerts::notification::{IN_PLACE_OF, Notification, NotifiedAlert, Reason, Status, explain_all};
use crate::model::number::{format_general, quote};
use crate::model::{DurationMs, Labels, TimestampMs};

/// Labels that are said in other words already.
const SAID: [&str; 2] = ["alertname", "severity"];

/// One alert in words, before any markup.
pub struct Described<'a> {
    pub alert: &'a NotifiedAlert,
    pub name: String,
    pub severity: String,
    /// The labels that tell it apart.
    pub labels: Labels,
    pub summary: String,
    pub description: String,
    /// "Value 12.5, firing since ... (5m)".
    pub facts: String,
    /// Graph, runbook, dashboard and a prefilled silence, as far as they are there.
    pub links: Vec<(&'static str, String)>,
}

/// The places of the alerts that a message describes, those that fire first.
pub fn shown(notification: &Notification) -> impl Iterator<Item = usize> {
    let of = |status: Status| notification.alerts.iter().enumerate().filter(move |(_, alert)| alert.status == status).map(|(at, _)| at);
    of(Status::Firing).chain(of(Status::Resolved)).take(ALERTS_SHOWN_MAX)
}

/// The alerts that a message describes, and how many are left out.
pub fn described(notification: &Notification) -> (Vec<Described<'_>>, usize) {
    let common = if notification.alerts.len() > 1 { common_labels(notification) } else { Labels::empty() };
    let shown = shown(notification).map(|at| describe(&notification.alerts[at], &common, notification)).collect();
    (shown, notification.alerts.len().saturating_sub(ALERTS_SHOWN_MAX))
}

fn describe<'a>(alert: &'a NotifiedAlert, common: &Labels, notification: &Notification) -> Described<'a> {
    let (labels, annotations) = (&alert.alert.labels, &alert.alert.annotations);
    let own = labels.iter().filter(|(name, value)| !SAID.contains(name) && common.get(name) != Some(*value));
    let own: Vec<(String, String)> = own.map(|(name, value)| (shown_value(name), shown_value(value))).collect();
    let mut summary = clipped(annotations.get("summary").unwrap_or(""));
    let mut description = clipped(annotations.get("description").or(annotations.get("message")).unwrap_or(""));
    if summary.is_empty() && description.is_empty() {
        let others = annotations.iter().filter(|(name, _)| !is_said(name)).map(|(name, value)| format!("{name}: {value}"));
        description = clipped(&others.collect::<Vec<_>>().join("\n"));
    } else if summary.is_empty() {
        summary = std::mem::take(&mut description);
    }
    Described {
        alert,
        name: if alert.alert.name().is_empty() { "alert without a name".to_owned() } else { shown_value(alert.alert.name()) },
        severity: labels.get("severity").map(shown_value).unwrap_or_default(),
        labels: Labels::from_pairs(own.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
        summary,
        description,
        facts: facts(alert, notification.at),
        links: links(alert, &notification.external_url),
    }
}

/// A label in a message: in one line, not longer than anybody reads, never nothing at all.
fn shown_value(text: &str) -> String {
    match clip(&one_line(text), LABEL_SHOWN_MAX) {
        text if text.is_empty() => "\"\"".to_owned(),
        text => text,
    }
}

/// Without what turns the direction of the text around it: nobody may make a message read otherwise than it is.
fn upright(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')).collect()
}

/// Where to look, and what to press.
fn links(alert: &NotifiedAlert, external_url: &str) -> Vec<(&'static str, String)> {
    let annotation = |name: &str| alert.alert.annotations.get(name).unwrap_or("").to_owned();
    let dashboard = [annotation("dashboard_url"), annotation("dashboard")].into_iter().find(|url| is_web(url)).unwrap_or_default();
    let silence = if alert.status == Status::Firing { silence_url(&alert.alert.labels, external_url) } else { String::new() };
    let all = [
        ("Graph", alert.alert.generator_url.clone()),
        ("Runbook", annotation("runbook_url")),
        ("Dashboard", dashboard),
        ("Silence", silence),
    ];
    all.into_iter().filter(|(_, url)| is_web(url)).collect()
}

/// The page with a silence for this alert filled in, to be confirmed there.
fn silence_url(labels: &Labels, external_url: &str) -> String {
    let matchers: Vec<String> = labels.iter().map(|(name, value)| format!("{}={}", matcher_name(name), quote(value))).collect();
    let url = format!("{external_url}/alerts?silence={}", query::escape(&format!("{{{}}}", matchers.join(","))));
    if url.len() <= SILENCE_LINK_MAX { url } else { String::new() }
}

fn matcher_name(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain { name.to_owned() } else { quote(name) }
}

/// Annotations that are said in other words.
fn is_said(name: &str) -> bool {
    name.ends_with("_url") || name == IN_PLACE_OF
}

pub fn is_web(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

fn facts(alert: &NotifiedAlert, now: TimestampMs) -> String {
    let began = alert.alert.starts_at;
    let threshold = alert.measured.threshold.map(|one| format!(" (threshold: {} {})", one.operator, number(one.value))).unwrap_or_default();
    let value = alert.alert.value.map(|value| format!("{}{threshold}", number(value)));
    let farthest = if alert.measured.threshold.is_some_and(|threshold| threshold.is_floor()) { "lowest" } else { "peak" };
    let peak = alert.measured.peak.map(|peak| format!(", {farthest} {}", number(peak))).unwrap_or_default();
    let span = match alert.status {
        Status::Firing => format!("firing since {} ({})", moment(began), spoken(now - began)),
        Status::Resolved if alert.ended_while_down => {
            format!("fired at {}, ended while promlet was not running (noticed at {})", moment(began), moment(alert.alert.ends_at))
        }
        Status::Resolved => {
            let end = alert.alert.ends_at;
            format!("resolved at {} after {} (since {}){peak}", moment(end), spoken(end - began), moment(began))
        }
    };
    match value {
        Some(value) if alert.status == Status::Firing => format!("Value {value}, {span}"),
        Some(value) => format!("Last value {value}, {span}"),
        None => {
            let mut letters = span.chars();
            letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
        }
    }
}

/// `[FIRING:2] HighLoss (critical) run=7`; also a mail's subject.
pub fn title(notification: &Notification) -> String {
    let firing = notification.firing().count();
    let status = if firing > 0 { format!("[FIRING:{firing}]") } else { "[RESOLVED]".to_owned() };
    let common = common_labels(notification);
    let brief = |text: &str| clip(&shown_value(text), TITLE_LABEL_MAX);
    let name = common.get("alertname").map(shown_value).unwrap_or_else(|| several(notification));
    let severity = common.get("severity").map(|severity| format!(" ({})", shown_value(severity))).unwrap_or_default();
    let rest: Vec<String> =
        common.iter().filter(|(name, _)| !SAID.contains(name)).map(|(name, value)| format!("{}={}", brief(name), brief(value))).collect();
    let rest = if rest.is_empty() { String::new() } else { format!(" {}", rest.join(" ")) };
    clip(&one_line(&format!("{status} {name}{severity}{rest}")), OWN_TITLE_MAX)
}

/// The names where there are several: the first three, and how many more.
fn several(notification: &Notification) -> String {
    let mut names: Vec<&str> = notification.alerts.iter().map(|alert| alert.alert.name()).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    match names.len() {
        0 => format!("{} alerts", notification.alerts.len()),
        1..=3 => names.join(", "),
        more => format!("{} and {} more", names[..3].join(", "), more - 3),
    }
}

/// The names that most of the alerts have, each with their number.
fn most(notification: &Notification) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    notification.alerts.iter().for_each(|alert| *counts.entry(alert.alert.name()).or_default() += 1);
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let more = counts.len().saturating_sub(3);
    let more = if more > 0 { format!(" and {more} more names") } else { String::new() };
    let named: Vec<String> = counts.iter().take(3).map(|(name, count)| format!("{name} ({count})")).collect();
    format!("Most of them: {}{more}.", named.join(", "))
}

/// Sentences for the end of a message: a repeat after a crash, a late one, templates that failed.
pub fn remarks(notification: &Notification, problems: &[String]) -> Vec<String> {
    let mut remarks = Vec::new();
    if !notification.in_place_of.is_empty() {
        remarks.push(format!("Told here instead: {}.", explain_all(&notification.in_place_of)));
    } else if notification.reason == Reason::Missed {
        remarks.push("Told late: this receiver could not be reached while the alert lasted.".to_owned());
    }
    if notification.reason == Reason::Digest {
        let firing = notification.firing().count();
        let ended = notification.alerts.len() - firing;
        remarks.push(format!("Many groups at once, told in one message: {firing} alerts firing, {ended} resolved. {}", most(notification)));
    }
    if notification.may_repeat {
        remarks.push(format!("promlet was restarted during the send: this may be a repeat of notification {}.", notification.id));
    }
    remarks.extend(problems.iter().map(|problem| clipped(problem)));
    remarks
}

/// Where the alerts of this receiver can be seen.
pub fn alerts_url(notification: &Notification) -> String {
    format!("{}/alerts", notification.external_url)
}

/// Six digits are what a person reads.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() || value == 0.0 {
        return format_general(value);
    }
    if !(1e-4..1e9).contains(&size) {
        let text = format!("{value:.3e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    let decimals = (5 - size.log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `2024-01-02 03:04:05 UTC`.
pub fn moment(at: TimestampMs) -> String {
    let seconds = at.whole_seconds();
    seconds.rfc3339().replace('T', " ").replace('Z', " UTC")
}

/// The two largest units, rounded down: `2d 3h`, `5m 7s`, `0s`.
pub fn spoken(length: DurationMs) -> String {
    let seconds = (length.0 / 1000).max(0);
    let units = [("d", seconds / 86_400), ("h", seconds / 3_600 % 24), ("m", seconds / 60 % 60), ("s", seconds % 60)];
    let first = units.iter().position(|(_, count)| *count > 0).unwrap_or(3);
    let said: Vec<String> =
        units[first..].iter().take(2).filter(|(_, count)| *count > 0).map(|(unit, count)| format!("{count}{unit}")).collect();
    if said.is_empty() { "0s".to_owned() } else { said.join(" ") }
}

fn clipped(text: &str) -> String {
    clip(upright(text).trim(), TEXT_SHOWN_MAX)
}

/// Names that call everybody in a channel, at Slack, Discord, Mattermost, Rocket.Chat or Webex.
const CALLOUTS: [&str; 4] = ["all", "channel", "everyone", "here"];

/// Each of these with a mark of no width behind its `@`: some services see through a backslash.
pub fn callouts_apart(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        if CALLOUTS.iter().any(|name| after.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))) {
            out.push('\u{200b}');
        }
        rest = after;
    }
    out + rest
}

/// At most so many characters, with an ellipsis where something is cut.
pub fn clip(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let kept: String = text.chars().take(longest.saturating_sub(1)).collect();
    kept + "\u{2026}"
}

pub fn one_line(text: &str) -> String {
    upright(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
