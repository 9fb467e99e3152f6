//! What the command line decides, checked and with defaults: the one thing `App` is built from beside the files.

use std::path::PathBuf;

use crate::model::{DurationMs, TimestampMs};
use crate::notifier::QueueOptions;
use crate::rules::options::RuleTimings;
use crate::telemetry::process;

/// Where the configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A `prometheus.yml` was named or found.
    Configured { file: PathBuf },
    /// None was: scrape ourselves and whatever answers on loopback.
    ZeroConfig,
    /// As configured, with a script to show beside it.
    Demo { file: PathBuf, receivers_url: String, started: TimestampMs },
}

impl Mode {
    /// The word in the overview and on the Status page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Configured { .. } => "config",
            Self::ZeroConfig => "zero-config",
            Self::Demo { .. } => "demo",
        }
    }

    pub fn config_file(&self) -> Option<&PathBuf> {
        match self {
            Self::Configured { file } | Self::Demo { file, .. } => Some(file),
            Self::ZeroConfig => None,
        }
    }
}

/// How the web server is reached and what it lets people do.
#[derive(Clone, Debug)]
pub struct WebSettings {
    pub listen_addresses: Vec<String>,
    /// As people reach it; made from host name and port where it was not given.
    pub external_url: Option<String>,
    pub route_prefix: Option<String>,
    pub enable_lifecycle: bool,
    pub enable_admin_api: bool,
    pub enable_remote_write_receiver: bool,
    pub cors_origin: String,
    pub page_title: String,
    pub max_connections: usize,
    /// `--web.config.file`.
    pub config_file: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct StorageSettings {
    pub path: PathBuf,
    /// None: the configuration file decides, else 15 days.
    pub retention_time: Option<DurationMs>,
    pub retention_bytes: Option<u64>,
    pub sync_interval: DurationMs,
    /// None: a quarter of what there is.
    pub memory_budget: Option<u64>,
    pub no_lockfile: bool,
}

impl Settings {
    /// Whether `--enable-feature` names it.
    pub fn has_feature(&self, name: &str) -> bool {
        self.features.iter().any(|given| given.trim() == name)
    }
}

impl StorageSettings {
    /// Bytes of memory near which load is shed; 0 where nothing says how much there is.
    pub fn memory_budget_bytes(&self) -> u64 {
        self.memory_budget.or_else(|| process::memory_limit_bytes().map(|bytes| bytes / 4)).unwrap_or(0)
    }
}

#[derive(Clone, Debug)]
pub struct QuerySettings {
    pub lookback_delta: DurationMs,
    pub timeout: DurationMs,
    pub max_concurrency: usize,
    pub max_samples: usize,
    /// Bytes; none: a share of the machine's memory.
    pub max_memory: Option<u64>,
    /// Bytes of kept range answers.
    pub cache_size: u64,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub mode: Mode,
    pub alertmanager_file: Option<PathBuf>,
    pub rules_path: Option<PathBuf>,
    pub dashboards_path: Option<PathBuf>,
    pub web: WebSettings,
    pub storage: StorageSettings,
    pub query: QuerySettings,
    pub rule_timings: RuleTimings,
    /// Of each outside Alertmanager.
    pub alert_queue: QueueOptions,
    /// Most rules evaluated beside others, where the feature is on.
    pub max_concurrent_evals: usize,
    /// `--enable-feature` names, split at commas.
    pub features: Vec<String>,
    /// Every flag and its value, for `/api/v1/status/flags`.
    pub flags: Vec<(String, String)>,
}
