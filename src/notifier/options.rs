//! `alerting:` of `prometheus.yml` and the flags about it, checked.

pub use super::labels::AlertLabels;
use crate::client::ClientOptions;
use crate::discovery::DiscoveryOptions;
use crate::model::DurationMs;
use crate::relabel::Step;

/// What a configuration says of alerts that leave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NotifierOptions {
    pub labels: AlertLabels,
    pub alertmanagers: Vec<AlertmanagerOptions>,
}

/// One section of `alertmanagers`; API v2 always.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertmanagerOptions {
    pub scheme: String,
    /// Stands before `/api/v2/alerts`.
    pub path_prefix: String,
    /// Of one request.
    pub timeout: DurationMs,
    pub client: ClientOptions,
    pub discovery: Vec<DiscoveryOptions>,
    /// Over the addresses that were found.
    pub relabel: Vec<Step>,
    /// Over the alerts for these Alertmanagers, after those for all.
    pub alert_relabel: Vec<Step>,
}

/// `--alertmanager.*` flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueOptions {
    /// Alerts that wait for one Alertmanager; the oldest go first when there are more.
    pub capacity: usize,
    /// Most alerts in one request.
    pub batch: usize,
    /// Whether what waits is sent before the process ends.
    pub drain: bool,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self { capacity: 10_000, batch: 256, drain: true }
    }
}
