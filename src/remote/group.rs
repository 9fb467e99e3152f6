//! The pushed series of one job and instance: one writer, and rows made of the samples of one request.

use std::collections::{BTreeMap, HashMap};

use super::error::WriteError;
use crate::model::{Exemplar, Labels, TimestampMs, Value};
use crate::storage::{AppendError, Cell, Column, Rejected, Row, RowWriter};

/// A sample that has found its place.
#[derive(Clone, Debug)]
pub struct Pending {
    pub group: u32,
    pub column: Column,
    pub at: TimestampMs,
    pub value: Value,
    /// Which series of the request it belongs to.
    pub series: u32,
}

/// What became of a request's samples so far.
#[derive(Debug, Default)]
pub struct Outcome {
    pub accepted: u64,
    /// How many per reason, and the first one's series and time.
    pub rejected: BTreeMap<&'static str, (u64, u32, TimestampMs)>,
}

impl Outcome {
    pub fn reject(&mut self, reason: &'static str, series: u32, at: TimestampMs) {
        self.rejected.entry(reason).or_insert((0, series, at)).0 += 1;
    }
}

pub struct PushGroup {
    writer: Box<dyn RowWriter>,
    row: Row,
    /// By column: the number of the last row that names it and its cell there, so that no row names a column twice.
    named_in: Vec<(u64, u32)>,
    rows: u64,
    newest: Option<TimestampMs>,
}

impl PushGroup {
    pub fn new(writer: Box<dyn RowWriter>) -> Self {
        Self { writer, row: Row::default(), named_in: Vec::new(), rows: 0, newest: None }
    }

    pub fn column(&mut self, labels: &Labels) -> Result<Column, AppendError> {
        self.writer.column(labels)
    }

    /// Nobody pushes these any more.
    pub fn retire(&mut self, columns: &[Column]) {
        self.writer.retire(columns);
    }

    pub fn describe(&mut self, family: &str, metadata: &crate::model::Metadata) -> Result<(), AppendError> {
        self.writer.describe(family, metadata)
    }

    /// They complete the newest row.
    pub fn commit_exemplars(&mut self, exemplars: Vec<(Column, Exemplar)>) -> Result<(), WriteError> {
        let Some(newest) = self.newest else { return Ok(()) };
        self.row.clear(newest);
        self.row.exemplars = exemplars;
        self.writer.commit(&self.row)?;
        Ok(())
    }

    /// Commits samples of one time. Where a series comes twice, the first one counts, and an equal repetition is fine.
    pub fn commit(&mut self, run: &[Pending], outcome: &mut Outcome) -> Result<(), WriteError> {
        let at = run[0].at;
        self.row.clear(at);
        self.rows += 1;
        for sample in run {
            let column = sample.column.0 as usize;
            if column >= self.named_in.len() {
                self.named_in.resize(column + 1, (0, 0));
            }
            let (row, cell) = self.named_in[column];
            if row == self.rows {
                if self.row.cells[cell as usize].value.same_bits(&sample.value) {
                    outcome.accepted += 1;
                } else {
                    outcome.reject(reason_text(Rejected::Duplicate), sample.series, at);
                }
                continue;
            }
            self.named_in[column] = (self.rows, self.row.cells.len() as u32);
            self.row.cells.push(Cell { column: sample.column, value: sample.value.clone() });
        }
        let report = self.writer.commit(&self.row)?;
        outcome.accepted += report.accepted as u64;
        if !report.rejected.is_empty() {
            let series: HashMap<Column, u32> = run.iter().rev().map(|sample| (sample.column, sample.series)).collect();
            for (column, reason) in report.rejected {
                outcome.reject(reason_text(reason), series.get(&column).copied().unwrap_or(u32::MAX), at);
            }
        }
        self.newest = self.newest.max(Some(at));
        Ok(())
    }
}

/// Prometheus's sentence in an answer.
fn reason_text(reason: Rejected) -> &'static str {
    match reason {
        Rejected::TooFarAhead => "out of bounds: timestamp is too far in the future",
        other => other.as_str(),
    }
}
