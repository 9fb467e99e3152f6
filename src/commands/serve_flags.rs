//! The server's flags: Prometheus's spelling and defaults, and a few of our own.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::app::settings::{Mode, QuerySettings, Settings, StorageSettings, WebSettings};
use crate::http::cors::Cors;
use crate::model::DurationMs;
use crate::notifier::QueueOptions;
use crate::rules::options::RuleTimings;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Logfmt,
    Json,
}

/// Runs the server.
#[derive(Args, Clone, Debug)]
pub struct ServeFlags {
    /// Prometheus configuration file [default: prometheus.yml, where there is one]
    #[arg(long = "config.file", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Alertmanager configuration file [default: alertmanager.yml beside the configuration, where there is one]
    #[arg(long = "alertmanager.config.file", value_name = "FILE")]
    pub alertmanager_config_file: Option<PathBuf>,
    /// Most alerts that wait for one outside Alertmanager; the oldest are dropped when there are more
    #[arg(long = "alertmanager.notification-queue-capacity", value_name = "N", default_value = "10000", value_parser = at_least_one)]
    pub alert_queue_capacity: usize,
    /// Most alerts in one request to an outside Alertmanager
    #[arg(long = "alertmanager.notification-batch-size", value_name = "N", default_value = "256", value_parser = at_least_one)]
    pub alert_batch_size: usize,
    /// Send what waits for outside Alertmanagers before the process ends; this is the default, and --no-alertmanager... switches it off
    #[arg(long = "alertmanager.drain-notification-queue-on-shutdown", overrides_with = "no_drain")]
    pub drain: bool,
    #[arg(long = "no-alertmanager.drain-notification-queue-on-shutdown", hide = true)]
    pub no_drain: bool,
    /// Folder of rule files, loaded where the configuration names none [default: rules/ beside the configuration, else the shipped ones]
    #[arg(long = "rules.path", value_name = "DIR")]
    pub rules_path: Option<PathBuf>,
    /// Folder of dashboards [default: dashboards/ beside the configuration, else the shipped ones]
    #[arg(long = "dashboards.path", value_name = "DIR")]
    pub dashboards_path: Option<PathBuf>,
    /// Address to listen on, repeatable [default: 0.0.0.0:9090; 127.0.0.1:9090 without a configuration]
    #[arg(long = "web.listen-address", value_name = "ADDRESS")]
    pub listen_addresses: Vec<String>,
    /// The URL under which people reach this server, for links in notifications
    #[arg(long = "web.external-url", value_name = "URL", value_parser = external_url)]
    pub external_url: Option<String>,
    /// Prefix of all routes [default: the path of the external URL]
    #[arg(long = "web.route-prefix", value_name = "PATH")]
    pub route_prefix: Option<String>,
    /// Allow reload and shutdown over HTTP
    #[arg(long = "web.enable-lifecycle")]
    pub enable_lifecycle: bool,
    /// Allow the admin endpoints
    #[arg(long = "web.enable-admin-api")]
    pub enable_admin_api: bool,
    /// Accept remote write at /api/v1/write
    #[arg(long = "web.enable-remote-write-receiver")]
    pub enable_remote_write_receiver: bool,
    /// Regex of allowed CORS origins, anchored
    #[arg(long = "web.cors.origin", value_name = "REGEX", default_value = ".*", value_parser = origin)]
    pub cors_origin: String,
    /// Title of the web pages
    #[arg(long = "web.page-title", value_name = "TEXT", default_value = "promlet")]
    pub page_title: String,
    /// TLS and passwords in Prometheus's format; refused where it asks for either, since promlet has neither yet
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub web_config_file: Option<PathBuf>,
    /// Most simultaneous connections
    #[arg(long = "web.max-connections", value_name = "N", default_value_t = 512)]
    pub max_connections: usize,
    /// Data folder
    #[arg(long = "storage.tsdb.path", value_name = "DIR", default_value = "data/")]
    pub storage_path: PathBuf,
    /// How long samples are kept [default: 15d]
    #[arg(long = "storage.tsdb.retention.time", value_name = "DURATION", value_parser = duration)]
    pub retention_time: Option<DurationMs>,
    /// Most bytes in the data folder: B, KB, MB, GB, TB [default: no limit]
    #[arg(long = "storage.tsdb.retention.size", value_name = "SIZE", value_parser = size)]
    pub retention_size: Option<u64>,
    /// Most memory, near which load is shed: B, KB, MB, GB, TB [default: a quarter of the control group's or the machine's]
    #[arg(long = "storage.memory-budget", value_name = "SIZE", value_parser = size)]
    pub memory_budget: Option<u64>,
    /// When written samples are forced to disk at the latest; after a third of it where they fill a page. 0s: with each scrape
    #[arg(long = "storage.sync-interval", value_name = "DURATION", default_value = "15s", value_parser = duration)]
    pub sync_interval: DurationMs,
    /// Leave the data folder's lock alone
    #[arg(long = "storage.tsdb.no-lockfile")]
    pub no_lockfile: bool,
    /// How far back an instant looks for a series' last sample
    #[arg(long = "query.lookback-delta", value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub lookback_delta: DurationMs,
    /// Longest time a query may take
    #[arg(long = "query.timeout", value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub query_timeout: DurationMs,
    /// Most queries at a time
    #[arg(long = "query.max-concurrency", value_name = "N", default_value = "20", value_parser = at_least_one)]
    pub max_concurrency: usize,
    /// Most memory that all queries together may hold: B, KB, MB, GB [default: a quarter of the machine's, at most 1GB]
    #[arg(long = "query.max-memory", value_name = "SIZE", value_parser = size)]
    pub max_memory: Option<u64>,
    /// Most memory of range answers that are kept, for when they are asked for again: B, KB, MB, GB (0B: none are kept)
    #[arg(long = "query.cache-size", value_name = "SIZE", default_value = "32MB", value_parser = size)]
    pub cache_size: u64,
    /// Most samples one query may hold
    #[arg(long = "query.max-samples", value_name = "N", default_value = "50000000", value_parser = at_least_one)]
    pub max_samples: usize,
    /// Longest outage after which a pending alert's time is restored
    #[arg(long = "rules.alert.for-outage-tolerance", value_name = "DURATION", default_value = "1h", value_parser = duration)]
    pub for_outage_tolerance: DurationMs,
    /// Least time between restart and the firing of a restored alert
    #[arg(long = "rules.alert.for-grace-period", value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub for_grace_period: DurationMs,
    /// Least time before an alert is sent again
    #[arg(long = "rules.alert.resend-delay", value_name = "DURATION", default_value = "1m", value_parser = duration)]
    pub resend_delay: DurationMs,
    /// Most rules evaluated beside others, where --enable-feature=concurrent-rule-eval lets independent ones be
    #[arg(long = "rules.max-concurrent-evals", value_name = "N", default_value = "4", value_parser = at_least_one)]
    pub max_concurrent_evals: usize,
    /// Features behind a flag, comma-separated
    #[arg(long = "enable-feature", value_name = "NAMES", value_delimiter = ',')]
    pub features: Vec<String>,
    /// Least severity that is logged
    #[arg(long = "log.level", value_enum, default_value_t = LogLevel::Info)]
    pub log_level: LogLevel,
    /// Format of the log
    #[arg(long = "log.format", value_enum, default_value_t = LogFormat::Logfmt)]
    pub log_format: LogFormat,
}

