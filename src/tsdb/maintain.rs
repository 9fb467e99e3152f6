//! Maintenance in small steps: sync, flush, seal, cut the log, merge, retain. One thread does it; a failure stops writing, never serving.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::flush::newest;
use super::limits::LOG_FILES_WAITING;
use super::log::record::{Standing, put_family, put_standings};
use super::manifest::Unsealed;
use super::pace::Pace;
use super::segment::{OpenSegment, Segment};
use super::store::{SegmentSet, Store, lock, read};
use super::{merge, source, sweep};
use crate::model::TimestampMs;
use crate::storage::AppendError;

/// What maintenance remembers between rounds.
#[derive(Default)]
pub struct Schedule {
    sync: Pace,
    /// Bytes of the log at the last round.
    written: u64,
    pub retention: super::merge::retention::Watch,
    /// Series when it was last looked whether a sweep is due, and rounds since then.
    swept: (usize, u32),
}

/// Between two rounds while much is written or memory is short, and while neither is so.
const BEAT: Duration = Duration::from_millis(500);
const CALM_BEAT: Duration = Duration::from_secs(5);
/// Much: so many bytes of the log between two rounds.
const CALM_BYTES: u64 = 16 * 1024;

/// Where no series came, it is looked so seldom whether most of them have ended, in rounds: every group is asked.
const SWEEP_ROUNDS: u32 = 20;

impl Schedule {
    fn looks_for_sweep(&mut self, series: usize) -> bool {
        let (before, rounds) = self.swept;
        let looks = series != before || rounds >= SWEEP_ROUNDS;
        self.swept = (series, if looks { 0 } else { rounds + 1 });
        looks
    }
}

/// One round; returns when the next one should come.
pub fn round(store: &Arc<Store>, now: TimestampMs) -> Duration {
    let mut schedule = lock(&store.maintaining);
    resume(store);
    if read(&store.read_only).is_some() {
        // What is there is still served; nothing is written, but old data may go to make room.
        merge::retention::apply(store, now, &mut schedule.retention);
        publish(store);
        return BEAT;
    }
    let monotonic = store.monotonic_ms();
    store.indexes.age(monotonic);
    let interval = store.options.sync_interval.0;
    if schedule.sync.is_due(monotonic, interval, has_late(store), store.log.unsynced()) {
        sync_log(store);
    }
    let series = read(&store.head).index.len();
    let sealed = if schedule.looks_for_sweep(series) && sweep::is_due(store) {
        flush_groups(store, |_| true).map_err(io::Error::other).and_then(|()| seal(store))
    } else {
        seal_if_due(store)
    };
    super::budget::round(store);
    let merges = store.metrics.merges.get();
    let done = sealed.and_then(|()| cut_log(store)).and_then(|()| merge::step(store));
    let merged = store.metrics.merges.get() > merges;
    if let Err(error) = done {
        store.stop_writing("maintaining segments", &error, true);
    }
    merge::retention::apply(store, now, &mut schedule.retention);
    sweep::sweep(store);
    publish(store);
    let written = store.log.written();
    let is_busy = merged || written - schedule.written >= CALM_BYTES || store.budget.get().is_some_and(super::budget::Budget::is_short);
    schedule.written = written;
    schedule.sync.rest(monotonic, interval).min(if is_busy { BEAT } else { CALM_BEAT })
}

fn has_late(store: &Store) -> bool {
    store.late_unsynced.load(Ordering::Acquire)
}

/// Tries to write again after a failure that waiting can mend.
fn resume(store: &Arc<Store>) {
    let due = matches!(&*read(&store.read_only), Some(why) if why.retry_at.is_some_and(|at| at <= store.monotonic_ms()));
    if !due {
        return;
    }
    let tried = store.log.rotate(store.newest_time.load(Ordering::Acquire)).and_then(|()| write_opening(store));
    match tried {
        Ok(()) => {
            *store.read_only.write().unwrap_or_else(PoisonError::into_inner) = None;
            store.metrics.read_only.set(0.0);
            tracing::info!("{}: samples are taken again", store.folder.display());
        }
        Err(error) => {
            if let Some(why) = &mut *store.read_only.write().unwrap_or_else(PoisonError::into_inner) {
                why.retry_at = Some(store.monotonic_ms() + super::limits::RETRY_MS);
            }
            tracing::debug!("{}: {error}", store.folder.display());
        }
    }
}

