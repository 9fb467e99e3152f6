//! One rule at work: asks, decides, writes, and keeps what the API shows of it.

use std::time::Duration;

use super::alerting::{AlertTimings, Observed, Tracks, overall, series, step};
use super::options::{GroupOptions, RuleOptions};
use super::output::Output;
use super::query::ResultSample;
use super::recording::recorded;
use super::surroundings::{RulesParts, Settings, template_query};
use super::view::{ActiveAlert, AlertState, AlertingView, RuleHealth, RuleView};
use crate::model::{Alert, DurationMs, Labels, METRIC_NAME, TimestampMs, Value};
use crate::template::rule_functions::{link, rule_functions};
use crate::template::{Functions, RuleData, RuleTemplate};

/// What an alerting rule has beside its expression.
pub struct Alerting {
    pub timings: AlertTimings,
    pub tracks: Tracks,
    /// Its series are written once old state has been looked for.
    pub restored: bool,
    labels: Vec<(String, RuleTemplate)>,
    annotations: Vec<(String, RuleTemplate)>,
    raw_annotations: Labels,
}

pub struct Rule {
    pub name: String,
    pub expr: String,
    /// The group's labels and the rule's own, which win; templates in an alerting rule.
    pub labels: Labels,
    pub output: Output,
    /// None for a recording rule.
    pub alerting: Option<Alerting>,
    pub health: RuleHealth,
    pub last_error: String,
    pub evaluation_time: Duration,
    pub last_evaluation: Option<TimestampMs>,
}

/// What a group tells its rules.
pub struct Turn<'a> {
    pub parts: &'a RulesParts,
    pub settings: &'a Settings,
    pub now: TimestampMs,
    /// The group's `query_offset`.
    pub offset: DurationMs,
    pub interval: DurationMs,
    pub limit: usize,
}

/// What one evaluation wrote.
struct Written {
    samples: usize,
    /// Why the store did not take all of it.
    refusal: Option<String>,
}

impl Turn<'_> {
    /// The time of queries and samples.
    pub fn at(&self) -> TimestampMs {
        self.now - self.offset
    }

    fn functions(&self) -> Functions {
        rule_functions(template_query(&self.parts.query, self.now, &self.parts.clock), self.now, &self.settings.external_url)
    }
}

impl Rule {
    /// `place` tells rules of one group apart that share name and labels.
    pub fn new(group: &GroupOptions, options: &RuleOptions, place: usize, restored: bool) -> Self {
        let (name, expr, own) = match options {
            RuleOptions::Recording { record, expr, labels } => (record, expr, labels),
            RuleOptions::Alerting { alert, expr, labels, .. } => (alert, expr, labels),
        };
        let labels = Labels::to_set(group.labels.iter().chain(own));
        let key = format!("{};{};{name}{labels};{place}", group.file.display(), group.name);
        Self {
            alerting: Alerting::of(options, &labels, group.limit, restored),
            name: name.clone(),
            expr: expr.clone(),
            labels,
            output: Output::new(key),
            health: RuleHealth::Unknown,
            last_error: String::new(),
            evaluation_time: Duration::ZERO,
            last_evaluation: None,
        }
    }

    /// What stays the same over a reload: a rule with equal name and labels keeps its state.
    pub fn identity(&self) -> (&str, &Labels) {
        (&self.name, &self.labels)
    }

    /// Takes over the state of the same rule before a reload.
    pub fn take_over(&mut self, before: Self) {
        self.output = before.output;
        self.health = before.health;
        self.last_error = before.last_error;
        self.evaluation_time = before.evaluation_time;
        self.last_evaluation = before.last_evaluation;
        if let (Some(mine), Some(old)) = (&mut self.alerting, before.alerting) {
            mine.tracks = old.tracks;
            mine.restored = old.restored;
        }
    }

    /// One evaluation: the samples written, or why it failed (also kept for the API). Samples that the store refuses make the rule unhealthy,
    /// but count as no failed evaluation, as in Prometheus.
    pub fn evaluate(&mut self, turn: &Turn<'_>) -> Result<usize, String> {
        let started = turn.parts.clock.monotonic();
        let outcome = self.run(turn);
        self.evaluation_time = turn.parts.clock.monotonic().saturating_sub(started);
        self.last_evaluation = Some(turn.now);
        let was = self.health;
        match &outcome {
            Ok(Written { refusal: None, .. }) => {
                self.health = RuleHealth::Ok;
                self.last_error.clear();
            }
            Err(error) | Ok(Written { refusal: Some(error), .. }) => {
                self.health = RuleHealth::Err;
                self.last_error.clone_from(error);
                if was != RuleHealth::Err {
                    tracing::warn!(rule = self.name, expr = self.expr, error, "rule fails; said again when it has worked meanwhile");
                }
            }
        }
        outcome.map(|written| written.samples)
    }

