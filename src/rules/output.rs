//! The series that one rule writes: one row an evaluation, with stale markers for those that are gone.

use hashbrown::HashMap;

use super::limits::RESULTS_PER_RULE_MAX;
use crate::model::{Labels, STALE_NAN, TimestampMs, Value};
use crate::storage::{Append, AppendError, Cell, Column, GroupKey, GroupSource, Rejected, Row, RowWriter};

/// What became of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub samples: usize,
    /// The first refusal's reason, and how many there were.
    pub rejected: Option<(Rejected, usize)>,
}

/// A rule's place in the store.
pub struct Output {
    key: GroupKey,
    writer: Option<Box<dyn RowWriter>>,
    /// The series of the last evaluation.
    present: HashMap<Labels, Column>,
    row: Row,
}

impl Output {
    /// `name` tells the rule apart from all others, also after a restart.
    pub fn new(name: String) -> Self {
        let key = GroupKey { source: GroupSource::Rule, name, labels: Labels::empty() };
        Self { key, writer: None, present: HashMap::new(), row: Row::default() }
    }

    /// Whether the last evaluation gave this series.
    pub fn has(&self, labels: &Labels) -> bool {
        self.present.contains_key(labels)
    }

    /// Writes what an evaluation gave; what it gave before and gives no more ends with a stale marker.
    pub fn write(&mut self, append: &dyn Append, at: TimestampMs, samples: Vec<(Labels, Value)>) -> Result<Written, AppendError> {
        if samples.len() > RESULTS_PER_RULE_MAX {
            let count = samples.len();
            return Err(AppendError::Limit(format!(
                "rule gives {count} series, more than the limit of {RESULTS_PER_RULE_MAX} series a rule"
            )));
        }
        if samples.is_empty() && self.present.is_empty() {
            return Ok(Written::default());
        }
        let writer = open(&mut self.writer, append, &self.key)?;
        self.row.clear(at);
        let mut present = HashMap::with_capacity(samples.len());
        for (labels, value) in samples {
            let column = match self.present.get(&labels) {
                Some(column) => *column,
                None => writer.column(&labels)?,
            };
            self.row.cells.push(Cell { column, value });
            present.insert(labels, column);
        }
        let count = self.row.cells.len();
        for (labels, column) in &self.present {
            if !present.contains_key(labels) {
                self.row.push(*column, STALE_NAN);
            }
        }
        let report = writer.commit(&self.row)?;
        let ended: Vec<Column> =
            self.present.iter().filter(|(labels, _)| !present.contains_key(*labels)).map(|(_, column)| *column).collect();
        writer.retire(&ended);
        self.present = present;
        // A stale marker that comes too late means that the series lives on elsewhere.
        let refused: Vec<Rejected> =
            report.rejected.iter().filter(|(column, _)| !is_marker(&self.row, *column)).map(|(_, why)| *why).collect();
        Ok(Written { samples: count, rejected: refused.first().map(|why| (*why, refused.len())) })
    }

    /// Ends all series, but those that `lives_on` says another rule writes now.
    pub fn end(&mut self, append: &dyn Append, at: TimestampMs, lives_on: impl Fn(&Labels) -> bool) -> Result<(), AppendError> {
        self.row.clear(at);
        for (labels, column) in self.present.drain() {
            if !lives_on(&labels) {
                self.row.push(column, STALE_NAN);
            }
        }
        if self.row.cells.is_empty() {
            return Ok(());
        }
        open(&mut self.writer, append, &self.key)?.commit(&self.row).map(|_| ())
    }
}

fn open<'a>(
    writer: &'a mut Option<Box<dyn RowWriter>>,
    append: &dyn Append,
    key: &GroupKey,
) -> Result<&'a mut Box<dyn RowWriter>, AppendError> {
    match writer {
        Some(writer) => Ok(writer),
        None => Ok(writer.insert(append.writer(key)?)),
    }
}

fn is_marker(row: &Row, column: Column) -> bool {
    row.cells.iter().any(|cell| cell.column == column && cell.value.is_stale())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::model::Metadata;
    use crate::storage::RowReport;

    #[derive(Clone, Default)]
    struct Strict(Arc<Mutex<(Vec<Labels>, HashSet<Column>)>>);

    impl Append for Strict {
        fn writer(&self, _: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
            Ok(Box::new(self.clone()))
        }
    }

    impl RowWriter for Strict {
        fn column(&mut self, labels: &Labels) -> Result<Column, AppendError> {
            let (series, retired) = &mut *self.0.lock().unwrap();
            let at = series.iter().position(|known| known == labels).unwrap_or(series.len());
            if at == series.len() {
                series.push(labels.clone());
            }
            retired.remove(&Column(at as u32));
            Ok(Column(at as u32))
        }

        fn retire(&mut self, columns: &[Column]) {
            self.0.lock().unwrap().1.extend(columns);
        }

        fn describe(&mut self, _: &str, _: &Metadata) -> Result<(), AppendError> {
            Ok(())
        }

        fn commit(&mut self, row: &Row) -> Result<RowReport, AppendError> {
            let retired = &self.0.lock().unwrap().1;
            assert!(row.cells.iter().all(|cell| !retired.contains(&cell.column)), "written after it was given back");
            Ok(RowReport { accepted: row.cells.len(), rejected: Vec::new() })
        }
    }

    #[test]
    fn series_that_ended_are_given_back_and_found_again() {
        let store = Strict::default();
        let mut output = Output::new("r".to_owned());
        let of = |names: &[&str]| names.iter().map(|name| (Labels::from_pairs([("x", *name)]), Value::Float(1.0))).collect::<Vec<_>>();
        for (at, names) in [&["a", "b"][..], &["a"], &["b"], &["a", "b"], &[]].into_iter().enumerate() {
            output.write(&store, TimestampMs(at as i64), of(names)).unwrap();
            let retired = store.0.lock().unwrap().1.len();
            assert_eq!(retired, 2 - names.len(), "after {names:?}");
        }
    }
}
