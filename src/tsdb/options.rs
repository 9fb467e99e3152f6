//! How the store is run.

use std::path::PathBuf;

use crate::model::DurationMs;

#[derive(Clone, Debug)]
pub struct TsdbOptions {
    /// The data folder; our files are under `promlet/` in it.
    pub folder: PathBuf,
    pub retention_time: DurationMs,
    /// Everything in the folder counts; 0 means no limit.
    pub retention_bytes: u64,
    /// How often the row log is synced to disk; zero syncs every commit.
    pub sync_interval: DurationMs,
    /// How far behind its series' newest sample a sample may be and still be taken; zero takes none.
    pub out_of_order_window: DurationMs,
    /// Leaves the folder's `lock` alone (`--storage.tsdb.no-lockfile`).
    pub no_lockfile: bool,
}

impl TsdbOptions {
    /// Prometheus's defaults: 15 days, no size limit.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            retention_time: DurationMs::seconds(15 * 24 * 3600),
            retention_bytes: 0,
            sync_interval: DurationMs::seconds(5),
            out_of_order_window: DurationMs::ZERO,
            no_lockfile: false,
        }
    }
}
