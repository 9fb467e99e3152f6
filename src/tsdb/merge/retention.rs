//! What is too old or too much goes, whole segments at a time.

use std::sync::{Arc, PoisonError};

use crate::model::TimestampMs;
use crate::tsdb::limits::RETENTION_GRACE_MS;
use crate::tsdb::segment::Segment;
use crate::tsdb::store::{SegmentSet, Store, lock};

/// Other files are counted this often.
const COUNT_EVERY_MS: i64 = 60_000;

/// Whether the clock can be trusted: a jump forwards erases nothing for a while.
#[derive(Default)]
pub struct Watch {
    last_now: Option<i64>,
    last_monotonic: i64,
    /// Monotonic milliseconds until which nothing is erased because of its age.
    trusted_from: i64,
    /// When other files were last counted, in monotonic milliseconds, and their bytes.
    foreign: Option<(i64, u64)>,
}

impl Watch {
    /// What lies in the data folder beside segments and log: other servers' files, `state.db`. Counted once a minute, only where there is a cap.
    fn foreign_bytes(&mut self, store: &Store, own: u64) -> u64 {
        if store.options.retention_bytes == 0 {
            return 0;
        }
        let now = store.monotonic_ms();
        match self.foreign {
            Some((at, bytes)) if now - at < COUNT_EVERY_MS => bytes,
            _ => {
                let bytes = store.disk.size_below(&store.options.folder).map_or(0, |all| all.saturating_sub(own));
                self.foreign = Some((now, bytes));
                bytes
            }
        }
    }

    /// Lets go of older data beside the store until the folder is small enough; what is older than the store's oldest segment goes first.
    fn free_elders(&mut self, store: &Store, sealed: &[Arc<Segment>], bytes: u64) -> u64 {
        let excess = bytes.saturating_sub(store.options.retention_bytes);
        let Some(elders) = store.elders.get().filter(|_| store.options.retention_bytes > 0 && excess > 0) else { return 0 };
        let until = sealed.first().map_or(i64::MAX, |oldest| oldest.footer.max_time);
        let freed = elders(excess, TimestampMs(until));
        if let Some((_, foreign)) = &mut self.foreign {
            *foreign = foreign.saturating_sub(freed);
        }
        freed
    }

    /// Notes the time, and says whether it may be used to erase.
    fn trusts(&mut self, now: i64, monotonic: i64) -> bool {
        let passed = monotonic - self.last_monotonic;
        let jumped = self.last_now.is_some_and(|last| now - last > passed + RETENTION_GRACE_MS);
        if jumped {
            self.trusted_from = monotonic + RETENTION_GRACE_MS;
            tracing::warn!("the clock went forward by more than an hour: nothing is erased because of its age for an hour");
        }
        (self.last_now, self.last_monotonic) = (Some(now), monotonic);
        monotonic >= self.trusted_from
    }
}

/// Segments to drop: those that end before the oldest time kept, then the oldest until the folder is small enough.
fn doomed(sealed: &[Arc<Segment>], oldest: Option<i64>, bytes: u64, bytes_max: u64) -> (Vec<u64>, Vec<u64>) {
    let by_age: Vec<u64> = sealed.iter().filter(|s| oldest.is_some_and(|t| s.footer.max_time < t)).map(|s| s.footer.id).collect();
    let mut left = bytes.saturating_sub(sealed.iter().filter(|s| by_age.contains(&s.footer.id)).map(|s| s.bytes).sum());
    let mut by_size = Vec::new();
    let newest = sealed.last().map(|s| s.footer.id);
    for segment in sealed.iter().filter(|s| !by_age.contains(&s.footer.id)) {
        // Other servers' files are not ours to remove: they must not cost us everything.
        if bytes_max == 0 || left <= bytes_max || Some(segment.footer.id) == newest {
            break;
        }
        left = left.saturating_sub(segment.bytes);
        by_size.push(segment.footer.id);
    }
    (by_age, by_size)
}

pub fn apply(store: &Arc<Store>, now: TimestampMs, watch: &mut Watch) {
    let trusted = watch.trusts(now.0, store.monotonic_ms());
    let oldest = trusted.then(|| now.0.saturating_sub(store.options.retention_time.0));
    let segments = store.segments();
    let open = crate::tsdb::flush::newest(&segments.open).extent().bytes;
    let own = segments.sealed.iter().map(|s| s.bytes).sum::<u64>() + store.log.size_bytes() + open;
    let bytes = own + watch.foreign_bytes(store, own);
    let bytes = bytes.saturating_sub(watch.free_elders(store, &segments.sealed, bytes));
    let (by_age, by_size) = doomed(&segments.sealed, oldest, bytes, store.options.retention_bytes);
    if by_age.is_empty() && by_size.is_empty() {
        return;
    }
    store.metrics.retention_deletions.add(by_age.len() as u64);
    store.metrics.size_retentions.add(by_size.len() as u64);
    let gone: Vec<u64> = by_age.into_iter().chain(by_size).collect();
    let edited = lock(&store.manifest).edit(&[], &gone);
    {
        let mut set = store.segments.write().unwrap_or_else(PoisonError::into_inner);
        let sealed = set.sealed.iter().filter(|s| !gone.contains(&s.footer.id)).cloned().collect();
        *set = Arc::new(SegmentSet { sealed, open: set.open.clone() });
    }
    store.versions.touch_all(store.sequence());
    // On a full disk the edit fails, and removing is what helps: the manifest is told again when it names a missing file.
    if let Err(error) = edited.or(Ok(())).and_then(|()| super::remove(store, &gone)) {
        store.stop_writing("removing old segments", &error, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_the_clock_erases_nothing_for_an_hour() {
        let mut watch = Watch::default();
        assert!(watch.trusts(1_000_000, 0));
        assert!(watch.trusts(1_060_000, 60_000));
        assert!(!watch.trusts(90_000_000, 61_000), "a day forward within a second");
        assert!(!watch.trusts(90_060_000, 121_000));
        assert!(watch.trusts(93_700_000, 61_000 + RETENTION_GRACE_MS));
    }
}
