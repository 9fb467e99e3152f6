//! Writing: rows of values that share one time, through a writer per source.

use std::fmt;
use std::sync::Arc;

use crate::model::{Exemplar, Labels, Metadata, TimestampMs, Value};

/// What a group of series comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupSource {
    /// One scrape target.
    Scrape,
    /// One recording or alerting rule.
    Rule,
    /// One sender's series of one job and instance.
    Push,
}

/// The identity of a group, stable over restarts: a writer for an equal key continues the same group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupKey {
    pub source: GroupSource,
    /// What tells it apart beside its labels: a URL, `file;group;rule`, a sender.
    pub name: String,
    /// Labels that (nearly) all series of the group share, such as `job` and `instance`; may be empty.
    pub labels: Labels,
}

/// A series' place in its group, given out by [`RowWriter::column`]; valid for that writer only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column(pub u32);

/// One value of a row.
#[derive(Clone, Debug)]
pub struct Cell {
    pub column: Column,
    /// A float stale marker ends the series.
    pub value: Value,
}

/// What one source says of one moment. Reuse it: `clear` keeps the buffers.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub at: TimestampMs,
    /// Any order; at most one cell a column. A column that is not named has a gap, which does not end its series.
    pub cells: Vec<Cell>,
    /// Start timestamps (OpenMetrics `_created`, protobuf), for the columns that have one.
    pub starts: Vec<(Column, TimestampMs)>,
    pub exemplars: Vec<(Column, Exemplar)>,
}

impl Row {
    pub fn new(at: TimestampMs) -> Self {
        Self { at, ..Self::default() }
    }

    pub fn clear(&mut self, at: TimestampMs) {
        self.at = at;
        self.cells.clear();
        self.starts.clear();
        self.exemplars.clear();
    }

    pub fn push(&mut self, column: Column, value: f64) {
        self.cells.push(Cell { column, value: Value::Float(value) });
    }
}

/// Why a single sample was not taken; Prometheus's reasons, texts and counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejected {
    /// Older than the series' newest sample.
    OutOfOrder,
    /// The series' newest time again, with another value (the same value again is accepted silently).
    Duplicate,
    /// Before the oldest time the store still takes.
    OutOfBounds,
    /// Too far in the future.
    TooFarAhead,
    /// Further behind than the out-of-order window reaches.
    TooOld,
}

impl Rejected {
    /// Prometheus's error text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfOrder => "out of order sample",
            Self::Duplicate => "duplicate sample for timestamp",
            Self::OutOfBounds => "out of bounds",
            Self::TooFarAhead => "the sample is too far in the future",
            Self::TooOld => "too old sample",
        }
    }
}

/// What became of a committed row.
#[derive(Clone, Debug, Default)]
pub struct RowReport {
    /// Cells that were taken, repeated equal ones included.
    pub accepted: usize,
    pub rejected: Vec<(Column, Rejected)>,
}

/// Why nothing of a row or a series was taken.
#[derive(Debug, Clone)]
pub enum AppendError {
    /// The store takes no samples at present (disk full, failed sync): the text says why and what helps.
    ReadOnly(String),
    /// A stated limit: which one, its value, its unit.
    Limit(String),
    /// Reading or writing failed.
    Io(String),
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly(text) | Self::Limit(text) | Self::Io(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for AppendError {}

/// The writing side of a store.
pub trait Append: Send + Sync {
    /// Finds the group of this key or opens it. Two writers for one key at a time share the group; the calls are then serialised.
    fn writer(&self, key: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError>;
}

/// The writer of one group. Blocking (memory, and a write to the row log): call it from an ingest thread, never from a socket worker.
pub trait RowWriter: Send {
    /// The column of a full label set (target labels included), opened on first use.
    ///
    /// A label set has one series id and one owning column in the whole store. Where another group owns it,
    /// the column given here goes through the checked path against the owner's last time.
    /// A column stays valid until the writer is dropped or the column retired.
    fn column(&mut self, labels: &Labels) -> Result<Column, AppendError>;

    /// The source has forgotten these columns: they may be given back once their series have ended. `column` finds or opens them again.
    fn retire(&mut self, _columns: &[Column]) {}

    /// What the source says about a metric family (name without suffix as exposed).
    fn describe(&mut self, family: &str, metadata: &Metadata) -> Result<(), AppendError>;

    /// Takes a whole row: it becomes visible to new snapshots at once and whole, and it is in the row log (survives `kill -9`) when this returns `Ok`.
    ///
    /// Rows of one group usually come in strictly increasing time. Rows at other times (a scrape with explicit
    /// timestamps split by equal time, a push completing an earlier row) are taken as long as each *series* goes
    /// forward; samples that do not are in the report, and the rest of the row is taken.
    fn commit(&mut self, row: &Row) -> Result<RowReport, AppendError>;
}

impl<T: Append + ?Sized> Append for Arc<T> {
    fn writer(&self, key: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
        (**self).writer(key)
    }
}
