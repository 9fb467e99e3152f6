//! What every group works with: the engine, the store, the way to routing, and the settings that hold for all groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::limits::TEMPLATE_QUERIES_MAX;
use super::options::{RuleTimings, RulesOptions};
use super::query::{Query, QueryResult};
use crate::clock::Clock;
use crate::model::{Alert, Labels};
use crate::storage::{Append, Select};
use crate::telemetry::Registry;
use crate::template::{QuerySample, TemplateQuery};

/// Takes alerts that are due. It must not block: a full queue is its own to count.
pub type AlertSink = Arc<dyn Fn(Vec<Alert>) + Send + Sync>;

/// What the rules room is built on.
#[derive(Clone)]
pub struct RulesParts {
    pub clock: Clock,
    pub registry: Registry,
    pub query: Query,
    pub append: Arc<dyn Append>,
    pub select: Arc<dyn Select>,
    pub alerts: AlertSink,
}

/// Settings of one configuration that are not a group's own.
#[derive(Clone, Debug)]
pub struct Settings {
    pub external_labels: Labels,
    pub external_url: String,
    pub timings: RuleTimings,
}

impl Settings {
    pub fn of(options: &RulesOptions) -> Self {
        Self { external_labels: options.external_labels.clone(), external_url: options.external_url.clone(), timings: options.limits }
    }
}

impl Settings {
    /// Whether a group sees no difference.
    pub fn is_same(&self, other: &Self) -> bool {
        let timings =
            |settings: &Self| (settings.timings.for_outage_tolerance, settings.timings.for_grace_period, settings.timings.resend_delay);
        self.external_labels == other.external_labels && self.external_url == other.external_url && timings(self) == timings(other)
    }
}

/// The template function `query` at one time. All queries of one rule's texts share [`TEMPLATE_QUERIES_MAX`] of time.
pub fn template_query(query: &Query, at: crate::model::TimestampMs, clock: &Clock) -> TemplateQuery {
    let (query, clock, spent) = (query.clone(), clock.clone(), Arc::new(AtomicU64::new(0)));
    Arc::new(move |text| {
        if spent.load(Ordering::Relaxed) > TEMPLATE_QUERIES_MAX.as_millis() as u64 {
            return Err(format!("the queries of the rule's templates took more than {TEMPLATE_QUERIES_MAX:?} together"));
        }
        let started = clock.monotonic();
        let answer = query(text, at);
        let took = clock.monotonic().saturating_sub(started).as_millis() as u64;
        spent.fetch_add(took, Ordering::Relaxed);
        let samples = match answer? {
            QueryResult::Scalar(value) => vec![QuerySample { labels: Labels::empty(), value }],
            QueryResult::Vector(samples) => {
                samples.into_iter().map(|sample| QuerySample { value: sample.number(), labels: sample.labels }).collect()
            }
        };
        Ok(samples)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DurationMs, TimestampMs};

    #[test]
    fn queries_of_templates_end() {
        let clock = Clock::manual(TimestampMs(0));
        let slow = clock.clone();
        let query: Query = Arc::new(move |_, _| {
            slow.advance(DurationMs::seconds(8));
            Ok(QueryResult::Scalar(1.0))
        });
        let ask = template_query(&query, TimestampMs(0), &clock);
        let answers: Vec<bool> = (0..6).map(|_| ask("x").is_ok()).collect();
        assert_eq!(answers, [true, true, true, true, false, false], "after four of eight seconds");
        assert!(ask("x").unwrap_err().contains("more than 30s together"));
    }
}
