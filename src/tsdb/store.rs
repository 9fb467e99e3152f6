//! What all parts of the store share: the series index, the groups, the log, the segments, and whether samples are taken at present.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use super::TsdbOptions;
use super::budget::Budget;
use super::disk::Disk;
use super::exemplars::Exemplars;
use super::index::{SeriesIndex, id_of};
use super::limits::{METADATA_MAX, SERIES_MAX};
use super::log::RowLog;
use super::log::record::{Standing, put_family};
use super::manifest::Manifest;
use super::metrics::Metrics;
use super::segment::sealed::IndexCache;
use super::segment::{OpenSegment, Segment};
use super::source::{Scratch, Source};
use super::tombstones::TombstoneFile;
use super::versions::Versions;
use crate::clock::Clock;
use crate::model::{Labels, Metadata, TimestampMs};
use crate::storage::{AppendError, GroupKey};

/// The index of live series, and which source owns each.
#[derive(Default)]
pub struct Head {
    pub index: SeriesIndex,
    pub homes: Vec<u32>,
    /// Further sources of series that have several.
    pub away: HashMap<u32, Vec<u32>>,
}

#[derive(Default)]
pub struct Sources {
    by_key: HashMap<GroupKey, u32>,
    list: Vec<Option<Arc<Source>>>,
}

impl Sources {
    pub fn get(&self, number: u32) -> Option<Arc<Source>> {
        self.list.get(number as usize).cloned().flatten()
    }

