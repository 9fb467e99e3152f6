//! What handlers are given: one small state each, made of shared handles and closures, so that this room knows no other room's insides.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::model::{Labels, TimestampMs};

/// Reads the present state of a room: quick, no disk, no waiting.
pub type Lookup<T> = Arc<dyn Fn() -> T + Send + Sync>;

pub type Reply<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Asks a room to do something that may take time.
pub type Ask<A, T> = Arc<dyn Fn(A) -> Reply<T> + Send + Sync>;

/// An [`Ask`] from an async closure.
pub fn ask<A, T, F>(closure: impl Fn(A) -> F + Send + Sync + 'static) -> Ask<A, T>
where
    F: Future<Output = T> + Send + 'static,
{
    Arc::new(move |argument| Box::pin(closure(argument)))
}

/// Where the server stands in its life; cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicU8>);

const READY: u8 = 1;
const STOPPING: u8 = 2;

impl Readiness {
    pub fn set_ready(&self) {
        self.0.store(READY, Ordering::Release);
    }

    /// From here on every API request is refused with 503.
    pub fn set_stopping(&self) {
        self.0.store(STOPPING, Ordering::Release);
    }

    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire) == READY
    }

    pub fn is_stopping(&self) -> bool {
        self.0.load(Ordering::Acquire) == STOPPING
    }
}

/// `status/buildinfo` and `/version`.
#[derive(Clone, Debug, Default)]
pub struct BuildInfo {
    pub version: String,
    pub revision: String,
    pub branch: String,
    pub build_user: String,
    pub build_date: String,
    /// In the field that Prometheus calls `goVersion`: the compiler's version.
    pub compiler: String,
}

/// `status/runtimeinfo`.
#[derive(Clone, Debug, Default)]
pub struct RuntimeInfo {
    pub started_at: TimestampMs,
    pub working_directory: String,
    pub host_name: String,
    pub reload_succeeded: bool,
    pub last_config_at: TimestampMs,
    pub corruptions: u64,
    /// In the field that Prometheus calls `goroutineCount`.
    pub threads: u64,
    pub cores: u64,
    /// The memory budget in bytes; 0 means none.
    pub memory_limit_bytes: u64,
    /// Such as `15d` or `15d or 10GB`.
    pub storage_retention: String,
}

/// The open end of the store, for `status/tsdb`.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadFacts {
    pub chunks: u64,
    pub min_time: TimestampMs,
    pub max_time: TimestampMs,
}

/// How this server is reached from outside.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// `--web.external-url` without a slash at the end: `http://host:9090/prefix`.
    pub external_url: String,
    /// The address that is listened on: `0.0.0.0:9090`.
    pub listen: String,
}

/// What is shown of outside Alertmanagers: URLs in use and dropped ones.
#[derive(Clone, Debug, Default)]
pub struct AlertmanagersView {
    pub active: Vec<String>,
    pub dropped: Vec<String>,
}

/// What the server is doing at all, for the pages: `GET /api/v1/promlet/overview`.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    pub version: String,
    pub mode: Mode,
    /// Where the demo's receivers are shown.
    pub demo_url: Option<String>,
    /// Seconds after the start, and what happens then.
    pub demo_script: Vec<(u64, String)>,
    pub started_at: TimestampMs,
    pub scrape_interval_seconds: f64,
    pub alerting_configured: bool,
    /// What to write so that somebody is told; empty when all is well.
    pub alerting_hint: String,
    pub notes: Vec<OverviewNote>,
    /// What is wrong at this moment with the server itself, a sentence each.
    pub problems: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Config,
    ZeroConfig,
    Demo,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::ZeroConfig => "zero-config",
            Self::Demo => "demo",
        }
    }
}

/// A field of a configuration file that is known but not acted on.
#[derive(Clone, Debug, Default)]
pub struct OverviewNote {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub text: String,
}

/// One dashboard file, or why it cannot be shown.
#[derive(Clone, Debug, Default)]
pub struct DashboardView {
    /// What the address names it by.
    pub name: String,
    pub title: String,
    pub tags: Vec<String>,
    pub file: String,
    pub error: Option<String>,
}

/// Labels that are put onto federated series: the configuration's `external_labels`.
pub type ExternalLabels = Lookup<Labels>;
