//! The report of a backtest as a person reads it.

use std::io::{self, Write};

use super::report::{AlertReport, EpisodeReport, ReceiverReport, Report, RuleReport};
use crate::commands::check::plural;
use crate::model::number::format_sample;
use crate::model::{DurationMs, Labels, METRIC_NAME, TimestampMs};

/// Episodes of one rule that are shown.
const EPISODES_SHOWN: usize = 20;

/// `2026-01-31 12:00:05`, in UTC.
pub fn moment(at: TimestampMs) -> String {
    let text = at.whole_seconds().rfc3339();
    text.trim_end_matches('Z').replace('T', " ")
}

/// The time alone where the day is the one of `beside`.
fn beside(at: TimestampMs, beside: TimestampMs) -> String {
    let (text, other) = (moment(at), moment(beside));
    match (text.split_once(' '), other.split_once(' ')) {
        (Some((day, time)), Some((same, _))) if day == same => time.to_owned(),
        _ => text,
    }
}

fn length(seconds: f64) -> String {
    DurationMs::seconds(seconds.round() as i64).to_string()
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        little if little < 0.01 => "less than 0.01 %".to_owned(),
        some if some < 1.0 => format!("{some:.2} %"),
        much => format!("{much:.1} %"),
    }
}

pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let window = report.window;
    let (from, to) = (moment(window.from), moment(window.to));
    writeln!(out, "{} over {}: {from} to {to} UTC, {} evaluations", report.history, window.to - window.from, report.evaluations)?;
    for note in &report.notes {
        writeln!(out, "note: {note}")?;
    }
    for rule in &report.rules {
        match &rule.alert {
            Some(alert) if alert.fired > 0 || rule.failed > 0 => write_alert(rule, alert, out)?,
            _ if rule.failed > 0 => {
                writeln!(out, "\n{}", title(rule))?;
                write_failures(rule, out)?;
            }
            _ => {}
        }
    }
    write_lists(report, out)?;
    write_receivers(report, out)
}

fn title(rule: &RuleReport) -> String {
    let hold = if rule.for_seconds > 0.0 { format!(", for {}", length(rule.for_seconds)) } else { String::new() };
    format!("{}  ({}:{}, group {}, every {}{hold})", rule.name, rule.file, rule.line, rule.group, length(rule.interval_seconds))
}

fn write_failures(rule: &RuleReport, out: &mut dyn Write) -> io::Result<()> {
    if rule.failed > 0 {
        let given_up = if rule.failed >= super::answers::FAILURES_MAX { ", and was given up" } else { "" };
        let first = rule.first_error.as_deref().unwrap_or_default();
        writeln!(out, "  FAILS: {} failed{given_up}; the first at {first}", plural(rule.failed as usize, "evaluation"))?;
    }
    Ok(())
}

fn write_alert(rule: &RuleReport, alert: &AlertReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}", title(rule))?;
    write_failures(rule, out)?;
    let sets = plural(alert.label_sets.len(), "label set");
    let pending = if alert.only_pending > 0 { format!("; {} times pending only", alert.only_pending) } else { String::new() };
    writeln!(
        out,
        "  fired {} for {sets}, {:.1} a day; firing {} of the time, longest {}{pending}",
        plural_times(alert.fired),
        alert.per_day,
        percent(alert.share_firing),
        length(alert.longest_seconds)
    )?;
    let shown: Vec<&EpisodeReport> = alert.episodes.iter().take(EPISODES_SHOWN).collect();
    let mut last: Option<&Labels> = None;
    for episode in &shown {
        if last.is_none_or(|set| *set != episode.set) {
            writeln!(out, "  {}", labels(episode))?;
        }
        last = Some(&episode.set);
        writeln!(out, "    {}", line(episode, alert.threshold.as_deref()))?;
    }
    let more = alert.fired as usize - shown.len();
    if more > 0 {
        writeln!(out, "    and {more} more (--format json lists them)")?;
    }
    Ok(())
}

fn plural_times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// Without the alert's name.
fn labels(episode: &EpisodeReport) -> String {
    let set = episode.set.without(&["alertname", METRIC_NAME]);
    if set.is_empty() { "(no labels)".to_owned() } else { set.to_string() }
}

fn line(episode: &EpisodeReport, threshold: Option<&str>) -> String {
    let (pending, fired, resolved) = episode.times;
    let mut text = format!("pending {}", moment(pending));
    text += &format!("  fired {}", beside(fired, pending));
    text += &match resolved {
        Some(at) => format!("  resolved {}", beside(at, fired)),
        None => "  still firing".to_owned(),
    };
    text += &format!("  ({})", length(episode.firing_seconds));
    text += &format!("  peak {}", short(&episode.peak));
    if let Some(threshold) = threshold {
        text += &format!(" (threshold {threshold})");
    }
    text
}

/// Six digits are enough to see.
fn short(number: &str) -> String {
    let rounded = number.parse::<f64>().ok().filter(|value| value.is_finite() && number.len() > 7);
    rounded.and_then(|value| format!("{value:.5e}").parse::<f64>().ok()).map_or_else(|| number.to_owned(), format_sample)
}

fn write_lists(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    let recording: Vec<&RuleReport> = report.rules.iter().filter(|rule| rule.alert.is_none()).collect();
    if !recording.is_empty() {
        writeln!(out, "recorded:")?;
        for rule in recording {
            writeln!(out, "  {}: {}", rule.name, plural(rule.series_max, "series").replace("seriess", "series"))?;
        }
    }
    for (words, names) in [("never fired", &report.never_fired), ("firing nearly always", &report.always_firing)] {
        if !names.is_empty() {
            writeln!(out, "{words}: {}", names.join(", "))?;
        }
    }
    for rule in report.rules.iter().filter(|rule| !rule.missing.is_empty()) {
        writeln!(out, "{} reads what no series of this time matches: {}", rule.name, rule.missing.join(", "))?;
    }
    Ok(())
}

fn write_receivers(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.receivers.is_empty() {
        return writeln!(out, "\nnobody would be told: no alertmanager.yml; give one with --alertmanager FILE");
    }
    writeln!(out, "\nwho would have been told, by {}:", report.routes)?;
    for one in &report.receivers {
        writeln!(out, "  {}", receiver(one))?;
    }
    Ok(())
}

fn receiver(one: &ReceiverReport) -> String {
    let (first, last, busiest) = one.times;
    let name = format!("{}, {}", one.receiver, one.integration);
    let (Some(first), Some(last)) = (first, last) else { return format!("{name}: nothing") };
    let reasons: Vec<String> = one.by_reason.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    format!(
        "{name}: {} about {} ({}); {} to {}; at most {} in an hour ({})",
        plural(one.messages as usize, "message"),
        plural(one.groups, "group"),
        reasons.join(", "),
        moment(first),
        moment(last),
        one.most_in_an_hour,
        moment(busiest)
    )
}
