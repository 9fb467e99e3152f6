//! The only source of "now": the system's clocks, or a manual one for tests and simulations.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::{DurationMs, TimestampMs};

/// Wall time for samples and messages, monotonic time for timers and durations.
#[derive(Clone, Debug)]
pub enum Clock {
    System { started: Instant },
    Manual(Arc<AtomicI64>),
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that may ask the system")]
impl Clock {
    pub fn system() -> Self {
        Self::System { started: Instant::now() }
    }

    /// Stands still until it is moved.
    pub fn manual(at: TimestampMs) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.0)))
    }

    /// Wall time.
    pub fn now(&self) -> TimestampMs {
        match self {
            Self::System { .. } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                TimestampMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Manual(at) => TimestampMs(at.load(Ordering::SeqCst)),
        }
    }

    /// Time since an arbitrary moment; never goes back when the system's wall clock is set.
    pub fn monotonic(&self) -> Duration {
        match self {
            Self::System { started } => started.elapsed(),
            Self::Manual(at) => Duration::from_millis(at.load(Ordering::SeqCst).max(0) as u64),
        }
    }

    /// Moves a manual clock; the system's clock is left alone.
    pub fn advance(&self, by: DurationMs) {
        if let Self::Manual(at) = self {
            at.fetch_add(by.0, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock; the system's clock is left alone.
    pub fn set(&self, to: TimestampMs) {
        if let Self::Manual(at) = self {
            at.store(to.0, Ordering::SeqCst);
        }
    }
}
