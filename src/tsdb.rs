//! The embedded store. All series of one source share a time column: a row is appended whole, lives as codes in a tail,
//! moves into a stripe of the open segment with its neighbours, and is found there again by [`crate::storage::Select`].
//!
//! The path of a row: `commit` (which cells, which are refused) -> `log` (durable) -> `group` and `tail` (readable)
//! -> `flush` and `page` (encoded) -> `segment` (sealed, merged, dropped by `maintain`) ; `snapshot` and `batch` read all of it.

mod backup;
mod batch;
mod bits;
pub mod budget;
mod bytes;
mod cell;
mod commit;
mod decimal;
pub mod delete;
pub mod disk;
pub mod error;
mod exemplars;
mod flush;
mod folder;
mod frame;
mod group;
mod histogram;
pub mod import;
mod index;
pub mod limits;
mod log;
mod losses;
mod maintain;
mod manifest;
mod matching;
mod merge;
mod metrics;
pub mod options;
mod pace;
mod page;
mod postings;
mod recover;
mod row;
mod segment;
mod snapshot;
mod source;
mod store;
mod sweep;
mod symbols;
mod tail;
mod texts;
mod tombstones;
pub mod verify;
mod versions;
pub mod view;
mod writer;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use delete::AdminError;
pub use disk::{CrashingDisk, Disk, RealDisk};
pub use error::OpenError;
pub use options::TsdbOptions;
pub use view::StoreStats;

use crate::clock::Clock;
use crate::model::{DurationMs, Exemplar, Labels, Matcher, TimeRange, TimestampMs};
use crate::storage::{Append, AppendError, GroupKey, RowWriter, Select, SelectError, Snapshot};
use crate::telemetry::Registry;
use folder::FolderLock;
use snapshot::TsdbSnapshot;
use store::{Store, lock, read};
use writer::GroupWriter;

/// Where snapshots are, in the data folder.
pub const SNAPSHOTS: &str = backup::FOLDER;

/// The store. Cheap to share behind an `Arc`; maintenance is called, the store starts no thread.
pub struct Tsdb {
    store: Arc<Store>,
    _lock: Option<FolderLock>,
}

impl Tsdb {
    /// Opens the folder, or makes it: takes its lock, reads manifest and footers, replays the row log.
    pub fn open(options: TsdbOptions, disk: Arc<dyn Disk>, clock: Clock, registry: &Registry) -> Result<Self, OpenError> {
        disk.create_folder(&options.folder).map_err(|error| OpenError::io(&options.folder, "creating", error))?;
        let lock = if options.no_lockfile { None } else { Some(FolderLock::take(&options.folder)?) };
        let store = recover::open(options, disk, clock, registry)?;
        Ok(Self { store, _lock: lock })
    }

    /// One round of maintenance: sync the log, flush and seal what is due, cut the log, merge, drop what is too old.
    /// Call it from a thread of its own, and again after the time that it returns: half a second where much comes, some seconds
    /// where little does. It never blocks readers, and writers only for moments.
    pub fn maintain(&self, now: TimestampMs) -> Duration {
        maintain::round(&self.store, now)
    }

    /// From the next round of maintenance on load is shed near so many bytes of what `probe` says the process takes. Once a store.
    pub fn set_memory_budget(&self, bytes: u64, probe: budget::Probe, registry: &Registry) {
        // A second budget would contradict the first.
        let _ = self.store.budget.set(budget::Budget::new(bytes, probe, registry));
    }

    /// The store as rules read it: alerts go on where other queries wait for memory.
    pub fn for_rules(&self) -> Arc<dyn Select> {
        Arc::new(ForRules(self.store.clone()))
    }

    /// Data beside the store that counts towards its size, and that goes first where it is older. Once a store.
    pub fn set_elders(&self, elders: store::Elders) {
        // A second owner of the same files would contradict the first.
        let _ = self.store.elders.set(elders);
    }

    /// From the next commit on, samples this far behind the store's newest are taken out of order; zero takes none.
    pub fn set_out_of_order_window(&self, window: DurationMs) {
        self.store.out_of_order_window.store(window.0, Ordering::Release);
    }

