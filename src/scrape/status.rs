//! How a target did last time, for the Targets page.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::TimestampMs;

use super::families::Families;
use super::view::TargetHealth;

#[derive(Clone, Debug, Default)]
pub(super) struct Status {
    pub health: TargetHealth,
    pub last_error: String,
    pub last_scrape: Option<TimestampMs>,
    pub last_duration: Duration,
    pub last_samples: u64,
    pub families: Families,
}

/// Written by the ingest thread, read by whoever shows it.
#[derive(Clone, Debug, Default)]
pub(super) struct StatusCell(Arc<Mutex<Status>>);

impl StatusCell {
    /// A panic elsewhere leaves the status usable.
    pub(super) fn lock(&self) -> MutexGuard<'_, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