    pub fn find(&self, key: &GroupKey) -> Option<Arc<Source>> {
        self.get(*self.by_key.get(key)?)
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Opens a source under the lowest free number.
    fn open(&mut self, key: &GroupKey, base: u32) -> Arc<Source> {
        let at = self.list.iter().position(Option::is_none).unwrap_or(self.list.len());
        let source = Arc::new(Source::new(key.clone(), at as u32, base));
        self.by_key.insert(key.clone(), at as u32);
        if at == self.list.len() {
            self.list.push(None);
        }
        self.list[at] = Some(source.clone());
        source
    }

    pub fn remove(&mut self, number: u32) {
        if let Some(gone) = self.list.get_mut(number as usize).and_then(Option::take) {
            self.by_key.remove(&gone.key);
        }
    }
}

/// The segments at one moment; replaced as a whole.
pub struct SegmentSet {
    /// Ascending by time.
    pub sealed: Vec<Arc<Segment>>,
    pub open: Arc<OpenSegment>,
}

/// A series that two sources claim: its newest sample, and which source's it was.
#[derive(Clone, Copy, Debug)]
pub struct Contested {
    pub last_time: i64,
    pub last_bits: Option<u64>,
    pub last_source: u32,
    /// The other claimant has ended: after the next sample there is no contest any more.
    pub is_handover: bool,
}

/// Frees so many bytes of older data beside the store, none of it with samples at or after the time; returns how many were freed.
pub type Elders = Box<dyn Fn(u64, TimestampMs) -> u64 + Send + Sync>;

/// Why no samples are taken.
#[derive(Clone, Debug)]
pub struct ReadOnly {
    pub text: String,
    /// Monotonic milliseconds at which writing is tried again; none means never in this process.
    pub retry_at: Option<i64>,
}

pub struct Store {
    pub options: TsdbOptions,
    /// `promlet/` in the data folder.
    pub folder: PathBuf,
    pub disk: Arc<dyn Disk>,
    pub clock: Clock,
    pub metrics: Metrics,
    pub seed: u64,
    pub head: RwLock<Head>,
    pub sources: RwLock<Sources>,
    pub log: RowLog,
    pub segments: RwLock<Arc<SegmentSet>>,
    pub indexes: IndexCache,
    pub manifest: Arc<Mutex<Manifest>>,
    /// What was missing at the start, one sentence each.
    pub losses: Vec<String>,
    pub tombstones: TombstoneFile,
    pub budget: OnceLock<Budget>,
    pub elders: OnceLock<Elders>,
    /// Segments that a merge could not read: they are served as far as they can be, and left as they are.
    pub unmergeable: Mutex<BTreeSet<u64>>,
    pub contested: Mutex<HashMap<u32, Contested>>,
    pub metadata: RwLock<BTreeMap<String, Metadata>>,
    pub exemplars: Mutex<Exemplars>,
    /// Where groups of earlier runs stood.
    pub standings: Mutex<HashMap<u64, Standing>>,
    /// The newest commit.
    pub sequence: AtomicU64,
    /// Sequences that open snapshots hold, and how many hold each.
    pub pins: Mutex<BTreeMap<u64, usize>>,
    pub versions: Versions,
    pub read_only: RwLock<Option<ReadOnly>>,
    pub scratch: Mutex<Vec<Scratch>>,
    pub next_segment: AtomicU64,
    pub newest_time: AtomicI64,
    /// Milliseconds; see [`TsdbOptions::out_of_order_window`].
    pub out_of_order_window: AtomicI64,
    /// Late rows were written to the open segment since it was last synced.
    pub late_unsynced: AtomicBool,
    /// A seal was made since the last sweep.
    pub sweep_due: AtomicBool,
    /// Held to read while numbers of series are used in several steps, to write while they change.
    pub renumbering: RwLock<()>,
    /// One thread does maintenance at a time.
    pub maintaining: Mutex<super::maintain::Schedule>,
}

/// New series after which the memory is looked at, without waiting for the next round of maintenance.
const SERIES_PER_LOOK: usize = 4096;

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// The source of this key, opened on first use, with one writer more.
    pub fn source(&self, key: &GroupKey) -> Result<Arc<Source>, AppendError> {
        let counted = |source: Arc<Source>| {
            source.writers.fetch_add(1, Ordering::AcqRel);
            source
        };
        // Counted under the lock, so that no sweep takes it away in between.
        if let Some(known) = read(&self.sources).find(key).map(counted) {
            return Ok(known);
        }
        let _numbers = read(&self.renumbering);
        let base = {
            let mut head = self.head.write().unwrap_or_else(PoisonError::into_inner);
            head.index.base(&key.labels).ok_or_else(symbols_full)?
        };
        let mut sources = self.sources.write().unwrap_or_else(PoisonError::into_inner);
        let source = match sources.find(key) {
            Some(known) => known,
            None => sources.open(key, base),
        };
        self.metrics.head_groups.set(sources.len() as f64);
        Ok(counted(source))
    }

    pub fn source_list(&self) -> Vec<Arc<Source>> {
        read(&self.sources).list.iter().flatten().cloned().collect()
    }

    /// The number of a label set, and the source that had it before if that is another one.
    pub fn series(&self, labels: &Labels, source: u32, base: u32) -> Result<(u32, Option<u32>), AppendError> {
        let id = id_of(labels, self.seed);
        let known = {
            let head = read(&self.head);
            head.index.find(id, labels).map(|series| (series, head.homes[series as usize]))
        };
        if let Some((series, home)) = known {
            return Ok((series, (home != source).then_some(home)));
        }
        let mut head = self.head.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = head.index.find(id, labels) {
            let home = head.homes[series as usize];
            return Ok((series, (home != source).then_some(home)));
        }
        if head.index.len() >= SERIES_MAX {
            self.metrics.limits_hit.inc();
            return Err(AppendError::Limit(format!(
                "the store holds {SERIES_MAX} live series, which is its limit; drop series with relabeling"
            )));
        }
        let series = head.index.add(id, labels, base).ok_or_else(symbols_full)?;
        head.homes.push(source);
        if head.index.len().is_multiple_of(SERIES_PER_LOOK) {
            self.budget.get().into_iter().for_each(Budget::look);
        }
        self.metrics.head_series.set(head.index.len() as f64);
        Ok((series, None))
    }

