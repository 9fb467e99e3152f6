//! A store that only records, and lets a test wait for what it expects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use promlet::model::{Labels, Metadata, Value, is_stale};
use promlet::storage::{Append, AppendError, Column, GroupKey, Row, RowReport, RowWriter};

/// Longest wait; a test that comes so far has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// One committed row: time, and values by series (`stale` for markers).
#[derive(Clone, Debug)]
pub struct Written {
    pub at: i64,
    pub values: BTreeMap<String, String>,
}

#[derive(Default)]
struct Inside {
    rows: Vec<Written>,
    writers: usize,
    retired: Vec<String>,
}

#[derive(Clone, Default)]
pub struct Recorder(Arc<(Mutex<Inside>, Condvar)>);

struct Writer {
    recorder: Recorder,
    series: Vec<Labels>,
    retired: BTreeSet<Column>,
}

impl Recorder {
    /// The rows as soon as they satisfy `enough`.
    pub fn wait(&self, what: &str, enough: impl Fn(&[Written]) -> bool) -> Vec<Written> {
        let (inside, changed) = &*self.0;
        let guard = inside.lock().unwrap();
        let (guard, timeout) = changed.wait_timeout_while(guard, PATIENCE, |inside| !enough(&inside.rows)).unwrap();
        assert!(!timeout.timed_out(), "never came: {what}; last rows: {:?}", guard.rows.iter().rev().take(3).collect::<Vec<_>>());
        guard.rows.clone()
    }

    /// Waits for a row in which this series has this value.
    pub fn wait_for(&self, series: &str, value: &str) -> Written {
        let has = |row: &Written| row.values.get(series).is_some_and(|found| found == value);
        let rows = self.wait(&format!("{series} {value}"), |rows| rows.iter().any(has));
        rows.into_iter().find(has).unwrap()
    }

    /// Series whose columns were given back, once there are so many of them.
    pub fn wait_retired(&self, count: usize) -> Vec<String> {
        let (inside, changed) = &*self.0;
        let guard = inside.lock().unwrap();
        let (guard, timeout) = changed.wait_timeout_while(guard, PATIENCE, |inside| inside.retired.len() < count).unwrap();
        assert!(!timeout.timed_out(), "given back: {:?}", guard.retired);
        guard.retired.clone()
    }

    pub fn rows(&self) -> Vec<Written> {
        self.0.0.lock().unwrap().rows.clone()
    }

    pub fn writers(&self) -> usize {
        self.0.0.lock().unwrap().writers
    }
}

impl Append for Recorder {
    fn writer(&self, _key: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
        self.0.0.lock().unwrap().writers += 1;
        Ok(Box::new(Writer { recorder: self.clone(), series: Vec::new(), retired: BTreeSet::new() }))
    }
}

impl RowWriter for Writer {
    fn column(&mut self, labels: &Labels) -> Result<Column, AppendError> {
        let at = self.series.iter().position(|known| known == labels).unwrap_or_else(|| {
            self.series.push(labels.clone());
            self.series.len() - 1
        });
        self.retired.remove(&Column(at as u32));
        Ok(Column(at as u32))
    }

    fn retire(&mut self, columns: &[Column]) {
        self.retired.extend(columns);
        let (inside, changed) = &*self.recorder.0;
        let names = columns.iter().map(|column| self.series[column.0 as usize].without(&["instance"]).to_string());
        inside.lock().unwrap().retired.extend(names);
        changed.notify_all();
    }

    fn describe(&mut self, _family: &str, _metadata: &Metadata) -> Result<(), AppendError> {
        Ok(())
    }

    fn commit(&mut self, row: &Row) -> Result<RowReport, AppendError> {
        // A store may have dropped them: what the caller does here would fail there.
        let used: Vec<&Labels> =
            row.cells.iter().filter(|cell| self.retired.contains(&cell.column)).map(|cell| &self.series[cell.column.0 as usize]).collect();
        assert!(used.is_empty(), "written after they were given back: {used:?}");
        let text = |value: &Value| match value {
            Value::Float(value) if is_stale(*value) => "stale".to_owned(),
            Value::Float(value) => value.to_string(),
            Value::Histogram(_) => "histogram".to_owned(),
        };
        let values =
            row.cells.iter().map(|cell| (self.series[cell.column.0 as usize].without(&["instance"]).to_string(), text(&cell.value)));
        let written = Written { at: row.at.0, values: values.collect() };
        let (inside, changed) = &*self.recorder.0;
        inside.lock().unwrap().rows.push(written);
        changed.notify_all();
        Ok(RowReport { accepted: row.cells.len(), rejected: Vec::new() })
    }
}
