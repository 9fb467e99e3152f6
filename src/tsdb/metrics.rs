//! The store's own figures.

use crate::telemetry::{Counter, Gauge, Latency, Registry};

#[derive(Clone)]
pub struct Metrics {
    pub appended_floats: Counter,
    pub appended_histograms: Counter,
    pub head_series: Gauge,
    pub head_groups: Gauge,
    pub out_of_order: Counter,
    pub duplicates: Counter,
    pub late: Counter,
    pub too_old: Counter,
    pub out_of_bounds: Counter,
    pub clock_backwards: Counter,
    pub log_bytes: Counter,
    pub log_sync: Latency,
    pub log_damaged: Counter,
    pub log_lost: Counter,
    pub segment_bytes: Counter,
    pub seals: Counter,
    pub merges: Counter,
    pub merge_failures: Counter,
    pub retention_deletions: Counter,
    pub size_retentions: Counter,
    pub segments: Gauge,
    pub folder_bytes: Gauge,
    pub log_size: Gauge,
    pub selects: Counter,
    pub damaged_reads: Counter,
    pub read_only: Gauge,
    pub write_failures: Counter,
    pub limits_hit: Counter,
}

impl Metrics {
    /// `missing` files were found to be so at the start.
    pub fn new(registry: &Registry, missing: usize) -> Self {
        let appended =
            |kind| registry.counter("prometheus_tsdb_head_samples_appended_total", "Samples taken into the store.", &[("type", kind)]);
        let gone =
            "Files of the data folder that were missing, or shorter than they had been, at the start; the log and the pages name them.";
        registry.gauge("promlet_tsdb_missing_files", gone, &[]).set(missing as f64);
        let of_floats = |name, help| registry.counter(name, help, &[("type", "float")]);
        Self {
            appended_floats: appended("float"),
            appended_histograms: appended("histogram"),
            head_series: registry.gauge("prometheus_tsdb_head_series", "Series that are in memory.", &[]),
            head_groups: registry.gauge("promlet_tsdb_head_groups", "Groups of series that share their times.", &[]),
            out_of_order: of_floats(
                "prometheus_tsdb_out_of_order_samples_total",
                "Samples refused because they were older than their series' newest.",
            ),
            late: of_floats(
                "prometheus_tsdb_head_out_of_order_samples_appended_total",
                "Samples taken although they were older than their series' newest.",
            ),
            too_old: of_floats(
                "prometheus_tsdb_too_old_samples_total",
                "Samples refused because they were further behind than the out-of-order window reaches.",
            ),
            duplicates: registry.counter(
                "promlet_tsdb_duplicate_samples_total",
                "Samples refused because their time was taken by another value.",
                &[],
            ),
            out_of_bounds: of_floats(
                "prometheus_tsdb_out_of_bound_samples_total",
                "Samples refused because they were older than the store keeps.",
            ),
            clock_backwards: registry.counter("promlet_tsdb_clock_backwards_total", "Rows whose time lay before the row before them.", &[]),
            log_bytes: registry.counter("promlet_tsdb_log_written_bytes_total", "Bytes appended to the row log.", &[]),
            log_sync: registry.latency("prometheus_tsdb_wal_fsync_duration_seconds", "How long syncing the row log took.", &[]),
            log_lost: registry.counter(
                "promlet_tsdb_log_lost_rows_total",
                "Rows of the log that could not be used at the start, since something before them was missing.",
                &[],
            ),
            log_damaged: registry.counter(
                "prometheus_tsdb_wal_corruptions_total",
                "Damaged stretches found when the row log was read.",
                &[],
            ),
            segment_bytes: registry.counter(
                "promlet_tsdb_segment_written_bytes_total",
                "Bytes appended to segments, merges included.",
                &[],
            ),
            seals: registry.counter("promlet_tsdb_seals_total", "Segments sealed.", &[]),
            merges: registry.counter("prometheus_tsdb_compactions_total", "Merges of segments.", &[]),
            merge_failures: registry.counter("prometheus_tsdb_compactions_failed_total", "Merges of segments that failed.", &[]),
            retention_deletions: registry.counter("prometheus_tsdb_time_retentions_total", "Segments removed because of their age.", &[]),
            size_retentions: registry.counter(
                "prometheus_tsdb_size_retentions_total",
                "Segments removed because the folder was too large.",
                &[],
            ),
            segments: registry.gauge("prometheus_tsdb_blocks_loaded", "Sealed segments.", &[]),
            folder_bytes: registry.gauge("prometheus_tsdb_storage_blocks_bytes", "Bytes of all sealed segments.", &[]),
            log_size: registry.gauge("prometheus_tsdb_wal_storage_size_bytes", "Bytes of the row log's files.", &[]),
            selects: registry.counter("promlet_tsdb_selects_total", "Selections served.", &[]),
            damaged_reads: registry.counter("promlet_tsdb_damaged_reads_total", "Stripes and indexes that could not be read.", &[]),
            read_only: registry.gauge("promlet_tsdb_read_only", "1 while no samples are taken (full disk, failed sync).", &[]),
            write_failures: registry.counter("promlet_tsdb_write_failures_total", "Writes and syncs that failed.", &[]),
            limits_hit: registry.counter("promlet_tsdb_limits_hit_total", "Series refused because a limit of the store was reached.", &[]),
        }
    }
}