    fn run(&mut self, turn: &Turn<'_>) -> Result<Written, String> {
        let result = (turn.parts.query)(&self.expr, turn.at())?;
        let samples = match &mut self.alerting {
            None => recorded(&self.name, &self.labels, turn.limit, result)?,
            Some(alerting) => {
                let observed = alerting.observe(&self.name, turn, result.into_samples());
                step(alerting.timings, &mut alerting.tracks, observed, turn.now).map_err(|error| error.to_string())?;
                let due = alerting.take_due(turn, &self.expr);
                if !due.is_empty() {
                    (turn.parts.alerts)(due);
                }
                let written = if alerting.restored { series(&alerting.tracks) } else { Vec::new() };
                written.into_iter().map(|series| (series.labels, Value::Float(series.value))).collect()
            }
        };
        let written = self.output.write(&*turn.parts.append, turn.at(), samples).map_err(|error| error.to_string())?;
        let refusal = written.rejected.map(|(why, count)| match count {
            1 => why.as_str().to_owned(),
            count => format!("{} ({count} samples)", why.as_str()),
        });
        Ok(Written { samples: written.samples, refusal })
    }

    pub fn view(&self) -> RuleView {
        RuleView {
            name: self.name.clone(),
            query: self.expr.clone(),
            labels: self.labels.clone(),
            health: self.health,
            last_error: self.last_error.clone(),
            evaluation_time: self.evaluation_time,
            last_evaluation: self.last_evaluation,
            alerting: self.alerting.as_ref().map(|alerting| alerting.view(self.last_evaluation.is_some())),
        }
    }
}

impl Alerting {
    fn of(options: &RuleOptions, labels: &Labels, limit: usize, restored: bool) -> Option<Self> {
        let RuleOptions::Alerting { alert, hold, keep_firing_for, annotations, .. } = options else { return None };
        // Only names matter to the parser.
        let functions = rule_functions(std::sync::Arc::new(|_| Ok(Vec::new())), TimestampMs(0), "");
        let read = |texts: &Labels| -> Vec<(String, RuleTemplate)> {
            texts.iter().map(|(name, text)| (name.to_owned(), RuleTemplate::parse(alert, text, &functions))).collect()
        };
        Some(Self {
            timings: AlertTimings { hold: *hold, keep_firing_for: *keep_firing_for, limit },
            tracks: Tracks::new(),
            restored,
            labels: read(labels),
            annotations: read(annotations),
            raw_annotations: annotations.clone(),
        })
    }

    /// Labels and annotations of every series that the expression gave.
    fn observe(&self, alert: &str, turn: &Turn<'_>, samples: Vec<ResultSample>) -> Vec<Observed> {
        let functions = turn.functions();
        let expand = |name: &str, template: &RuleTemplate, data: &crate::template::Value| {
            template.expand(data, &functions).unwrap_or_else(|error| {
                tracing::warn!(alert, label = name, error, "template of an alerting rule fails");
                format!("<error expanding template: {error}>")
            })
        };
        let data_of = RuleData::around(&turn.settings.external_labels, &turn.settings.external_url);
        let observe = |sample: ResultSample| {
            let value = sample.number();
            let data = data_of(&sample.labels, value);
            let mut labels = sample.labels.to_builder();
            labels.remove(METRIC_NAME);
            for (name, template) in &self.labels {
                labels.set(name, &expand(name, template, &data));
            }
            labels.set("alertname", alert);
            // An annotation whose text comes out empty is there all the same, as in Prometheus.
            let annotations = self.annotations.iter().map(|(name, template)| (name, expand(name, template, &data)));
            Observed { labels: labels.build(), annotations: Labels::to_set(annotations), value }
        };
        samples.into_iter().map(observe).collect()
    }

    /// The alerts to tell now, marked as told; external labels come on where they leave the process.
    fn take_due(&mut self, turn: &Turn<'_>, expr: &str) -> Vec<Alert> {
        let resend = turn.settings.timings.resend_delay;
        let lasts = DurationMs(turn.interval.max(resend).0.saturating_mul(4));
        let url = format!("{}{}", turn.settings.external_url, link(expr, 1));
        let mut due = Vec::new();
        for (labels, track) in &mut self.tracks {
            if !track.is_due(turn.now, resend) {
                continue;
            }
            track.last_sent_at = Some(turn.now);
            due.push(Alert {
                labels: labels.clone(),
                annotations: track.annotations.clone(),
                starts_at: track.fired_at.unwrap_or(track.active_at),
                ends_at: track.resolved_at.unwrap_or(turn.now + lasts),
                generator_url: url.clone(),
                value: Some(track.value),
            });
        }
        due
    }

    fn view(&self, evaluated: bool) -> AlertingView {
        let active = |(labels, track): (&Labels, &super::alerting::Tracked)| ActiveAlert {
            labels: labels.clone(),
            annotations: track.annotations.clone(),
            state: track.state,
            active_at: track.active_at,
            keep_firing_since: track.keep_firing_since,
            value: track.value,
        };
        AlertingView {
            state: if evaluated { overall(&self.tracks) } else { AlertState::Unknown },
            hold: self.timings.hold,
            keep_firing_for: self.timings.keep_firing_for,
            annotations: self.raw_annotations.clone(),
            alerts: self.tracks.iter().filter(|(_, track)| track.state != AlertState::Inactive).map(active).collect(),
        }
    }
}
