//! The report of a backtest as a document.

use std::collections::BTreeMap;

use serde::Serialize;

use super::plan::{Plan, Planned};
use super::told::{Heard, Sent, Told};
use super::trial::{Outcome, RuleOutcome, Window};
use crate::model::number::format_sample;
use crate::model::{DurationMs, Labels, TimestampMs};

/// From this share of its evaluations on a rule counts as always firing.
const ALWAYS: f64 = 0.99;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub from: String,
    pub to: String,
    pub days: f64,
    pub history: String,
    /// When the series that the rules read begin, where that is inside of the window.
    pub history_begins: Option<String>,
    pub evaluations: u64,
    pub rules: Vec<RuleReport>,
    pub never_fired: Vec<String>,
    pub always_firing: Vec<String>,
    pub without_series: Vec<String>,
    pub routes: String,
    pub receivers: Vec<ReceiverReport>,
    /// At most [`super::told::SENT_MAX`].
    pub notifications: Vec<SentReport>,
    pub notes: Vec<String>,
    #[serde(skip)]
    pub window: Window,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleReport {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: String,
    pub file: String,
    pub line: usize,
    pub group: String,
    pub expr: String,
    pub interval_seconds: f64,
    pub for_seconds: f64,
    pub first_evaluation: String,
    /// Selectors that no series of the window matches.
    pub missing: Vec<String>,
    pub evaluations_with_a_result: u64,
    pub series_max: usize,
    pub failed: u64,
    pub first_error: Option<String>,
    pub alert: Option<AlertReport>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertReport {
    pub threshold: Option<String>,
    pub fired: u64,
    pub per_day: f64,
    pub only_pending: u64,
    pub share_firing: f64,
    pub longest_seconds: f64,
    pub label_sets: Vec<LabelSetReport>,
    /// At most [`super::episodes::EPISODES_MAX`].
    pub episodes: Vec<EpisodeReport>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSetReport {
    pub labels: BTreeMap<String, String>,
    pub fired: u64,
    pub firing_seconds: f64,
    #[serde(skip)]
    pub set: Labels,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EpisodeReport {
    pub labels: BTreeMap<String, String>,
    pub pending_since: String,
    pub fired_at: String,
    /// Absent while it still fires at the end.
    pub resolved_at: Option<String>,
    pub firing_seconds: f64,
    pub peak: String,
    #[serde(skip)]
    pub times: (TimestampMs, TimestampMs, Option<TimestampMs>),
    #[serde(skip)]
    pub set: Labels,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiverReport {
    pub receiver: String,
    pub integration: String,
    pub messages: u64,
    pub repeats: u64,
    pub by_reason: BTreeMap<&'static str, u64>,
    pub groups: usize,
    pub first: Option<String>,
    pub last: Option<String>,
    pub most_in_an_hour: u64,
    pub busiest_hour: Option<String>,
    #[serde(skip)]
    pub times: (Option<TimestampMs>, Option<TimestampMs>, TimestampMs),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SentReport {
    pub at: String,
    pub receiver: String,
    pub integration: String,
    pub status: &'static str,
    pub reason: &'static str,
    pub group_labels: BTreeMap<String, String>,
    pub firing: usize,
    pub resolved: usize,
}

/// What is known beside the outcome.
pub struct Surroundings {
    pub window: Window,
    pub history: String,
    pub routes: String,
    pub begins: Option<TimestampMs>,
    /// For each rule the selectors without series.
    pub missing: Vec<Vec<String>>,
    pub notes: Vec<String>,
}

pub fn report(plan: &Plan, outcome: &Outcome, told: &Told, around: Surroundings) -> Report {
    let window = around.window;
    let days = (window.to - window.from).as_seconds() / 86_400.0;
    let rules: Vec<RuleReport> = plan
        .rules
        .iter()
        .zip(&outcome.rules)
        .zip(around.missing)
        .map(|((planned, outcome), missing)| rule(planned, outcome, missing, days, window.to))
        .collect();
    let names = |wanted: &dyn Fn(&RuleReport) -> bool| rules.iter().filter(|rule| wanted(rule)).map(|rule| rule.name.clone()).collect();
    let alert = |rule: &RuleReport, wanted: fn(&AlertReport) -> bool| rule.alert.as_ref().is_some_and(wanted);
    Report {
        from: window.from.rfc3339(),
        to: window.to.rfc3339(),
        days,
        history: around.history,
        history_begins: around.begins.map(TimestampMs::rfc3339),
        evaluations: outcome.evaluations,
        never_fired: names(&|rule| alert(rule, |alert| alert.fired == 0)),
        always_firing: names(&|rule| alert(rule, |alert| alert.share_firing >= ALWAYS)),
        without_series: names(&|rule| !rule.missing.is_empty()),
        routes: around.routes,
        receivers: told.heard.iter().map(|((receiver, integration), heard)| receiver_report(receiver, integration, heard)).collect(),
        notifications: told.sent.iter().map(sent).collect(),
        notes: around.notes,
        rules,
        window,
    }
}

fn rule(planned: &Planned, outcome: &RuleOutcome, missing: Vec<String>, days: f64, to: TimestampMs) -> RuleReport {
    let refused = Some(outcome.last_error.clone()).filter(|error| !error.is_empty());
    let first_error = outcome.seen.first_error.as_ref().map(|(at, error)| format!("{}: {error}", (*at).rfc3339()));
    RuleReport {
        kind: if planned.is_alert { "alerting" } else { "recording" },
        name: planned.name.clone(),
        file: planned.file.clone(),
        line: planned.line,
        group: planned.group.clone(),
        expr: planned.expr.clone(),
        interval_seconds: planned.interval.as_seconds(),
        for_seconds: planned.hold.as_seconds(),
        first_evaluation: outcome.first_evaluation.rfc3339(),
        missing,
        evaluations_with_a_result: outcome.seen.answered,
        series_max: outcome.seen.series_max,
        failed: outcome.seen.failed,
        first_error: first_error.or(refused),
        alert: outcome.episodes.as_ref().map(|episodes| {
            let label_set = |(labels, (fired, firing)): (&Labels, &(u64, DurationMs))| LabelSetReport {
                labels: pairs(labels),
                fired: *fired,
                firing_seconds: firing.as_seconds(),
                set: labels.clone(),
            };
            AlertReport {
                threshold: planned.threshold.map(|(op, number)| format!("{} {}", op.as_str(), format_sample(number))),
                fired: episodes.fired,
                per_day: if days > 0.0 { episodes.fired as f64 / days } else { 0.0 },
                only_pending: episodes.only_pending,
                share_firing: episodes.share(),
                longest_seconds: episodes.longest.as_seconds(),
                label_sets: episodes.by_labels.iter().map(label_set).collect(),
                episodes: episodes.all.iter().map(|episode| episode_report(episode, to)).collect(),
            }
        }),
    }
}

fn episode_report(episode: &super::episodes::Episode, to: TimestampMs) -> EpisodeReport {
    EpisodeReport {
        labels: pairs(&episode.labels),
        pending_since: episode.pending_since.rfc3339(),
        fired_at: episode.fired_at.rfc3339(),
        resolved_at: episode.resolved_at.map(TimestampMs::rfc3339),
        firing_seconds: (episode.resolved_at.unwrap_or(to) - episode.fired_at).as_seconds(),
        peak: format_sample(episode.peak),
        times: (episode.pending_since, episode.fired_at, episode.resolved_at),
        set: episode.labels.clone(),
    }
}

fn receiver_report(receiver: &str, integration: &str, heard: &Heard) -> ReceiverReport {
    ReceiverReport {
        receiver: receiver.to_owned(),
        integration: integration.to_owned(),
        messages: heard.messages,
        repeats: heard.by_reason.get(crate::alerts::notification::Reason::Repeat.as_str()).copied().unwrap_or_default(),
        by_reason: heard.by_reason.clone(),
        groups: heard.groups.len(),
        first: heard.first.map(TimestampMs::rfc3339),
        last: heard.last.map(TimestampMs::rfc3339),
        most_in_an_hour: heard.busiest.0,
        busiest_hour: (heard.messages > 0).then(|| heard.busiest.1.rfc3339()),
        times: (heard.first, heard.last, heard.busiest.1),
    }
}

fn sent(one: &Sent) -> SentReport {
    SentReport {
        at: one.at.rfc3339(),
        receiver: one.receiver.clone(),
        integration: one.integration.clone(),
        status: one.status,
        reason: one.reason,
        group_labels: pairs(&one.group),
        firing: one.firing,
        resolved: one.resolved,
    }
}

fn pairs(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
