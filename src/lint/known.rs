//! What a running server knows of the metrics that rules name; empty where none was asked.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{DurationMs, Labels, METRIC_NAME};
use crate::promql::ast::Selector;

#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Every metric's name; empty where no server was asked.
    pub names: Vec<String>,
    /// The metrics that the rules name, those without series included.
    pub metrics: BTreeMap<String, KnownMetric>,
    /// How long samples are kept.
    pub retention: Option<DurationMs>,
    /// Names of the external labels; none where they are not known.
    pub external_labels: Option<Vec<String>>,
    /// Series of selectors now, by [`text`].
    pub counts: BTreeMap<String, u64>,
}

/// A selector's matchers as PromQL: what it chooses from, without window and offset.
pub fn text(selector: &Selector) -> String {
    let matchers: Vec<String> = selector.matchers.iter().map(ToString::to_string).collect();
    format!("{{{}}}", matchers.join(", "))
}

#[derive(Clone, Debug, Default)]
pub struct KnownMetric {
    pub series: usize,
    /// There are more series than were looked at: others may have other labels and values.
    pub is_sample: bool,
    /// `counter`, `gauge`, `histogram`, `summary`; none where metadata says nothing.
    pub kind: Option<String>,
    /// All types that targets give it; more than one is a mistake.
    pub kinds: BTreeSet<String>,
    /// Names that some series has, and the values of each; the metric's name is left out.
    pub labels: BTreeMap<String, BTreeSet<String>>,
    /// Names that every series has.
    pub on_all: BTreeSet<String>,
    /// Between two samples.
    pub interval: Option<DurationMs>,
}

impl Known {
    /// How many series a selector chooses; 0 where it was not asked.
    pub fn count(&self, selector: &Selector) -> u64 {
        self.counts.get(&text(selector)).copied().unwrap_or(0)
    }

    /// A metric that has series.
    pub fn metric(&self, name: &str) -> Option<&KnownMetric> {
        self.metrics.get(name).filter(|metric| metric.series > 0)
    }

    /// Its type, also for the series of a family: buckets, sums and counts are counters.
    pub fn kind(&self, name: &str) -> Option<&str> {
        self.metrics.get(name)?.kind.as_deref()
    }
}

impl KnownMetric {
    /// What the labels of a metric's series say of it.
    pub fn of_series(kind: Option<String>, interval: Option<DurationMs>, series: &[Labels]) -> Self {
        let mut labels: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, value) in series.iter().flatten().filter(|(name, _)| *name != METRIC_NAME) {
            labels.entry(name.to_owned()).or_default().insert(value.to_owned());
        }
        let on_all = labels.keys().filter(|name| series.iter().all(|series| series.get(name).is_some())).cloned().collect();
        let kinds = kind.iter().cloned().collect();
        Self { series: series.len(), is_sample: false, kind, kinds, labels, on_all, interval }
    }
}
