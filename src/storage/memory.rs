//! A plain reference store in memory: a map from label set to samples. PromQL's own tests run on it, and other stores are compared with it.
//!
//! A snapshot shares the series as they were; a later write copies what a snapshot still holds. Nothing is compressed, indexed or limited.

mod snapshot;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::append::{Append, AppendError, Column, GroupKey, Rejected, Row, RowReport, RowWriter};
use super::select::{LabelPair, Select, SelectError, Snapshot, Symbol};
use crate::model::{Labels, Metadata, TimeRange, TimestampMs, Value};
use snapshot::MemorySnapshot;

/// The store; cloning shares it.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    symbols: Arc<Symbols>,
    /// In order of first appearance; the place is the series id.
    series: Vec<Arc<Series>>,
    by_labels: HashMap<Labels, usize>,
    metadata: Arc<BTreeMap<String, Metadata>>,
    commits: u64,
}

#[derive(Clone, Default)]
struct Symbols {
    texts: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, u32>,
}

#[derive(Clone)]
struct Series {
    labels: Labels,
    pairs: Vec<LabelPair>,
    /// Strictly increasing in time.
    points: Vec<Point>,
}

#[derive(Clone)]
struct Point {
    at: TimestampMs,
    value: Value,
    start: Option<TimestampMs>,
}

impl MemoryStore {
    /// Forgets everything. Snapshots taken before keep what they saw.
    pub fn clear(&self) {
        *self.lock() = State::default();
    }