fn sync_log(store: &Arc<Store>) {
    let started = store.clock.monotonic();
    let late = if store.late_unsynced.swap(false, Ordering::AcqRel) { store.sync_open() } else { Ok(()) };
    match late.and_then(|()| store.log.sync()) {
        Ok(true) => store.metrics.log_sync.record(store.clock.monotonic().saturating_sub(started)),
        Ok(false) => {}
        Err(error) => {
            store.stop_writing("syncing the row log", &error, false);
        }
    }
}

/// At the beginning of a log file: what is known of families, and where groups stand that it may not mention again.
pub fn write_opening(store: &Store) -> io::Result<()> {
    let frames = opening(store);
    if frames.is_empty() {
        return Ok(());
    }
    store.log.lock().append(&frames, true).map(drop)
}

/// The frames of it.
pub fn opening(store: &Store) -> Vec<u8> {
    let mut frames = Vec::new();
    for (family, metadata) in &*read(&store.metadata) {
        put_family(&mut frames, family, metadata);
    }
    let mut standings = lock(&store.standings).clone();
    for source in store.source_list() {
        for group in &lock(&source.state).groups {
            standings.insert(group.id, Standing { group: group.id, next_row: group.next_row, last_time: group.last_time });
        }
    }
    let mut standings: Vec<Standing> = standings.into_values().collect();
    // Groups that ended long ago are forgotten.
    let newest = store.newest_time.load(Ordering::Acquire);
    standings.retain(|s| s.last_time > newest.saturating_sub(store.options.retention_time.0));
    standings.sort_by_key(|s| s.group);
    if !standings.is_empty() {
        put_standings(&mut frames, &standings);
    }
    frames
}

fn seal_if_due(store: &Arc<Store>) -> io::Result<()> {
    let extent = newest(&store.segments().open).extent();
    let span = match (extent.min_time, extent.max_time) {
        (Some(min), Some(max)) => max.saturating_sub(min),
        _ => 0,
    };
    let sizes = &store.options.sizes;
    if extent.bytes >= sizes.segment_bytes || span >= sizes.segment_span.0 { seal(store) } else { Ok(()) }
}

/// Seals the open segment: stripes, index and footer, folder, manifest, each durable before the next.
pub fn seal(store: &Arc<Store>) -> io::Result<()> {
    let open = newest(&store.segments().open);
    let head = |series: u32| read(&store.head).index.labels(series);
    let Some((file, footer)) = open.seal(store.seed, head)? else {
        // Nothing in it: a fresh one takes its place all the same, since it takes no more stripes.
        replace_open(store, &open, None);
        return Ok(());
    };
    let added = lock(&store.manifest).edit(&[footer.id], &[]);
    let bytes = file.file.size()?;
    // The stripes were counted when they were appended.
    store.metrics.segment_bytes.add(footer.index_bytes);
    let segment = Arc::new(Segment { footer, file, bytes, held: None });
    replace_open(store, &open, Some(segment));
    store.metrics.seals.inc();
    store.sweep_due.store(true, Ordering::Release);
    added
}

fn replace_open(store: &Arc<Store>, sealed: &Arc<OpenSegment>, segment: Option<Arc<Segment>>) {
    let id = store.next_segment.fetch_add(1, Ordering::AcqRel);
    let fresh = Arc::new(OpenSegment::new(store.disk.clone(), store.folder.clone(), id));
    let mut segments = store.segments.write().unwrap_or_else(PoisonError::into_inner);
    let mut list = segments.sealed.clone();
    list.extend(segment);
    list.sort_by_key(|s| (s.footer.min_time, s.footer.id));
    *segments = Arc::new(SegmentSet { sealed: list, open: fresh.clone() });
    store.log.set_first_segment(id);
    // Older snapshots find the next segment from the sealed one; only after the set was replaced may anything be written there.
    let _ = sealed.next.set(fresh);
}

/// Removes log files all of whose rows are in synced stripes; flushes groups early that hold back an old file.
fn cut_log(store: &Arc<Store>) -> io::Result<()> {
    let closed = store.log.closed();
    let Some(oldest) = closed.first().map(|file| file.number) else { return Ok(()) };
    if closed.len() > LOG_FILES_WAITING {
        let waits_for = closed[closed.len() - LOG_FILES_WAITING].number.max(oldest + 1);
        flush_groups(store, |group| group.tail_log_file < waits_for).map_err(io::Error::other)?;
    }
    let mut needed = store.log.number();
    for source in store.source_list() {
        for group in lock(&source.state).groups.iter().filter(|g| !g.times.is_empty()) {
            needed = needed.min(group.tail_log_file);
        }
    }
    if needed <= oldest {
        return Ok(());
    }
    // All stripes that hold those rows were written before `needed` was found.
    store.sync_open()?;
    store.log.remove_before(needed, unsealed(store))?;
    Ok(())
}