pub fn duration(text: &str) -> Result<DurationMs, String> {
    DurationMs::parse(text)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "write a whole number from 1".to_owned())
}

fn origin(text: &str) -> Result<String, String> {
    Cors::new(text).map(|_| text.to_owned())
}

/// A whole address, or the path alone.
fn external_url(text: &str) -> Result<String, String> {
    let is_whole = text.split_once("://").is_some_and(|(scheme, rest)| matches!(scheme, "http" | "https") && !rest.is_empty());
    let is_path = text.is_empty() || (text.starts_with('/') && !text.starts_with("//"));
    let is_plain = !text.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    if is_plain && (is_whole || is_path) { Ok(text.to_owned()) } else { Err("write http://host:port/path, or the path alone".to_owned()) }
}

/// Prometheus's sizes: a number and a unit, in powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let power = match &text[digits..] {
        "B" | "" => 0,
        "KB" => 1,
        "MB" => 2,
        "GB" => 3,
        "TB" => 4,
        "PB" => 5,
        other => return Err(format!("unknown unit {other:?}: write B, KB, MB, GB, TB or PB after the number")),
    };
    let number: u64 = text[..digits].parse().map_err(|_| "write a number and a unit, like 10GB".to_owned())?;
    number.checked_mul(1u64 << (10 * power)).ok_or_else(|| "size out of range".to_owned())
}

/// The file that the name gives when none is named.
const DEFAULT_CONFIG: &str = "prometheus.yml";
const LISTEN_CONFIGURED: &str = "0.0.0.0:9090";
const LISTEN_ZERO_CONFIG: &str = "127.0.0.1:9090";

