//! One group: its rules in order, each seeing what those before it wrote, and the restoring of alert state after a start.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::concurrency::Rounds;
use super::metrics::GroupMetrics;
use super::options::GroupOptions;
use super::output::Output;
use super::restore::{last_states, restored_active_at};
use super::rule::{Rule, Turn};
use super::surroundings::{RulesParts, Settings};
use super::view::GroupView;
use crate::model::{Labels, TimestampMs};

/// What others read while an evaluation holds the group.
pub type Published = Arc<Mutex<GroupView>>;

pub struct Group {
    pub options: GroupOptions,
    pub settings: Settings,
    pub rules: Vec<Rule>,
    /// Which of them may be evaluated at the same time.
    pub rounds: Rounds,
    /// Outputs of rules that a reload took away; their series end with the next evaluation.
    orphans: Vec<Output>,
    /// Evaluations since the start, counted as long as state is still to be restored.
    until_restored: Option<u32>,
    /// It was taken out of service: nothing is evaluated any more.
    pub ended: bool,
    metrics: GroupMetrics,
    pub published: Published,
}

/// After so many evaluations alert state is looked for: by then every rule has seen its predecessors' series.
const EVALUATIONS_BEFORE_RESTORE: u32 = 2;

/// The rest of the process goes on when an evaluation panicked.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `file;name`, as metrics show a group.
pub fn group_key(options: &GroupOptions) -> String {
    format!("{};{}", options.file.display(), options.name)
}

impl Group {
    /// `restores`: the process has just started, so that earlier alert state is looked for.
    pub fn new(options: GroupOptions, settings: Settings, parts: &RulesParts, restores: bool) -> Self {
        let mut rules: Vec<Rule> = Vec::with_capacity(options.rules.len());
        for rule in &options.rules {
            let made = Rule::new(&options, rule, 0, !restores);
            let place = rules.iter().filter(|other| other.identity() == made.identity()).count();
            rules.push(if place == 0 { made } else { Rule::new(&options, rule, place, !restores) });
        }
        let metrics = GroupMetrics::new(&parts.registry, &group_key(&options));
        metrics.rules.set(rules.len() as f64);
        metrics.interval.set(options.interval.as_seconds());
        let view = GroupView {
            file: options.file.clone(),
            name: options.name.clone(),
            interval: options.interval,
            limit: options.limit,
            evaluation_time: Duration::ZERO,
            last_evaluation: None,
            evaluations: 0,
            rules: rules.iter().map(Rule::view).collect(),
        };
        Self {
            options,
            settings,
            rounds: Rounds::in_order(rules.len()),
            rules,
            orphans: Vec::new(),
            until_restored: restores.then_some(0),
            ended: false,
            metrics,
            published: Arc::new(Mutex::new(view)),
        }
    }

    /// Takes over the state of the group of the same file and name before a reload: rule by rule, by name and labels.
    pub fn take_over(&mut self, before: &mut Self) {
        let mut old: Vec<Option<Rule>> = before.rules.drain(..).map(Some).collect();
        for rule in &mut self.rules {
            let same = old.iter_mut().find(|candidate| candidate.as_ref().is_some_and(|candidate| candidate.identity() == rule.identity()));
            if let Some(found) = same.and_then(Option::take) {
                rule.take_over(found);
            }
        }
        self.orphans = old.into_iter().flatten().map(|rule| rule.output).chain(before.orphans.drain(..)).collect();
        self.until_restored = before.until_restored;
        let was = lock(&before.published).clone();
        let mut view = lock(&self.published);
        view.evaluation_time = was.evaluation_time;
        view.last_evaluation = was.last_evaluation;
        view.evaluations = was.evaluations;
        view.rules = self.rules.iter().map(Rule::view).collect();
    }

