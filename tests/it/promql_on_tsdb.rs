//! PromQL's cases on the embedded store, at every stage that rows pass: each must end as it does on the plain store in memory.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail as the test does")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use promlet::clock::Clock;
use promlet::model::{DurationMs, TimeRange, TimestampMs};
use promlet::promqltest::{self, Report, Store};
use promlet::storage::{Append, AppendError, GroupKey, RowWriter, Select, SelectError, Snapshot};
use promlet::telemetry::Registry;
use promlet::tsdb::{CrashingDisk, Tsdb, TsdbOptions};

use crate::promql::{files, upstream};

/// Where the rows of a `load` are when they are read.
#[derive(Clone, Copy, Debug)]
enum Stage {
    StripesAndTails,
    Replayed,
    Closed,
}

struct Staged {
    stage: Stage,
    disk: CrashingDisk,
    /// The store, and whether it was written to since it was last read.
    inner: Mutex<(Tsdb, bool)>,
}

impl Staged {
    fn new(stage: Stage) -> Self {
        let disk = CrashingDisk::default();
        let db = open(&disk);
        Self { stage, disk, inner: Mutex::new((db, false)) }
    }

    fn settle(&self, db: &mut Tsdb) {
        match self.stage {
            Stage::StripesAndTails => {
                db.maintain(now());
            }
            Stage::Replayed => *db = open(&self.disk),
            Stage::Closed => {
                db.close().unwrap();
                *db = open(&self.disk);
            }
        }
    }
}

impl Append for Staged {
    fn writer(&self, key: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
        let mut inner = self.inner.lock().unwrap();
        inner.1 = true;
        inner.0.writer(key)
    }
}

impl Select for Staged {
    fn open(&self, range: TimeRange) -> Result<Arc<dyn Snapshot>, SelectError> {
        let mut inner = self.inner.lock().unwrap();
        if std::mem::take(&mut inner.1) {
            self.settle(&mut inner.0);
        }
        Select::open(&inner.0, range)
    }
}

/// The cases go back to 1970 and forward by years.
fn now() -> TimestampMs {
    TimestampMs(0)
}

fn open(disk: &CrashingDisk) -> Tsdb {
    let mut options = TsdbOptions::new("data");
    options.no_lockfile = true;
    options.retention_time = DurationMs::seconds(1 << 40);
    // Few rows, so that they move on: what is left over stays in the tails.
    options.sizes.stripe_rows = 4;
    options.sizes.segment_bytes = 2000;
    options.sizes.log_file_bytes = 2000;
    Tsdb::open(options, Arc::new(disk.clone()), Clock::manual(now()), &Registry::default()).unwrap()
}

/// The lines that passed, and what was said of the others.
fn outcome(report: &Report) -> BTreeMap<usize, String> {
    let failed = report.failed.iter().map(|failure| (failure.line, format!("{}: {}", failure.expr, failure.message)));
    report.passed.iter().map(|line| (*line, "passed".to_owned())).chain(failed).collect()
}

struct File {
    name: String,
    text: String,
    plain: BTreeMap<usize, String>,
}

/// Every file and how it ends in plain memory, found once for all stages.
fn expected() -> &'static [File] {
    static FILES: OnceLock<Vec<File>> = OnceLock::new();
    FILES.get_or_init(|| {
        let own = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promql"));
        let paths = upstream().map(|folder| files(&folder)).unwrap_or_default().into_iter().chain(own);
        let read = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let plain = outcome(&promqltest::run(&text, &name));
            File { name, text, plain }
        };
        paths.map(read).collect()
    })
}

fn agree(stage: Stage) {
    let other = differing(&|| Arc::new(Staged::new(stage)) as Arc<dyn Store>);
    assert!(other.is_empty(), "{stage:?}: {} cases end otherwise than in plain memory:\n{}", other.len(), other.join("\n"));
}

/// Cases that end otherwise than in plain memory.
pub fn differing(empty: &dyn Fn() -> Arc<dyn Store>) -> Vec<String> {
    let mut other = Vec::new();
    for file in expected() {
        let staged = outcome(&promqltest::run_on(&file.text, &file.name, empty));
        let passed = |said: &String| said == "passed";
        let differ = staged.iter().filter(|(line, said)| file.plain.get(line).map(passed) != Some(passed(said)));
        other.extend(differ.map(|(line, said)| format!("{}:{line}: {said}", file.name)));
    }
    other
}

#[test]
fn in_stripes_and_tails() {
    agree(Stage::StripesAndTails);
}

#[test]
fn after_a_kill() {
    agree(Stage::Replayed);
}

#[test]
fn after_a_clean_restart() {
    agree(Stage::Closed);
}