    /// Whether a label set has a number.
    pub fn knows(&self, labels: &Labels) -> bool {
        read(&self.head).index.find(id_of(labels, self.seed), labels).is_some()
    }

    /// Another source has columns of this series too.
    pub fn claim(&self, series: u32, source: u32, takes_over: bool) {
        let mut head = self.head.write().unwrap_or_else(PoisonError::into_inner);
        let Some(home) = head.homes.get(series as usize).copied() else { return };
        let away = head.away.entry(series).or_default();
        let other = if takes_over { home } else { source };
        if !away.contains(&other) {
            away.push(other);
        }
        if takes_over {
            away.retain(|s| *s != source);
            head.homes[series as usize] = source;
        }
    }

    pub fn labels(&self, series: u32) -> Labels {
        read(&self.head).index.labels(series)
    }

    pub fn check_writable(&self) -> Result<(), AppendError> {
        match &*read(&self.read_only) {
            None => Ok(()),
            Some(why) => Err(AppendError::ReadOnly(why.text.clone())),
        }
    }

    /// No samples are taken from now on. `again`: whether waiting can help.
    pub fn stop_writing(&self, doing: &str, error: &std::io::Error, again: bool) -> AppendError {
        self.metrics.write_failures.inc();
        let help = match (again, error.kind()) {
            (_, std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) => "free some space; writing resumes by itself",
            (true, _) => "it is tried again every few seconds",
            (false, _) => "what the disk holds is unknown: check the disk, then restart promlet",
        };
        let text = format!("the store takes no samples: {doing} in {}: {error}; {help}", self.folder.display());
        let retry_at = again.then(|| self.monotonic_ms() + super::limits::RETRY_MS);
        let mut read_only = self.read_only.write().unwrap_or_else(PoisonError::into_inner);
        // A final reason is never replaced by one that waiting could mend.
        if read_only.as_ref().is_none_or(|why| why.retry_at.is_some()) {
            tracing::error!("{text}");
            *read_only = Some(ReadOnly { text: text.clone(), retry_at });
        }
        self.metrics.read_only.set(1.0);
        AppendError::ReadOnly(text)
    }

    pub fn monotonic_ms(&self) -> i64 {
        i64::try_from(self.clock.monotonic().as_millis()).unwrap_or(i64::MAX)
    }

    pub fn take_scratch(&self) -> Scratch {
        lock(&self.scratch).pop().unwrap_or_default()
    }

    pub fn give_scratch(&self, scratch: Scratch) {
        let mut pool = lock(&self.scratch);
        if pool.len() < 8 && scratch.size_bytes() < 8 << 20 {
            pool.push(scratch);
        }
    }

    pub fn segments(&self) -> Arc<SegmentSet> {
        read(&self.segments).clone()
    }

    /// The oldest segment whose rows a log file may still repeat.
    pub fn log_floor(&self) -> u64 {
        self.log.first_segment_needed()
    }

    pub fn oldest_pin(&self) -> Option<u64> {
        lock(&self.pins).keys().next().copied()
    }

    pub fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// Remembers what is said of a family, and logs it when it is new.
    pub fn describe(&self, family: &str, metadata: &Metadata) -> Result<(), AppendError> {
        {
            let known = read(&self.metadata);
            if known.get(family) == Some(metadata) || known.len() >= METADATA_MAX {
                return Ok(());
            }
        }
        let mut frames = Vec::new();
        put_family(&mut frames, family, metadata);
        self.log.lock().append(&frames, true).map_err(|error| self.stop_writing("writing the row log", &error, true))?;
        self.metadata.write().unwrap_or_else(PoisonError::into_inner).insert(family.to_owned(), metadata.clone());
        Ok(())
    }
}

pub fn symbols_full() -> AppendError {
    AppendError::Limit("the texts of all live labels take 4 GiB, which is the limit; drop labels with relabeling".to_owned())
}
