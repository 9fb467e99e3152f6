//! Reading the memory store.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::{Point, Series, State};
use crate::model::{Labels, Matcher, Metadata, TimeRange, TimestampMs, Value};
use crate::storage::select::{Batch, ColumnValues, Hints, LabelPair, SelectError, SeriesId, Snapshot, Symbol, Version};

pub(super) struct MemorySnapshot {
    state: State,
}

impl MemorySnapshot {
    pub(super) fn new(state: State) -> Self {
        Self { state }
    }

    /// Series that match and have samples in the range, with those samples' places.
    fn matching(&self, matchers: &[Matcher], range: TimeRange) -> impl Iterator<Item = (usize, &Arc<Series>, Range<usize>)> {
        let matches = move |labels: &Labels| matchers.iter().all(|m| m.matches(labels.get(&m.name).unwrap_or("")));
        self.state.series.iter().enumerate().filter(move |(_, s)| matches(&s.labels)).filter_map(move |(at, s)| {
            let rows = s.points.partition_point(|p| p.at < range.min)..s.points.partition_point(|p| p.at <= range.max);
            (!rows.is_empty()).then_some((at, s, rows))
        })
    }
}

impl Snapshot for MemorySnapshot {
    fn select(&self, matchers: &[Matcher], hints: &Hints) -> Result<Vec<Box<dyn Batch>>, SelectError> {
        let mut batches: Vec<MemoryBatch> = Vec::new();
        let mut by_times: HashMap<Vec<TimestampMs>, usize> = HashMap::new();
        for (id, series, rows) in self.matching(matchers, hints.range.unwrap_or(TimeRange::ALL)) {
            let times: Vec<TimestampMs> = series.points[rows.clone()].iter().map(|p| p.at).collect();
            let at = *by_times.entry(times).or_insert_with_key(|times| {
                batches.push(MemoryBatch { times: times.clone(), series: Vec::new() });
                batches.len() - 1
            });
            batches[at].series.push((SeriesId(id as u64), Arc::clone(series), rows.start));
        }
        Ok(batches.into_iter().map(|b| Box::new(b) as Box<dyn Batch>).collect())
    }

    fn series(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, SelectError> {
        Ok(self.matching(matchers, range).map(|(_, s, _)| s.labels.clone()).collect())
    }

    fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SelectError> {
        let names: BTreeSet<String> =
            self.matching(matchers, range).flat_map(|(_, s, _)| s.labels.iter().map(|(n, _)| n.to_owned()).collect::<Vec<_>>()).collect();
        Ok(names.into_iter().collect())
    }

    fn label_values(&self, name: &str, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SelectError> {
        let values: BTreeSet<String> =
            self.matching(matchers, range).filter_map(|(_, s, _)| s.labels.get(name).map(str::to_owned)).collect();
        Ok(values.into_iter().collect())
    }

    fn metadata(&self) -> Result<Vec<(String, Metadata)>, SelectError> {
        Ok(self.state.metadata.iter().map(|(name, metadata)| (name.clone(), metadata.clone())).collect())
    }

    fn text(&self, symbol: Symbol) -> Arc<str> {
        self.state.symbols.texts.get(symbol.0 as usize).cloned().unwrap_or_else(|| Arc::from(""))
    }

    fn symbol(&self, text: &str) -> Option<Symbol> {
        self.state.symbols.ids.get(text).map(|id| Symbol(*id))
    }

    fn version(&self, _: TimeRange) -> Version {
        Version(self.state.commits)
    }
}

/// Series whose samples in the range have the same times.
struct MemoryBatch {
    times: Vec<TimestampMs>,
    /// Id, series, and the place of the first row among its points.
    series: Vec<(SeriesId, Arc<Series>, usize)>,
}

impl MemoryBatch {
    fn points(&self, index: usize, rows: &Range<usize>) -> &[Point] {
        let (_, series, first) = &self.series[index];
        &series.points[first + rows.start..first + rows.end]
    }
}

impl Batch for MemoryBatch {
    fn times(&self) -> &[TimestampMs] {
        &self.times
    }

    fn len(&self) -> usize {
        self.series.len()
    }

    fn series_id(&self, index: usize) -> SeriesId {
        self.series[index].0
    }

    fn labels(&self, index: usize) -> &[LabelPair] {
        &self.series[index].1.pairs
    }

    fn read(&self, index: usize, rows: Range<usize>, into: &mut ColumnValues) -> Result<(), SelectError> {
        into.clear();
        for (row, point) in self.points(index, &rows).iter().enumerate() {
            match &point.value {
                Value::Float(value) => into.floats.push(*value),
                Value::Histogram(histogram) => {
                    into.floats.push(0.0);
                    into.histograms.push((row as u32, Arc::clone(histogram)));
                }
            }
            if let Some(start) = point.start {
                into.starts.push((row as u32, start));
            }
        }
        Ok(())
    }
}