impl ServeFlags {
    /// `found` says whether `prometheus.yml` is in the working folder.
    pub fn settings(self, found: bool) -> Settings {
        let mode = match (&self.config_file, found) {
            (Some(file), _) => Mode::Configured { file: file.clone() },
            (None, true) => Mode::Configured { file: Path::new(DEFAULT_CONFIG).to_owned() },
            (None, false) => Mode::ZeroConfig,
        };
        let default_address = if mode == Mode::ZeroConfig { LISTEN_ZERO_CONFIG } else { LISTEN_CONFIGURED };
        let listen_addresses =
            if self.listen_addresses.is_empty() { vec![default_address.to_owned()] } else { self.listen_addresses.clone() };
        let flags = self.listed(&mode, &listen_addresses);
        Settings {
            mode,
            alertmanager_file: self.alertmanager_config_file,
            rules_path: self.rules_path,
            dashboards_path: self.dashboards_path,
            web: WebSettings {
                listen_addresses,
                external_url: self.external_url,
                route_prefix: self.route_prefix,
                enable_lifecycle: self.enable_lifecycle,
                enable_admin_api: self.enable_admin_api,
                enable_remote_write_receiver: self.enable_remote_write_receiver,
                cors_origin: self.cors_origin,
                page_title: self.page_title,
                max_connections: self.max_connections,
                config_file: self.web_config_file,
            },
            storage: StorageSettings {
                path: self.storage_path,
                retention_time: self.retention_time,
                retention_bytes: self.retention_size,
                memory_budget: self.memory_budget,
                sync_interval: self.sync_interval,
                no_lockfile: self.no_lockfile,
            },
            query: QuerySettings {
                lookback_delta: self.lookback_delta,
                timeout: self.query_timeout,
                max_concurrency: self.max_concurrency,
                max_samples: self.max_samples,
                max_memory: self.max_memory,
                cache_size: self.cache_size,
            },
            rule_timings: RuleTimings {
                for_outage_tolerance: self.for_outage_tolerance,
                for_grace_period: self.for_grace_period,
                resend_delay: self.resend_delay,
            },
            alert_queue: QueueOptions { capacity: self.alert_queue_capacity, batch: self.alert_batch_size, drain: !self.no_drain },
            max_concurrent_evals: self.max_concurrent_evals,
            features: self.features,
            flags,
        }
    }

    fn listed(&self, mode: &Mode, listen_addresses: &[String]) -> Vec<(String, String)> {
        let path = |path: &Option<PathBuf>| path.as_ref().map_or(String::new(), |p| p.display().to_string());
        let config = mode.config_file().map_or(String::new(), |p| p.display().to_string());
        [
            ("alertmanager.config.file", path(&self.alertmanager_config_file)),
            ("alertmanager.drain-notification-queue-on-shutdown", (!self.no_drain).to_string()),
            ("alertmanager.notification-batch-size", self.alert_batch_size.to_string()),
            ("alertmanager.notification-queue-capacity", self.alert_queue_capacity.to_string()),
            ("config.file", config),
            ("dashboards.path", path(&self.dashboards_path)),
            ("enable-feature", self.features.join(",")),
            ("query.cache-size", format!("{}B", self.cache_size)),
            ("query.lookback-delta", self.lookback_delta.to_string()),
            ("query.max-concurrency", self.max_concurrency.to_string()),
            ("query.max-memory", self.max_memory.map_or(String::new(), |bytes| format!("{bytes}B"))),
            ("query.max-samples", self.max_samples.to_string()),
            ("query.timeout", self.query_timeout.to_string()),
            ("rules.alert.for-grace-period", self.for_grace_period.to_string()),
            ("rules.alert.for-outage-tolerance", self.for_outage_tolerance.to_string()),
            ("rules.alert.resend-delay", self.resend_delay.to_string()),
            ("rules.max-concurrent-evals", self.max_concurrent_evals.to_string()),
            ("rules.path", path(&self.rules_path)),
            ("storage.memory-budget", self.memory_budget.map_or("0B".to_owned(), |bytes| format!("{bytes}B"))),
            ("storage.sync-interval", self.sync_interval.to_string()),
            ("storage.tsdb.no-lockfile", self.no_lockfile.to_string()),
            ("storage.tsdb.path", self.storage_path.display().to_string()),
            ("storage.tsdb.retention.size", self.retention_size.map_or("0B".to_owned(), |bytes| format!("{bytes}B"))),
            ("storage.tsdb.retention.time", self.retention_time.map_or("0s".to_owned(), |time| time.to_string())),
            ("web.config.file", path(&self.web_config_file)),
            ("web.cors.origin", self.cors_origin.clone()),
            ("web.enable-admin-api", self.enable_admin_api.to_string()),
            ("web.enable-lifecycle", self.enable_lifecycle.to_string()),
            ("web.enable-remote-write-receiver", self.enable_remote_write_receiver.to_string()),
            ("web.external-url", self.external_url.clone().unwrap_or_default()),
            ("web.listen-address", listen_addresses.join(",")),
            ("web.max-connections", self.max_connections.to_string()),
            ("web.page-title", self.page_title.clone()),
            ("web.route-prefix", self.route_prefix.clone().unwrap_or_default()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(size("512MB"), Ok(512 << 20));
        assert_eq!(size("1TB"), Ok(1 << 40));
        assert!(size("5XB").is_err() && size("GB").is_err() && size("99999999999TB").is_err());
    }

    #[test]
    fn external_urls_are_whole_or_paths() {
        for good in ["http://x", "https://x:1/a/", "/prometheus", "/", ""] {
            assert_eq!(external_url(good).as_deref(), Ok(good));
        }
        for bad in ["::", "foo", "x:9090", "ftp://x", "http://", "'http://x'", "//x"] {
            assert!(external_url(bad).is_err(), "{bad}");
        }
    }
}
