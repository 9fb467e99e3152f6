//! What changed when: the newest commit of each stretch of time, so that an old answer can be known to still hold.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::limits::{VERSION_BUCKET_MS, VERSION_BUCKETS};
use crate::model::TimeRange;

#[derive(Default)]
struct State {
    buckets: BTreeMap<i64, u64>,
    /// The newest commit in any bucket that is not kept.
    others: u64,
    /// The newest change that touched everything (retention, deletion).
    all: u64,
}

#[derive(Default)]
pub struct Versions(Mutex<State>);

impl Versions {
    /// A commit of this sequence wrote at this time.
    pub fn touch(&self, at: i64, sequence: u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = at.div_euclid(VERSION_BUCKET_MS);
        state.buckets.insert(bucket, sequence);
        if state.buckets.len() > VERSION_BUCKETS
            && let Some((_, gone)) = state.buckets.pop_first()
        {
            state.others = state.others.max(gone);
        }
    }

    /// Something went that could be anywhere.
    pub fn touch_all(&self, sequence: u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.all = state.all.max(sequence) + 1;
    }

    pub fn of(&self, range: TimeRange) -> u64 {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, last) = (range.min.0.div_euclid(VERSION_BUCKET_MS), range.max.0.div_euclid(VERSION_BUCKET_MS));
        let newest = if first > last { 0 } else { state.buckets.range(first..=last).map(|(_, s)| *s).max().unwrap_or(0) };
        let oldest_kept = state.buckets.keys().next().copied().unwrap_or(i64::MIN);
        let others = if first < oldest_kept { state.others } else { 0 };
        // Both grow only, so their sum tells any two states apart.
        newest.max(others).wrapping_add(state.all)
    }
}