    /// Puts every row into a synced, sealed segment. The store takes no rows afterwards.
    pub fn close(&self) -> Result<(), AppendError> {
        maintain::close(&self.store)
    }

    /// Seals and merges everything there is, for who wants the space now.
    pub fn compact(&self) -> Result<(), AppendError> {
        maintain::compact(&self.store)
    }

    /// Deletes the samples in the range of all series that satisfy the matchers; returns of how many series. Durable when it returns.
    pub fn delete(&self, matchers: &[Matcher], range: TimeRange) -> Result<usize, AdminError> {
        delete::delete(&self.store, matchers, range)
    }

    /// Frees the space of what is deleted.
    pub fn clean_tombstones(&self) -> Result<(), AdminError> {
        delete::clean(&self.store)
    }

    /// Makes `snapshots/NAME` in the data folder, which opens as a data folder, and returns NAME. `skip_head` leaves out what is not sealed.
    pub fn snapshot(&self, skip_head: bool) -> Result<String, AdminError> {
        backup::snapshot(&self.store, skip_head)
    }

    /// Why no samples are taken at present, if so.
    pub fn read_only(&self) -> Option<String> {
        read(&self.store.read_only).as_ref().map(|why| why.text.clone())
    }

    /// Samples taken since the start.
    pub fn samples_taken(&self) -> u64 {
        self.store.metrics.appended_floats.get() + self.store.metrics.appended_histograms.get()
    }

    /// What the manifest named and the start did not find, one sentence each.
    pub fn losses(&self) -> &[String] {
        &self.store.losses
    }

    /// What the store holds, for `/api/v1/status/tsdb` and `promlet tsdb info`; lists have at most `limit` entries.
    pub fn stats(&self, limit: usize) -> StoreStats {
        view::stats(&self.store, limit)
    }

    /// How many groups are open, and the times of the oldest and the newest sample; cheap.
    pub fn extent(&self) -> view::Extent {
        view::extent(&self.store)
    }

    /// What sealed segments spend on each codec, largest first. Reads every stripe.
    pub fn codecs(&self) -> Result<Vec<view::CodecStats>, SelectError> {
        view::codecs(&self.store)
    }

    /// The newest sample's time.
    pub fn newest_time(&self) -> Option<TimestampMs> {
        let newest = self.store.newest_time.load(std::sync::atomic::Ordering::Acquire);
        (newest > i64::MIN).then_some(TimestampMs(newest))
    }

    /// Begins a segment of samples from elsewhere, which may be older than anything that is there.
    pub fn importer(&self) -> std::io::Result<import::Importer> {
        import::Importer::new(&self.store)
    }

    /// Names of groups in sealed segments that begin with a prefix: what was imported before.
    pub fn group_names(&self, prefix: &str) -> Result<Vec<String>, SelectError> {
        import::group_names(&self.store, prefix)
    }

    /// Kept exemplars of series that satisfy all matchers, in order of arrival.
    pub fn exemplars(&self, matchers: &[Matcher], range: TimeRange) -> Vec<(Labels, TimestampMs, Exemplar)> {
        let exemplars = lock(&self.store.exemplars);
        let head = read(&self.store.head);
        let wanted = matching::matching(&head.index, matchers);
        let found = exemplars.iter().filter(|(series, at, _)| range.contains(*at) && wanted.binary_search(series).is_ok());
        found.map(|(series, at, exemplar)| (head.index.labels(*series), *at, exemplar.clone())).collect()
    }
}

impl Append for Tsdb {
    fn writer(&self, key: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
        Ok(Box::new(GroupWriter::new(self.store.clone(), self.store.source(key)?)))
    }
}

impl Select for Tsdb {
    fn open(&self, range: TimeRange) -> Result<Arc<dyn Snapshot>, SelectError> {
        self.store.budget.get().map_or(Ok(()), budget::Budget::check_query)?;
        Ok(Arc::new(TsdbSnapshot::open(self.store.clone(), range)))
    }
}

struct ForRules(Arc<Store>);

impl Select for ForRules {
    fn open(&self, range: TimeRange) -> Result<Arc<dyn Snapshot>, SelectError> {
        Ok(Arc::new(TsdbSnapshot::open(self.0.clone(), range)))
    }
}

#[cfg(test)]
mod tests;