    /// Evaluates all rules for a time. Blocking.
    pub fn evaluate(&mut self, parts: &RulesParts, now: TimestampMs, missed: u64) {
        if self.ended {
            return;
        }
        let started = parts.clock.monotonic();
        let samples = AtomicUsize::new(0);
        let turn = Turn {
            parts,
            settings: &self.settings,
            now,
            offset: self.options.query_offset,
            interval: self.options.interval,
            limit: self.options.limit,
        };
        let (metrics, published) = (&self.metrics, &self.published);
        self.rounds.run(&mut self.rules, |place, rule| {
            metrics.evaluations.inc();
            match rule.evaluate(&turn) {
                Ok(written) => {
                    samples.fetch_add(written, Ordering::Relaxed);
                }
                Err(_) => metrics.failures.inc(),
            }
            metrics.rule_duration.record(rule.evaluation_time);
            lock(published).rules[place] = rule.view();
        });
        let at = now - self.options.query_offset;
        for mut orphan in std::mem::take(&mut self.orphans) {
            let lives_on = |labels: &Labels| self.rules.iter().any(|rule| rule.output.has(labels));
            if let Err(error) = orphan.end(&*parts.append, at, lives_on) {
                tracing::warn!(group = self.options.name, %error, "series of a rule that is gone were not marked stale");
            }
        }
        self.count_towards_restore(parts, now);
        let took = parts.clock.monotonic().saturating_sub(started);
        self.metrics.iterations.add(1 + missed);
        self.metrics.missed.add(missed);
        self.metrics.duration.record(took);
        self.metrics.last_duration.set(took.as_secs_f64());
        self.metrics.last_rules.set(self.rules.iter().map(|rule| rule.evaluation_time.as_secs_f64()).sum());
        self.metrics.last_evaluation.set(now.as_seconds());
        self.metrics.last_samples.set(samples.into_inner() as f64);
        let mut view = lock(&self.published);
        view.evaluation_time = took;
        view.last_evaluation = Some(now);
        view.evaluations += 1;
    }

    fn count_towards_restore(&mut self, parts: &RulesParts, now: TimestampMs) {
        let Some(done) = &mut self.until_restored else { return };
        *done += 1;
        if *done < EVALUATIONS_BEFORE_RESTORE {
            return;
        }
        self.until_restored = None;
        let started = parts.clock.monotonic();
        self.restore(parts, now);
        self.metrics.last_restore.set(parts.clock.monotonic().saturating_sub(started).as_secs_f64());
    }

    /// Gives pending alerts the time that they had already spent before the restart.
    fn restore(&mut self, parts: &RulesParts, now: TimestampMs) {
        let timings = self.settings.timings;
        let mut view = lock(&self.published);
        for (index, rule) in self.rules.iter_mut().enumerate() {
            let Some(alerting) = &mut rule.alerting else { continue };
            alerting.restored = true;
            // A short hold is waited for anew, rather than stretched to the grace period.
            if alerting.timings.hold < timings.for_grace_period || alerting.tracks.is_empty() {
                continue;
            }
            let from = now - timings.for_outage_tolerance;
            let states = match last_states(&*parts.select, &rule.name, from, now) {
                Ok(states) => states,
                Err(error) => {
                    tracing::warn!(alert = rule.name, %error, "alert state from before the restart cannot be read");
                    continue;
                }
            };
            for (labels, track) in &mut alerting.tracks {
                let restored =
                    states.get(labels).and_then(|last| restored_active_at(*last, alerting.timings.hold, timings.for_grace_period, now));
                if let Some(active_at) = restored {
                    track.active_at = active_at;
                }
            }
            view.rules[index] = rule.view();
        }
    }

    /// Marks all series stale: the group is gone for good.
    pub fn end_series(&mut self, parts: &RulesParts, now: TimestampMs, lives_on: &dyn Fn(&Labels) -> bool) {
        let at = now - self.options.query_offset;
        let outputs = self.rules.iter_mut().map(|rule| &mut rule.output).chain(&mut self.orphans);
        for output in outputs {
            if let Err(error) = output.end(&*parts.append, at, lives_on) {
                tracing::warn!(group = self.options.name, %error, "series of a group that is gone were not marked stale");
            }
        }
    }

    /// Whether a rule of this group wrote this series last time.
    pub fn writes(&self, labels: &Labels) -> bool {
        self.rules.iter().any(|rule| rule.output.has(labels))
    }
}
