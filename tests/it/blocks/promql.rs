//! PromQL's cases on blocks, on blocks joined with a store, and on what was imported from blocks: each must end as in plain memory.

use std::sync::{Arc, Mutex};

use promlet::blocks::target::Origin;
use promlet::clock::Clock;
use promlet::model::{DurationMs, TimeRange, TimestampMs};
use promlet::promqltest::Store;
use promlet::storage::memory::MemoryStore;
use promlet::storage::{Append, AppendError, GroupKey, GroupSource, Joined, Row, RowWriter, Select, SelectError, Snapshot};
use promlet::telemetry::Registry;
use promlet::tsdb::{CrashingDisk, Tsdb, TsdbOptions};

use super::{Everything, open, read, write_block};
use crate::promql_on_tsdb::differing;

#[derive(Clone, Copy, Debug)]
enum Stage {
    InBlocks,
    /// Older samples in blocks, newer ones in a store.
    Joined,
    Imported,
}

/// What is written is in memory; what is read has gone its way.
struct Staged {
    stage: Stage,
    written: MemoryStore,
    /// What is read until something is written again.
    ready: Mutex<Option<Arc<dyn Select>>>,
    folders: Mutex<Vec<tempfile::TempDir>>,
}

impl Append for Staged {
    fn writer(&self, key: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
        *self.ready.lock().unwrap() = None;
        self.written.writer(key)
    }
}

impl Select for Staged {
    fn open(&self, range: TimeRange) -> Result<Arc<dyn Snapshot>, SelectError> {
        let mut ready = self.ready.lock().unwrap();
        if ready.is_none() {
            *ready = Some(self.prepare());
        }
        ready.as_ref().map_or_else(|| self.written.open(range), |select| select.open(range))
    }
}

/// In memory where there is such a folder: these tests write thousands of small blocks, each synced.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl Staged {
    fn prepare(&self) -> Arc<dyn Select> {
        let everything = read(&self.written, &[], TimeRange::ALL).unwrap();
        let mut times: Vec<i64> = everything.iter().flat_map(|(_, samples)| samples.iter().map(|(at, _)| *at)).collect();
        if times.is_empty() {
            return Arc::new(self.written.clone());
        }
        times.sort_unstable();
        let middle = times[times.len() / 2];
        let (older, newer) = match self.stage {
            Stage::Joined => (part(&everything, |at| at <= middle), part(&everything, |at| at > middle)),
            _ => (everything, Everything::new()),
        };
        let folder = folder();
        write_block(folder.path(), &older);
        let blocks = open(folder.path()).unwrap();
        self.folders.lock().unwrap().push(folder);
        match self.stage {
            Stage::InBlocks => Arc::new(blocks),
            Stage::Joined => Arc::new(Joined::new(Arc::new(stored(&newer)), Arc::new(blocks), Box::new(|_| true))),
            Stage::Imported => Arc::new(imported(&blocks)),
        }
    }
}

fn part(everything: &Everything, wanted: impl Fn(i64) -> bool) -> Everything {
    let cut = |samples: &[(i64, _)]| samples.iter().filter(|(at, _)| wanted(*at)).cloned().collect::<Vec<_>>();
    everything.iter().map(|(labels, samples)| (labels.clone(), cut(samples))).filter(|(_, samples)| !samples.is_empty()).collect()
}

fn empty_store() -> Tsdb {
    let mut options = TsdbOptions::new("data");
    options.no_lockfile = true;
    options.retention_time = DurationMs::seconds(1 << 40);
    options.sizes.stripe_rows = 4;
    Tsdb::open(options, Arc::new(CrashingDisk::default()), Clock::manual(TimestampMs(0)), &Registry::default()).unwrap()
}

fn key(name: &str) -> GroupKey {
    GroupKey { source: GroupSource::Push, name: name.to_owned(), labels: promlet::model::Labels::empty() }
}

fn stored(everything: &Everything) -> Tsdb {
    let store = empty_store();
    let mut writer = store.writer(&key("test")).unwrap();
    let mut all: Vec<_> =
        everything.iter().flat_map(|(labels, samples)| samples.iter().map(move |(at, value)| (*at, labels, value))).collect();
    all.sort_by_key(|(at, ..)| *at);
    for row in all.chunk_by(|a, b| a.0 == b.0) {
        let mut written = Row::new(TimestampMs(row[0].0));
        for (_, labels, value) in row {
            let column = writer.column(labels).unwrap();
            written.cells.push(promlet::storage::Cell { column, value: Clone::clone(value) });
        }
        assert_eq!(writer.commit(&written).unwrap().rejected, []);
    }
    store
}

fn imported(folder: &promlet::blocks::PrometheusFolder) -> Tsdb {
    let store = empty_store();
    let mut importer = store.importer().unwrap();
    for block in folder.blocks() {
        let origin = Origin::Block(block);
        for target in origin.targets().unwrap() {
            let written = origin.each_rows(&target, &Default::default(), 16, |rows| {
                importer.rows(&key("import"), rows.set, &rows.times, &rows.columns).unwrap();
                Ok::<(), promlet::blocks::BlockError>(())
            });
            written.unwrap();
        }
    }
    assert!(importer.finish().unwrap());
    store
}

fn agree(stage: Stage) {
    let staged = || {
        Arc::new(Staged { stage, written: MemoryStore::default(), ready: Mutex::default(), folders: Mutex::default() }) as Arc<dyn Store>
    };
    // Blocks hold no start timestamps.
    let other: Vec<String> = differing(&staged).into_iter().filter(|case| !case.contains("start_timestamp")).collect();
    assert!(other.is_empty(), "{stage:?}: {} cases end otherwise than in plain memory:\n{}", other.len(), other.join("\n"));
}

#[test]
fn in_blocks() {
    agree(Stage::InBlocks);
}

#[test]
fn in_blocks_and_a_store() {
    agree(Stage::Joined);
}

#[test]
fn imported_from_blocks() {
    agree(Stage::Imported);
}
