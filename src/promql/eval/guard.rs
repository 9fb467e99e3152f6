//! What keeps a query within its limits: samples held, memory, time, and somebody's wish to stop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::model::regex::Fuse;
use crate::promql::error::QueryError;
use crate::promql::limits::{SAMPLE_BYTES, WORK_PER_CHECK};
use crate::promql::memory::Reserved;

const CANCELED: u8 = 1;
const KILLED: u8 = 2;

/// Ends a running query from another thread; cloning shares it. The first reason stays.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicU8>);

impl Cancel {
    /// Nobody waits for the answer any more.
    pub fn cancel(&self) {
        self.end(CANCELED);
    }

    /// Somebody asked for its end.
    pub fn kill(&self) {
        self.end(KILLED);
    }

    fn end(&self, why: u8) {
        let _ = self.0.compare_exchange(0, why, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub fn is_canceled(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    fn check(&self) -> Result<(), QueryError> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            KILLED => Err(QueryError::Killed),
            _ => Err(QueryError::Canceled),
        }
    }
}

/// What a query has used so far; cloning shares it, so that others can look while it runs.
#[derive(Clone, Debug, Default)]
pub struct Usage(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    read: AtomicU64,
    held: AtomicU64,
    peak: AtomicU64,
}

impl Usage {
    /// Samples looked at, most samples held.
    pub fn used(&self) -> (u64, u64) {
        (self.0.read.load(Ordering::Relaxed), self.0.peak.load(Ordering::Relaxed))
    }

    /// Samples held now.
    pub fn held(&self) -> u64 {
        self.0.held.load(Ordering::Relaxed)
    }
}

/// The limits of one query.
pub struct Limits {
    /// On the clock's monotonic scale.
    pub deadline: Duration,
    pub cancel: Cancel,
    pub samples_max: u64,
    /// The limit of the budget that `reserved` draws from, in bytes: for the error's text.
    pub memory_max: u64,
}

/// The limits of one query and what it has used of them.
pub struct Guard {
    clock: Clock,
    limits: Limits,
    usage: Usage,
    worked: AtomicU64,
    /// Samples that were looked at and do not count.
    discounted: AtomicU64,
    reserved: Reserved,
}

impl Guard {
    pub fn new(clock: Clock, limits: Limits, usage: Usage, reserved: Reserved) -> Self {
        Self { clock, limits, usage, worked: AtomicU64::new(0), discounted: AtomicU64::new(0), reserved }
    }

    /// Ends the query when it was cancelled or its time is up.
    pub fn check(&self) -> Result<(), QueryError> {
        self.limits.cancel.check()?;
        if self.clock.monotonic() > self.limits.deadline {
            return Err(QueryError::Timeout);
        }
        Ok(())
    }

    /// Blows when the query is to end.
    pub fn fuse(&self) -> Fuse {
        let (clock, cancel, deadline) = (self.clock.clone(), self.limits.cancel.clone(), self.limits.deadline);
        Fuse::new(move || cancel.is_canceled() || clock.monotonic() > deadline)
    }

    /// Counts steps of work (a sample looked at, a value computed), and looks at the clock every so many.
    pub fn work(&self, steps: usize) -> Result<(), QueryError> {
        let before = self.worked.fetch_add(steps as u64, Ordering::Relaxed);
        if before / WORK_PER_CHECK == before.saturating_add(steps as u64) / WORK_PER_CHECK { Ok(()) } else { self.check() }
    }

    /// Counts steps of work where no error can be returned: true when the work should be left, for [`Self::check`] to say why.
    pub fn is_spent(&self, steps: usize) -> bool {
        self.work(steps).is_err()
    }

    /// Counts samples that stay in memory from now on.
    pub fn hold(&self, samples: usize) -> Result<(), QueryError> {
        let counts = &self.usage.0;
        let held = counts.held.fetch_add(samples as u64, Ordering::Relaxed) + samples as u64;
        counts.peak.fetch_max(held, Ordering::Relaxed);
        if held > self.limits.samples_max {
            return Err(QueryError::TooManySamples);
        }
        self.hold_bytes(samples as u64 * SAMPLE_BYTES)
    }

    /// Takes memory beside that of samples, until the query ends.
    pub fn hold_bytes(&self, bytes: u64) -> Result<(), QueryError> {
        if self.reserved.grow(bytes) {
            return Ok(());
        }
        Err(QueryError::of_memory(self.reserved.bytes().saturating_add(bytes), self.limits.memory_max))
    }

    pub fn release(&self, samples: usize) {
        self.usage.0.held.fetch_sub(samples as u64, Ordering::Relaxed);
        self.reserved.shrink(samples as u64 * SAMPLE_BYTES);
    }

    /// Counts samples that were looked at.
    pub fn count(&self, samples: u64) {
        self.usage.0.read.fetch_add(samples, Ordering::Relaxed);
    }

    /// Samples that were looked at and do not count in statistics.
    pub fn discount(&self, samples: u64) {
        self.discounted.fetch_add(samples, Ordering::Relaxed);
    }

    /// Samples that count in statistics.
    pub fn counted(&self) -> u64 {
        self.usage.used().0 - self.discounted.load(Ordering::Relaxed)
    }

    /// Samples looked at, most samples held.
    pub fn used(&self) -> (u64, u64) {
        self.usage.used()
    }

    /// The memory that the query holds, for its answer to take along.
    pub fn into_reserved(self) -> Reserved {
        self.reserved
    }
}
