//! A map of samples as a store, with a log of what was appended: small enough to see that it is right.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use promlet::model::{Labels, Matcher, Metadata, TimeRange, TimestampMs, Value, is_stale};
use promlet::storage::{
    Append, AppendError, Batch, Column, ColumnValues, GroupKey, Hints, LabelPair, Rejected, Row, RowReport, RowWriter, Select, SelectError,
    SeriesId, Snapshot, Symbol, Version,
};

type Series = BTreeMap<Labels, Vec<(TimestampMs, f64)>>;

#[derive(Clone, Default)]
pub struct Store(Arc<Mutex<Series>>);

struct Writer {
    store: Store,
    columns: Vec<Labels>,
}

impl Store {
    /// The newest sample of each series whose name and labels fit, unless it is stale or older than five minutes.
    pub fn now(&self, name: &str, at: TimestampMs) -> Vec<(Labels, f64)> {
        let fresh =
            |points: &[(TimestampMs, f64)]| points.iter().rev().find(|(t, _)| *t <= at && (at - *t).0 <= 300_000).map(|(_, value)| *value);
        let series = self.0.lock().unwrap();
        let named = series.iter().filter(|(labels, _)| labels.metric_name() == name);
        named.filter_map(|(labels, points)| Some((labels.clone(), fresh(points)?))).filter(|(_, value)| !is_stale(*value)).collect()
    }

    /// Every sample of one series, stale markers as `None`.
    pub fn points(&self, series: &str) -> Vec<(i64, Option<f64>)> {
        let all = self.0.lock().unwrap();
        let found = all.iter().find(|(labels, _)| labels.to_string() == series);
        found
            .map(|(_, points)| points.iter().map(|(at, value)| (at.0 / 1000, (!is_stale(*value)).then_some(*value))).collect())
            .unwrap_or_default()
    }
}

impl Append for Store {
    fn writer(&self, _: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
        Ok(Box::new(Writer { store: self.clone(), columns: Vec::new() }))
    }
}

impl RowWriter for Writer {
    fn column(&mut self, labels: &Labels) -> Result<Column, AppendError> {
        let at = self.columns.iter().position(|known| known == labels).unwrap_or_else(|| {
            self.columns.push(labels.clone());
            self.columns.len() - 1
        });
        Ok(Column(at as u32))
    }

    fn describe(&mut self, _: &str, _: &Metadata) -> Result<(), AppendError> {
        Ok(())
    }

    fn commit(&mut self, row: &Row) -> Result<RowReport, AppendError> {
        let mut report = RowReport::default();
        let mut all = self.store.0.lock().unwrap();
        for cell in &row.cells {
            let points = all.entry(self.columns[cell.column.0 as usize].clone()).or_default();
            let Value::Float(value) = cell.value else { continue };
            if points.last().is_some_and(|(newest, _)| *newest >= row.at) {
                report.rejected.push((cell.column, Rejected::OutOfOrder));
                continue;
            }
            points.push((row.at, value));
            report.accepted += 1;
        }
        Ok(report)
    }
}

struct Seen {
    series: Vec<(Labels, Vec<(TimestampMs, f64)>)>,
    symbols: Mutex<Vec<Arc<str>>>,
}

struct One {
    times: Vec<TimestampMs>,
    values: Vec<f64>,
    labels: Vec<LabelPair>,
}

impl Select for Store {
    fn open(&self, range: TimeRange) -> Result<Arc<dyn Snapshot>, SelectError> {
        let cut = |points: &[(TimestampMs, f64)]| points.iter().filter(|(at, _)| range.contains(*at)).copied().collect();
        let series = self.0.lock().unwrap().iter().map(|(labels, points)| (labels.clone(), cut(points))).collect();
        Ok(Arc::new(Seen { series, symbols: Mutex::default() }))
    }
}

impl Seen {
    fn intern(&self, text: &str) -> Symbol {
        let mut symbols = self.symbols.lock().unwrap();
        symbols.push(Arc::from(text));
        Symbol(symbols.len() as u32 - 1)
    }
}

impl Snapshot for Seen {
    fn select(&self, matchers: &[Matcher], _: &Hints) -> Result<Vec<Box<dyn Batch>>, SelectError> {
        let fits = |labels: &Labels| matchers.iter().all(|m| m.matches(labels.get(&m.name).unwrap_or("")));
        let chosen = self.series.iter().filter(|(labels, points)| !points.is_empty() && fits(labels));
        let batch = |(labels, points): &(Labels, Vec<(TimestampMs, f64)>)| -> Box<dyn Batch> {
            Box::new(One {
                times: points.iter().map(|(at, _)| *at).collect(),
                values: points.iter().map(|(_, value)| *value).collect(),
                labels: labels.iter().map(|(name, value)| LabelPair { name: self.intern(name), value: self.intern(value) }).collect(),
            })
        };
        Ok(chosen.map(batch).collect())
    }

    fn series(&self, _: &[Matcher], _: TimeRange) -> Result<Vec<Labels>, SelectError> {
        Ok(self.series.iter().map(|(labels, _)| labels.clone()).collect())
    }

    fn label_names(&self, _: &[Matcher], _: TimeRange) -> Result<Vec<String>, SelectError> {
        Ok(Vec::new())
    }

    fn label_values(&self, _: &str, _: &[Matcher], _: TimeRange) -> Result<Vec<String>, SelectError> {
        Ok(Vec::new())
    }

    fn metadata(&self) -> Result<Vec<(String, Metadata)>, SelectError> {
        Ok(Vec::new())
    }

    fn text(&self, symbol: Symbol) -> Arc<str> {
        self.symbols.lock().unwrap()[symbol.0 as usize].clone()
    }

    fn symbol(&self, _: &str) -> Option<Symbol> {
        None
    }

    fn version(&self, _: TimeRange) -> Version {
        Version(0)
    }
}

impl Batch for One {
    fn times(&self) -> &[TimestampMs] {
        &self.times
    }

    fn len(&self) -> usize {
        1
    }

    fn series_id(&self, _: usize) -> SeriesId {
        SeriesId(0)
    }

    fn labels(&self, _: usize) -> &[LabelPair] {
        &self.labels
    }

    fn read(&self, _: usize, rows: Range<usize>, into: &mut ColumnValues) -> Result<(), SelectError> {
        into.clear();
        into.floats.extend_from_slice(&self.values[rows]);
        Ok(())
    }
}
