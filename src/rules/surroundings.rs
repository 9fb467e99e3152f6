//! What every group works with: the engine, the store, the way to routing, and the settings that hold for all groups.

use std::sync::Arc;

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

/// The template function `query` at one time.
pub fn template_query(query: &Query, at: crate::model::TimestampMs) -> TemplateQuery {
    let query = query.clone();
    Arc::new(move |text| {
        let samples = match query(text, at)? {
            QueryResult::Scalar(value) => vec![QuerySample { labels: Labels::empty(), value }],
            QueryResult::Vector(samples) => {
                samples.into_iter().map(|sample| QuerySample { value: sample.number(), labels: sample.labels }).collect()
            }
        };
        Ok(samples)
    })
}
