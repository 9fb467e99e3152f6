//! What keeps a query within its limits: samples held, time, and somebody's wish to stop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::promql::error::QueryError;

/// Ends a running query from another thread; cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_canceled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The limits of one query and what it has used of them.
pub struct Guard {
    clock: Clock,
    deadline: Duration,
    cancel: Cancel,
    samples_max: u64,
    held: AtomicU64,
    peak: AtomicU64,
    read: AtomicU64,
}

impl Guard {
    pub fn new(clock: Clock, timeout: Duration, cancel: Cancel, samples_max: u64) -> Self {
        let deadline = clock.monotonic().saturating_add(timeout);
        Self { clock, deadline, cancel, samples_max, held: AtomicU64::new(0), peak: AtomicU64::new(0), read: AtomicU64::new(0) }
    }

    /// Ends the query when it was cancelled or its time is up.
    pub fn check(&self) -> Result<(), QueryError> {
        if self.cancel.is_canceled() {
            return Err(QueryError::Canceled);
        }
        if self.clock.monotonic() > self.deadline {
            return Err(QueryError::Timeout);
        }
        Ok(())
    }

    /// Counts samples that stay in memory from now on.
    pub fn hold(&self, samples: usize) -> Result<(), QueryError> {
        let held = self.held.fetch_add(samples as u64, Ordering::Relaxed) + samples as u64;
        self.peak.fetch_max(held, Ordering::Relaxed);
        if held > self.samples_max { Err(QueryError::TooManySamples) } else { Ok(()) }
    }

    pub fn release(&self, samples: usize) {
        self.held.fetch_sub(samples as u64, Ordering::Relaxed);
    }

    /// Counts samples that were looked at.
    pub fn count(&self, samples: u64) {
        self.read.fetch_add(samples, Ordering::Relaxed);
    }

    /// Samples looked at, most samples held.
    pub fn used(&self) -> (u64, u64) {
        (self.read.load(Ordering::Relaxed), self.peak.load(Ordering::Relaxed))
    }
}
