//! What scraping tells about itself, under Prometheus's names.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::DurationMs;
use crate::telemetry::{Counter, Gauge, Latency, Registry};

const UNSTORED: &str = "promlet_target_refused_series_samples_total";

/// Counters and summaries of all pools.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub out_of_order: Counter,
    pub duplicates: Counter,
    pub out_of_bounds: Counter,
    pub over_sample_limit: Counter,
    pub over_body_limit: Counter,
    pub over_target_limit: Counter,
    pub over_label_limits: Counter,
    pub sync_failed: Counter,
    pub pools: Counter,
    /// Pages whose lines were all where they were last time, and those that were read line by line.
    pub replayed: Counter,
    pub learned: Counter,
    pub clock_steps: Counter,
    registry: Registry,
    metadata: Arc<Mutex<BTreeMap<String, i64>>>,
}

impl Figures {
    pub(super) fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &'static str| registry.counter(name, help, &[]);
        Self {
            out_of_order: counter(
                "prometheus_target_scrapes_sample_out_of_order_total",
                "Total number of samples rejected due to not being out of the expected order.",
            ),
            duplicates: counter(
                "prometheus_target_scrapes_sample_duplicate_timestamp_total",
                "Total number of samples rejected due to duplicate timestamps but different values.",
            ),
            out_of_bounds: counter(
                "prometheus_target_scrapes_sample_out_of_bounds_total",
                "Total number of samples rejected due to timestamp falling outside of the time bounds.",
            ),
            over_sample_limit: counter(
                "prometheus_target_scrapes_exceeded_sample_limit_total",
                "Total number of scrapes that hit the sample limit and were rejected.",
            ),
            over_body_limit: counter(
                "prometheus_target_scrapes_exceeded_body_size_limit_total",
                "Total number of scrapes that hit the body size limit.",
            ),
            over_target_limit: counter(
                "prometheus_target_scrape_pool_exceeded_target_limit_total",
                "Total number of times scrape pools hit the target limit, during sync or config reload.",
            ),
            over_label_limits: counter(
                "prometheus_target_scrape_pool_exceeded_label_limits_total",
                "Total number of times scrape pools hit the label limits, during sync or config reload.",
            ),
            sync_failed: counter("prometheus_target_sync_failed_total", "Total number of target sync failures."),
            pools: counter("prometheus_target_scrape_pools_total", "Total number of scrape pool creation attempts."),
            replayed: counter(
                "promlet_scrape_pages_unchanged_total",
                "Pages whose series stood in the same order as in the scrape before.",
            ),
            learned: counter(
                "promlet_scrape_pages_changed_total",
                "Pages whose series or their order had changed since the scrape before.",
            ),
            clock_steps: counter(
                "promlet_scrape_clock_steps_total",
                "Scrapes whose time was not after the scrape before: the wall clock went back.",
            ),
            registry: registry.clone(),
            metadata: Arc::default(),
        }
    }

    pub(super) fn sync_length(&self, job: &str) -> Latency {
        self.registry.latency("prometheus_target_sync_length_seconds", "Actual interval to sync the scrape pool.", &[("scrape_job", job)])
    }

    pub(super) fn interval_length(&self, interval: DurationMs) -> Latency {
        let text = interval.to_string();
        self.registry.latency("prometheus_target_interval_length_seconds", "Actual intervals between scrapes.", &[("interval", &text)])
    }

    pub(super) fn discovered(&self, job: &str) -> Gauge {
        self.registry.gauge(
            "prometheus_sd_discovered_targets",
            "Current number of discovered targets.",
            &[("config", job), ("name", "scrape")],
        )
    }

    pub(super) fn targets(&self, job: &str) -> Gauge {
        self.registry.gauge(
            "prometheus_target_scrape_pool_targets",
            "Current number of targets in this scrape pool.",
            &[("scrape_job", job)],
        )
    }

    /// Samples of one target that had no series because the store took no more.
    pub(super) fn unstored(&self, job: &str, url: &str) -> Counter {
        let help = "Samples of a target that were left out because the store takes no new series at present.";
        self.registry.counter(UNSTORED, help, &[("scrape_job", job), ("target", url)])
    }

    /// A target's families went from `before` to `after`.
    pub(super) fn metadata_changed(&self, job: &str, before: usize, after: usize) {
        let mut entries = self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
        let count = entries.entry(job.to_owned()).or_default();
        *count += after as i64 - before as i64;
        let help = "Total number of metric metadata entries in the cache.";
        self.registry.gauge("prometheus_target_metadata_cache_entries", help, &[("scrape_job", job)]).set(*count as f64);
    }

    /// A job is gone: its own series go with it.
    pub(super) fn forget(&self, job: &str) {
        let names = [
            ("prometheus_target_sync_length_seconds", "scrape_job"),
            ("prometheus_sd_discovered_targets", "config"),
            ("prometheus_target_scrape_pool_targets", "scrape_job"),
            ("prometheus_target_metadata_cache_entries", "scrape_job"),
            (UNSTORED, "scrape_job"),
        ];
        for (name, label) in names {
            self.registry.forget(name, |labels| labels.iter().any(|(n, v)| n == label && v == job));
        }
    }
}
