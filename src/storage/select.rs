//! Reading: a snapshot fixes what is seen; selections come as batches of series that share their times.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::model::{DurationMs, Histogram, Labels, Matcher, Metadata, TimeRange, TimestampMs};

/// A text of a snapshot's own symbol table; equal texts have equal symbols within one snapshot, and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

impl Symbol {
    /// A snapshot gives out symbols below this; from here on they are the reader's own, for texts that it makes itself.
    pub const READER_FROM: u32 = 1 << 31;
}

/// A label as two symbols, so that grouping and matching work on integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelPair {
    pub name: Symbol,
    pub value: Symbol,
}

/// A series' identity: one a label set, stable while the store is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId(pub u64);

/// Grows with every change behind the head (write at or before an already read time, delete, import, retention).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub u64);

/// What the caller is going to do: permissions for the store to do less, never to give other answers.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The samples needed: left-open windows and lookback are already worked in. Inclusive at both ends.
    pub range: Option<TimeRange>,
    /// The function around the selector (`rate`, `max_over_time`), if any. With a window `max_over_time` and `min_over_time` allow the
    /// store to give, in place of samples, the extreme of a stretch of samples that each is in, where no window holds a part of the
    /// stretch only. The last window ends with the range, the others by steps before it; without a step there is one.
    pub function: Option<&'static str>,
    /// The length of a range selector.
    pub window: Option<DurationMs>,
    pub step: Option<DurationMs>,
    /// Labels the aggregation above keeps (`by`) or drops (`without`).
    pub grouping: Option<(Vec<String>, GroupingKind)>,
    /// Stop after this many series (series and label endpoints); 0 means all.
    pub limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupingKind {
    By,
    Without,
}

/// Why a read failed.
#[derive(Debug, Clone)]
pub enum SelectError {
    /// Damage: which file, where; what was left out can still be served around.
    Corrupt(String),
    Io(String),
    /// A stated limit: which one, its value, its unit.
    Limit(String),
    /// There is no memory for it at present, which may pass: the budget, and what helps.
    Busy(String),
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupt(text) | Self::Io(text) | Self::Limit(text) | Self::Busy(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for SelectError {}

/// The reading side of a store.
pub trait Select: Send + Sync {
    /// Fixes a commit sequence: the snapshot sees every row committed before, none after, and keeps what it needs pinned.
    /// `range` bounds what will be asked of it (inclusive).
    fn open(&self, range: TimeRange) -> Result<Arc<dyn Snapshot>, SelectError>;
}

/// One consistent view of the store.
pub trait Snapshot: Send + Sync {
    /// All series that satisfy every matcher and have samples in the range, as batches in no particular order; each series in exactly one batch.
    /// An empty list of matchers selects everything.
    fn select(&self, matchers: &[Matcher], hints: &Hints) -> Result<Vec<Box<dyn Batch>>, SelectError>;

    /// The label sets of the series that satisfy the matchers and have samples in the range, unordered, unique.
    fn series(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, SelectError>;

    /// Sorted, unique label names of the series that satisfy the matchers.
    fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SelectError>;

    /// Sorted, unique values of one label among the series that satisfy the matchers.
    fn label_values(&self, name: &str, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SelectError>;

    /// Family name and what was last said of it, by name; also for targets that are gone.
    fn metadata(&self) -> Result<Vec<(String, Metadata)>, SelectError>;

    /// The text of a symbol that this snapshot gave out.
    fn text(&self, symbol: Symbol) -> Arc<str>;

    /// The symbol of a text, if any series of this snapshot's table uses it.
    fn symbol(&self, text: &str) -> Option<Symbol>;

    /// Equal versions mean: an answer over this range computed then still holds now.
    fn version(&self, range: TimeRange) -> Version;
}

/// Series that share one time column.
pub trait Batch: Send + Sync {
    /// The shared times, strictly increasing, cut to the range asked for.
    fn times(&self) -> &[TimestampMs];

    /// How many series; at least one.
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn series_id(&self, index: usize) -> SeriesId;

    /// Labels of one series, sorted by label *name text* (not by symbol).
    fn labels(&self, index: usize) -> &[LabelPair];

    /// Decodes one series' values for a range of rows of `times()` into the caller's buffers (which are cleared first).
    fn read(&self, index: usize, rows: Range<usize>, into: &mut ColumnValues) -> Result<(), SelectError>;

    /// The same for a reader who wants to know which rows hold what, not the numbers: where there is a float that is no stale marker,
    /// any other may stand. Never slower than [`Self::read`].
    fn read_presence(&self, index: usize, rows: Range<usize>, into: &mut ColumnValues) -> Result<(), SelectError> {
        self.read(index, rows, into)
    }
}

/// Decoded values of one series, one place a row.
#[derive(Clone, Debug, Default)]
pub struct ColumnValues {
    /// One a row; where there is a gap or a histogram the number means nothing. Stale markers are here as their NaN.
    pub floats: Vec<f64>,
    /// Bit `i % 64` of word `i / 64` is set where row `i` holds anything. Empty means: every row does.
    pub present: Vec<u64>,
    /// Row and histogram, ascending by row, for rows that hold one.
    pub histograms: Vec<(u32, Arc<Histogram>)>,
    /// Row and start timestamp, ascending by row, for rows that have one.
    pub starts: Vec<(u32, TimestampMs)>,
}

impl ColumnValues {
    pub fn clear(&mut self) {
        self.floats.clear();
        self.present.clear();
        self.histograms.clear();
        self.starts.clear();
    }

    pub fn is_present(&self, row: usize) -> bool {
        self.present.is_empty() || self.present.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }
}