    /// Forgets the samples before a time; the answer is how many are left. Snapshots taken before keep what they saw.
    pub fn forget_before(&self, at: TimestampMs) -> usize {
        let mut state = self.lock();
        state.commits += 1;
        let mut left = 0;
        for series in &mut state.series {
            let points = &mut Arc::make_mut(series).points;
            let gone = points.partition_point(|point| point.at < at);
            points.drain(..gone);
            left += points.len();
        }
        left
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Symbols {
    fn intern(&mut self, text: &str) -> Symbol {
        if let Some(id) = self.ids.get(text) {
            return Symbol(*id);
        }
        let (id, text) = (self.texts.len() as u32, Arc::<str>::from(text));
        self.texts.push(Arc::clone(&text));
        self.ids.insert(text, id);
        Symbol(id)
    }
}

impl State {
    fn series_of(&mut self, labels: &Labels) -> usize {
        if let Some(at) = self.by_labels.get(labels) {
            return *at;
        }
        let symbols = Arc::make_mut(&mut self.symbols);
        let pairs = labels.iter().map(|(n, v)| LabelPair { name: symbols.intern(n), value: symbols.intern(v) }).collect();
        self.series.push(Arc::new(Series { labels: labels.clone(), pairs, points: Vec::new() }));
        self.by_labels.insert(labels.clone(), self.series.len() - 1);
        self.series.len() - 1
    }

    fn append(&mut self, series: usize, point: Point) -> Result<(), Rejected> {
        let series = Arc::make_mut(&mut self.series[series]);
        if let Some(last) = series.points.last() {
            if point.at < last.at {
                return Err(Rejected::OutOfOrder);
            }
            if point.at == last.at {
                return if point.value.same_bits(&last.value) { Ok(()) } else { Err(Rejected::Duplicate) };
            }
        }
        series.points.push(point);
        Ok(())
    }
}

impl Append for MemoryStore {
    fn writer(&self, _: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
        Ok(Box::new(Writer { store: self.clone(), columns: Vec::new(), by_labels: HashMap::new() }))
    }
}

struct Writer {
    store: MemoryStore,
    /// A column's series, by its labels, so that it survives a `clear`.
    columns: Vec<Labels>,
    by_labels: HashMap<Labels, Column>,
}

impl RowWriter for Writer {
    fn column(&mut self, labels: &Labels) -> Result<Column, AppendError> {
        if let Some(column) = self.by_labels.get(labels) {
            return Ok(*column);
        }
        let column = Column(self.columns.len() as u32);
        self.columns.push(labels.clone());
        self.by_labels.insert(labels.clone(), column);
        Ok(column)
    }

    fn describe(&mut self, family: &str, metadata: &Metadata) -> Result<(), AppendError> {
        Arc::make_mut(&mut self.store.lock().metadata).insert(family.to_owned(), metadata.clone());
        Ok(())
    }

    fn commit(&mut self, row: &Row) -> Result<RowReport, AppendError> {
        let mut state = self.store.lock();
        state.commits += 1;
        let starts: HashMap<Column, TimestampMs> = row.starts.iter().copied().collect();
        let mut report = RowReport::default();
        for cell in &row.cells {
            let Some(labels) = self.columns.get(cell.column.0 as usize) else {
                return Err(AppendError::Limit(format!("column {} was not given out by this writer", cell.column.0)));
            };
            let series = state.series_of(labels);
            let point = Point { at: row.at, value: cell.value.clone(), start: starts.get(&cell.column).copied() };
            match state.append(series, point) {
                Ok(()) => report.accepted += 1,
                Err(rejected) => report.rejected.push((cell.column, rejected)),
            }
        }
        Ok(report)
    }
}

impl Select for MemoryStore {
    fn open(&self, _: TimeRange) -> Result<Arc<dyn Snapshot>, SelectError> {
        Ok(Arc::new(MemorySnapshot::new(self.lock().clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Matcher;
    use crate::storage::{ColumnValues, GroupSource, Hints};

    fn writer(store: &MemoryStore) -> Box<dyn RowWriter> {
        store.writer(&GroupKey { source: GroupSource::Push, name: "test".to_owned(), labels: Labels::empty() }).unwrap()
    }

    #[test]
    fn a_snapshot_does_not_see_later_rows_and_batches_share_times() {
        let store = MemoryStore::default();
        let mut writer = writer(&store);
        let a = writer.column(&Labels::from_pairs([("__name__", "a"), ("x", "1")])).unwrap();
        let b = writer.column(&Labels::from_pairs([("__name__", "a"), ("x", "2")])).unwrap();
        let c = writer.column(&Labels::from_pairs([("__name__", "a"), ("x", "3")])).unwrap();
        for at in 0..3 {
            let mut row = Row::new(TimestampMs(at * 1000));
            row.push(a, at as f64);
            row.push(b, 10.0);
            if at != 1 {
                row.push(c, 5.0);
            }
            assert_eq!(writer.commit(&row).unwrap().rejected, vec![]);
        }
        let snapshot = store.open(TimeRange::ALL).unwrap();
        let mut late = Row::new(TimestampMs(3000));
        late.push(a, 9.0);
        writer.commit(&late).unwrap();
        let batches = snapshot.select(&[Matcher::equal("__name__", "a")], &Hints::default()).unwrap();
        assert_eq!(batches.iter().map(|b| (b.len(), b.times().len())).collect::<Vec<_>>(), [(2, 3), (1, 2)]);
        let mut values = ColumnValues::default();
        batches[0].read(0, 1..3, &mut values).unwrap();
        assert_eq!(values.floats, [1.0, 2.0]);
        let name = batches[0].labels(0)[0];
        assert_eq!((&*snapshot.text(name.name), &*snapshot.text(name.value)), ("__name__", "a"));
    }

    #[test]
    fn old_samples_are_forgotten_and_series_go_on() {
        let store = MemoryStore::default();
        let mut writer = writer(&store);
        let a = writer.column(&Labels::from_pairs([("__name__", "a")])).unwrap();
        let write = |writer: &mut Box<dyn RowWriter>, at: i64| {
            let mut row = Row::new(TimestampMs(at));
            row.push(a, 1.0);
            writer.commit(&row).unwrap();
        };
        (0..10).for_each(|at| write(&mut writer, at));
        assert_eq!(store.forget_before(TimestampMs(7)), 3);
        write(&mut writer, 10);
        let batches = store.open(TimeRange::ALL).unwrap().select(&[], &Hints::default()).unwrap();
        assert_eq!(batches[0].times().iter().map(|at| at.0).collect::<Vec<_>>(), [7, 8, 9, 10]);
    }

    #[test]
    fn order_and_duplicates_are_checked_per_series() {
        let store = MemoryStore::default();
        let mut writer = writer(&store);
        let a = writer.column(&Labels::from_pairs([("__name__", "a")])).unwrap();
        let commit = |writer: &mut Box<dyn RowWriter>, at: i64, value: f64| {
            let mut row = Row::new(TimestampMs(at));
            row.push(a, value);
            writer.commit(&row).unwrap().rejected
        };
        assert_eq!(commit(&mut writer, 10, 1.0), vec![]);
        assert_eq!(commit(&mut writer, 10, 1.0), vec![]);
        assert_eq!(commit(&mut writer, 10, 2.0), vec![(a, Rejected::Duplicate)]);
        assert_eq!(commit(&mut writer, 9, 2.0), vec![(a, Rejected::OutOfOrder)]);
    }
}