/// What is durable of segments that are not sealed.
fn unsealed(store: &Store) -> Vec<(u64, Unsealed)> {
    let (mut found, mut next) = (Vec::new(), Some(store.segments().open.clone()));
    while let Some(segment) = next {
        let extent = segment.extent();
        if let (Some(min_time), Some(max_time), bytes @ 1..) = (extent.min_time, extent.max_time, segment.synced_bytes()) {
            found.push((segment.id, Unsealed { bytes, min_time, max_time }));
        }
        next = segment.next.get().cloned();
    }
    found
}

pub fn flush_groups(store: &Arc<Store>, is_due: impl Fn(&super::group::Group) -> bool) -> Result<(), AppendError> {
    let mut scratch = store.take_scratch();
    let mut done = Ok(());
    for source in store.source_list() {
        done = done.and_then(|()| flush_source(store, &source, &is_due, &mut scratch));
    }
    store.give_scratch(scratch);
    done
}

fn flush_source(
    store: &Arc<Store>,
    source: &source::Source,
    is_due: &impl Fn(&super::group::Group) -> bool,
    scratch: &mut source::Scratch,
) -> Result<(), AppendError> {
    let mut state = lock(&source.state);
    for group in state.groups.iter_mut().filter(|g| !g.times.is_empty() && is_due(g)) {
        store.flush(group, &source.key, scratch)?;
    }
    state.drop_lookup();
    Ok(())
}

/// Everything into a sealed segment, and a log that holds only what is not samples.
pub fn close(store: &Arc<Store>) -> Result<(), AppendError> {
    let _schedule = lock(&store.maintaining);
    store.check_writable()?;
    settle(store).map_err(|error| store.stop_writing("closing the store", &error, false))?;
    {
        let mut read_only = store.read_only.write().unwrap_or_else(PoisonError::into_inner);
        *read_only = Some(super::store::ReadOnly { text: "the store is closed".to_owned(), retry_at: None });
    }
    // A row that came meanwhile is in a tail.
    if store.source_list().iter().all(|source| lock(&source.state).groups.iter().all(|group| group.times.is_empty())) {
        store.log.end_without_rows().map_err(|error| store.stop_writing("closing the store", &error, false))?;
    }
    Ok(())
}

fn settle(store: &Arc<Store>) -> io::Result<()> {
    flush_groups(store, |_| true).map_err(io::Error::other)?;
    seal(store)?;
    store.log.rotate(store.newest_time.load(Ordering::Acquire))?;
    write_opening(store)?;
    store.log.sync()?;
    let mut needed = store.log.number();
    for source in store.source_list() {
        for group in lock(&source.state).groups.iter().filter(|g| !g.times.is_empty()) {
            needed = needed.min(group.tail_log_file);
        }
    }
    store.log.remove_before(needed, unsealed(store))?;
    store.disk.sync_folder(&store.folder)
}

/// Everything that was committed up to now into sealed segments that no row of the log is compared with any more.
pub fn into_segments(store: &Arc<Store>) -> io::Result<()> {
    settle(store)?;
    // Rows that came while the segment was sealed hold back the log's old file.
    let number = store.log.number();
    flush_groups(store, |group| group.tail_log_file < number).map_err(io::Error::other)?;
    cut_log(store)
}

pub fn compact(store: &Arc<Store>) -> Result<(), AppendError> {
    let _schedule = lock(&store.maintaining);
    store.check_writable()?;
    let failed = |error| store.stop_writing("merging segments", &error, true);
    settle(store).map_err(failed)?;
    merge::all(store).map_err(failed)?;
    sweep::sweep(store);
    publish(store);
    Ok(())
}

/// Figures that are looked at rather than counted.
pub fn publish(store: &Store) {
    let segments = store.segments();
    store.metrics.segments.set(segments.sealed.len() as f64);
    store.metrics.folder_bytes.set(segments.sealed.iter().map(|s| s.bytes).sum::<u64>() as f64);
    store.metrics.log_size.set(store.log.size_bytes() as f64);
    store.metrics.head_series.set(read(&store.head).index.len() as f64);
}
