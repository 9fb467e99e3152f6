//! One scrape job, checked; globals are already worked in.

use crate::client::ClientOptions;
use crate::discovery::DiscoveryOptions;
use crate::model::DurationMs;
use crate::relabel::Step;

/// Zero means no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrapeLimits {
    pub body_size_bytes: u64,
    pub samples: u64,
    pub targets: u64,
    pub labels: u64,
    pub label_name_bytes: u64,
    pub label_value_bytes: u64,
    /// How many dropped targets are kept for display; 0 keeps all within our own bound.
    pub keep_dropped_targets: u64,
}

/// The wire formats that a job offers, in order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScrapeProtocol {
    OpenMetrics1,
    OpenMetrics0,
    Text1,
    Text0,
    Protobuf,
}

#[derive(Clone, Debug, PartialEq)]
pub struct JobOptions {
    pub job_name: String,
    pub scrape_interval: DurationMs,
    /// At most the interval.
    pub scrape_timeout: DurationMs,
    pub metrics_path: String,
    /// `http` or `https`.
    pub scheme: String,
    pub params: Vec<(String, Vec<String>)>,
    pub honor_labels: bool,
    pub honor_timestamps: bool,
    pub track_timestamps_staleness: bool,
    pub enable_compression: bool,
    pub extra_scrape_metrics: bool,
    pub protocols: Vec<ScrapeProtocol>,
    /// The format of a body whose Content-Type is missing or unknown; without it such a scrape fails.
    pub fallback_protocol: Option<ScrapeProtocol>,
    pub limits: ScrapeLimits,
    pub client: ClientOptions,
    pub discovery: Vec<DiscoveryOptions>,
    pub relabel: Vec<Step>,
    pub metric_relabel: Vec<Step>,
    /// Names must match `[a-zA-Z_:][a-zA-Z0-9_:]*`; otherwise any UTF-8 is a name.
    pub legacy_names: bool,
}
