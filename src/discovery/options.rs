//! How targets are found.

use std::path::PathBuf;

use crate::model::{DurationMs, Labels};

/// Targets that share labels, as `static_configs` and target files state them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetGroup {
    /// `host:port` each; becomes `__address__`.
    pub targets: Vec<String>,
    pub labels: Labels,
    /// Where it came from (`static/0`, a file's path and index).
    pub source: String,
}

/// One mechanism of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiscoveryOptions {
    Static(Vec<TargetGroup>),
    File {
        /// Absolute patterns; `*` only in the last path element.
        patterns: Vec<PathBuf>,
        /// Files are read again at least this often, changed or not.
        refresh_interval: DurationMs,
    },
    /// Loopback ports that are asked every `refresh_interval` whether they answer with metrics (zero-config mode).
    Loopback {
        ports: Vec<u16>,
        refresh_interval: DurationMs,
    },
}
