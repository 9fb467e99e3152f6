//! Series that both stores have: their rows merged by time.

use std::ops::Range;
use std::sync::Arc;

use crate::model::TimestampMs;
use crate::storage::select::{Batch, ColumnValues, LabelPair, SelectError, SeriesId};

/// The store has no row of this time.
const NONE: u32 = u32::MAX;

pub struct Both {
    older: Arc<dyn Batch>,
    main: Arc<dyn Batch>,
    /// Index in the older batch and in the main one.
    pairs: Vec<(u32, u32)>,
    times: Vec<TimestampMs>,
    /// For each time the row in the older batch and in the main one.
    rows: Vec<(u32, u32)>,
}

/// One store's values of the rows wanted.
#[derive(Default)]
struct Read {
    first: usize,
    values: ColumnValues,
    next_histogram: usize,
    next_start: usize,
}

impl Read {
    fn new(batch: &dyn Batch, index: u32, rows: impl Iterator<Item = u32> + Clone) -> Result<Self, SelectError> {
        let held = rows.filter(|row| *row != NONE);
        let (Some(first), Some(last)) = (held.clone().next(), held.last()) else { return Ok(Self::default()) };
        let mut read = Self { first: first as usize, ..Self::default() };
        batch.read(index as usize, first as usize..last as usize + 1, &mut read.values)?;
        Ok(read)
    }

    /// Appends the value of a row, which are asked for in order. False where it holds none.
    fn give(&mut self, row: u32, at: u32, into: &mut ColumnValues) -> bool {
        if row == NONE {
            return false;
        }
        let own = row as usize - self.first;
        if !self.values.is_present(own) {
            return false;
        }
        into.floats.push(self.values.floats.get(own).copied().unwrap_or(0.0));
        let histograms = &self.values.histograms;
        self.next_histogram += histograms[self.next_histogram..].iter().take_while(|(of, _)| (*of as usize) < own).count();
        if let Some((_, held)) = histograms.get(self.next_histogram).filter(|(of, _)| *of as usize == own) {
            into.histograms.push((at, held.clone()));
        }
        let starts = &self.values.starts;
        self.next_start += starts[self.next_start..].iter().take_while(|(of, _)| (*of as usize) < own).count();
        if let Some((_, start)) = starts.get(self.next_start).filter(|(of, _)| *of as usize == own) {
            into.starts.push((at, *start));
        }
        true
    }
}

impl Both {
    pub fn new(older: Arc<dyn Batch>, main: Arc<dyn Batch>, pairs: Vec<(u32, u32)>) -> Self {
        let (a, b) = (older.times(), main.times());
        let (mut times, mut rows) = (Vec::with_capacity(a.len() + b.len()), Vec::with_capacity(a.len() + b.len()));
        let (mut x, mut y) = (0usize, 0usize);
        while x < a.len() || y < b.len() {
            let from_a = y >= b.len() || (x < a.len() && a[x] <= b[y]);
            let from_b = x >= a.len() || (y < b.len() && b[y] <= a[x]);
            times.push(if from_a { a[x] } else { b[y] });
            rows.push((if from_a { x as u32 } else { NONE }, if from_b { y as u32 } else { NONE }));
            x += usize::from(from_a);
            y += usize::from(from_b);
        }
        Self { older, main, pairs, times, rows }
    }
}

impl Batch for Both {
    fn times(&self) -> &[TimestampMs] {
        &self.times
    }

    fn len(&self) -> usize {
        self.pairs.len()
    }

    fn series_id(&self, index: usize) -> SeriesId {
        self.main.series_id(self.pairs[index].1 as usize)
    }

    fn labels(&self, index: usize) -> &[LabelPair] {
        self.main.labels(self.pairs[index].1 as usize)
    }

    fn read(&self, index: usize, rows: Range<usize>, into: &mut ColumnValues) -> Result<(), SelectError> {
        into.clear();
        let (of_older, of_main) = self.pairs[index];
        let wanted = &self.rows[rows];
        let mut older = Read::new(self.older.as_ref(), of_older, wanted.iter().map(|(row, _)| *row))?;
        let mut main = Read::new(self.main.as_ref(), of_main, wanted.iter().map(|(_, row)| *row))?;
        let mut present = vec![0u64; wanted.len().div_ceil(64)];
        let mut gaps = false;
        for (at, (older_row, main_row)) in wanted.iter().enumerate() {
            if main.give(*main_row, at as u32, into) || older.give(*older_row, at as u32, into) {
                present[at / 64] |= 1 << (at % 64);
            } else {
                into.floats.push(0.0);
                gaps = true;
            }
        }
        if gaps {
            into.present = present;
        }
        Ok(())
    }
}
