//! What `/metrics` says of the store under the names that Prometheus's own dashboards and alerts ask for.

use std::sync::Arc;

use crate::telemetry::{Gauge, Registry};
use crate::tsdb::{Tsdb, TsdbOptions};

/// Read anew before `/metrics` is written.
pub struct StoreFigures {
    store: Arc<Tsdb>,
    open_groups: Gauge,
    /// In milliseconds and in seconds.
    oldest: [Gauge; 4],
    newest: [Gauge; 2],
}

impl StoreFigures {
    pub fn new(store: Arc<Tsdb>, registry: &Registry) -> Self {
        let gauge = |name: &str, help: &'static str| registry.gauge(name, help, &[]);
        let oldest = "Time of the oldest sample that is kept.";
        let newest = "Time of the newest sample.";
        Self {
            store,
            open_groups: gauge("prometheus_tsdb_head_chunks", "Groups of series whose open end is in memory."),
            oldest: [
                gauge("prometheus_tsdb_lowest_timestamp", oldest),
                gauge("prometheus_tsdb_head_min_time", oldest),
                gauge("prometheus_tsdb_lowest_timestamp_seconds", oldest),
                gauge("prometheus_tsdb_head_min_time_seconds", oldest),
            ],
            newest: [gauge("prometheus_tsdb_head_max_time", newest), gauge("prometheus_tsdb_head_max_time_seconds", newest)],
        }
    }

    pub fn refresh(&self) {
        let extent = self.store.extent();
        self.open_groups.set(extent.groups as f64);
        let set = |gauges: &[Gauge], at: Option<i64>| {
            let (millis, seconds) = gauges.split_at(gauges.len() / 2);
            let at = at.unwrap_or(0) as f64;
            millis.iter().for_each(|gauge| gauge.set(at));
            seconds.iter().for_each(|gauge| gauge.set(at / 1000.0));
        };
        set(&self.oldest, extent.min_time);
        set(&self.newest, extent.max_time);
    }
}

/// How long and how much is kept; 0 bytes are no limit.
pub fn show_limits(registry: &Registry, options: &TsdbOptions) {
    let seconds = registry.gauge("prometheus_tsdb_retention_limit_seconds", "How long samples are kept.", &[]);
    seconds.set(options.retention_time.as_seconds());
    let bytes = registry.gauge("prometheus_tsdb_retention_limit_bytes", "Most bytes of the data folder; 0 is no limit.", &[]);
    bytes.set(options.retention_bytes as f64);
}

/// Damaged places that were met since the start, in the row log and in segments.
pub fn damaged(registry: &Registry) -> u64 {
    // The store registered them with their texts.
    ["prometheus_tsdb_wal_corruptions_total", "promlet_tsdb_damaged_reads_total"]
        .map(|name| registry.counter(name, "", &[]).get())
        .iter()
        .sum()
}
