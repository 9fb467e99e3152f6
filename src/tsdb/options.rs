//! How the store is run.

use std::path::PathBuf;

use super::limits::{LOG_FILE_BYTES, SEGMENT_BYTES, SEGMENT_SPAN_MS, STRIPE_ROWS, SWEEP_FROM};
use crate::model::DurationMs;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsdbOptions {
    /// The data folder; our files are under `promlet/` in it.
    pub folder: PathBuf,
    pub retention_time: DurationMs,
    /// Everything in the folder counts; 0 means no limit.
    pub retention_bytes: u64,
    /// What was written is synced to disk so long after at the latest, and after a third of it where it fills a page; zero syncs every commit.
    pub sync_interval: DurationMs,
    /// How far behind the store's newest sample one that is out of order may be and still be taken; zero takes none.
    pub out_of_order_window: DurationMs,
    /// How far behind the store's newest sample any sample may be where there is no such window; none means any distance.
    pub bounds: Option<DurationMs>,
    /// Leaves the folder's `lock` alone (`--storage.tsdb.no-lockfile`).
    pub no_lockfile: bool,
    pub sizes: Sizes,
}

/// When rows move on: the defaults are right for a server, tests take smaller ones to pass every stage soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Rows a group collects before they are encoded into a stripe.
    pub stripe_rows: usize,
    /// A row-log file is closed at this size, in bytes, or when it is much longer than what its definitions took.
    pub log_file_bytes: u64,
    /// The open segment is sealed at this size, in bytes.
    pub segment_bytes: u64,
    /// The open segment is sealed when its samples span this long.
    pub segment_span: DurationMs,
    /// So many series that ended are worth making the index anew.
    pub sweep_from: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            stripe_rows: STRIPE_ROWS,
            log_file_bytes: LOG_FILE_BYTES,
            segment_bytes: SEGMENT_BYTES,
            segment_span: DurationMs(SEGMENT_SPAN_MS),
            sweep_from: SWEEP_FROM,
        }
    }
}

impl TsdbOptions {
    /// Prometheus's defaults: 15 days, no size limit.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            retention_time: DurationMs::seconds(15 * 24 * 3600),
            retention_bytes: 0,
            sync_interval: DurationMs::seconds(15),
            out_of_order_window: DurationMs::ZERO,
            bounds: None,
            no_lockfile: false,
            sizes: Sizes::default(),
        }
    }
}
