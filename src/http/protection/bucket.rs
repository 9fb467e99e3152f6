//! The limit of requests: a bucket that every request takes one out of.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::http::options::RateLimit;

pub(super) struct Bucket {
    limit: RateLimit,
    clock: Clock,
    /// What is in it, and when that was.
    level: Mutex<(f64, Duration)>,
}

impl Bucket {
    /// Full.
    pub(super) fn new(limit: RateLimit, clock: Clock) -> Self {
        let level = Mutex::new((limit.burst as f64, clock.monotonic()));
        Self { limit, clock, level }
    }

    /// Whether there was one left.
    pub(super) fn takes(&self) -> bool {
        let now = self.clock.monotonic();
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = now.saturating_sub(level.1).as_secs_f64() * 1000.0 / (self.limit.interval.0.max(1) as f64);
        let there = (level.0 + fresh).min(self.limit.burst as f64);
        let is_enough = there >= 1.0;
        *level = (if is_enough { there - 1.0 } else { there }, now);
        is_enough
    }
}
