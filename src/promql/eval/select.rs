//! Selectors: batches of the store become vectors and range vectors. Which row belongs to which step is found once per batch.

use std::ops::Range;
use std::sync::Arc;

use super::series::{ABSENT, Column, Series};
use super::steps::Steps;
use super::window::{Cursor, Frames, RangeSeries, Reach, Shared, Unpacked};
use super::{Eval, Sink};
use crate::model::histogram::ResetHint;
use crate::model::{DurationMs, Histogram, TimeRange, TimestampMs, is_stale};
use crate::promql::ast::{At, Expr, ExprKind, Modifiers, RangeSelector, Selector};
use crate::promql::error::QueryError;
use crate::promql::native::detect_reset;
use crate::storage::{Batch, ColumnValues, Hints};

/// What a selector yields for a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yield {
    Value,
    /// Its time in seconds, for `timestamp`.
    Time,
    /// Its start timestamp in seconds, for `start_timestamp`.
    Start,
    /// Some float where there is one, for counting; histograms as they are.
    Presence,
}

/// No row belongs to the step.
const NO_ROW: u32 = u32::MAX;

/// The time that a step's samples are looked up at.
pub fn reference(modifiers: &Modifiers, at: i64) -> i64 {
    let base = match modifiers.at {
        Some(At::Time(TimestampMs(fixed))) => fixed,
        _ => at,
    };
    base.saturating_sub(modifiers.offset.fixed().0)
}

/// Gets a batch with its number, and which of its series to read.
type EachBatch<'e> = dyn FnMut(u64, &dyn Batch, Range<usize>) -> Result<(), QueryError> + 'e;

/// What a selector asks of the store.
struct Wanted {
    /// The time that each step looks from.
    references: Vec<i64>,
    range: TimeRange,
    /// Milliseconds; none for an instant selector.
    window: Option<i64>,
}

impl Eval<'_> {
    fn wanted(&self, selector: &Selector, window: Option<i64>, steps: &Steps) -> Option<Wanted> {
        let references: Vec<i64> = steps.times().map(|at| reference(&selector.modifiers, at)).collect();
        let (first, last) = (*references.iter().min()?, *references.iter().max()?);
        let reach = self.reach(selector);
        let behind = window.unwrap_or(self.lookback).saturating_add(reach.map_or(0, |r| r.before));
        let ahead = reach.map_or(0, |r| r.after);
        // Windows are open on the left.
        let range = TimeRange::new(TimestampMs(first.saturating_sub(behind).saturating_add(1)), TimestampMs(last.saturating_add(ahead)));
        Some(Wanted { references, range, window })
    }

    fn reach(&self, selector: &Selector) -> Option<Reach> {
        let after = if selector.smoothed { self.lookback } else { 0 };
        (selector.anchored || selector.smoothed).then_some(Reach { before: self.lookback, after, smoothed: selector.smoothed })
    }

    fn select(&self, selector: &Selector, wanted: &Wanted, steps: &Steps) -> Result<Vec<Box<dyn Batch>>, QueryError> {
        let hints = Hints {
            range: Some(wanted.range),
            function: if selector.anchored || selector.smoothed { None } else { self.function },
            window: wanted.window.map(DurationMs),
            step: (steps.count > 1).then_some(DurationMs(steps.step)),
            ..Hints::default()
        };
        let batches = self.snapshot.select(&selector.matchers, &hints)?;
        // Matching that was cut short found anything.
        self.guard.check()?;
        Ok(batches)
    }

    /// The batches of the selector that a leaf of the tree is.
    pub(super) fn batches_of(&self, leaf: &Expr, steps: &Steps) -> Result<Vec<Box<dyn Batch>>, QueryError> {
        let (selector, window) = match &leaf.kind {
            ExprKind::Selector(selector) => (selector, None),
            ExprKind::Range(range) => (&range.selector, Some(range.range.fixed().0)),
            _ => return QueryError::execution("internal: a selector was expected"),
        };
        match self.wanted(selector, window, steps) {
            Some(wanted) => self.select(selector, &wanted, steps),
            None => Ok(Vec::new()),
        }
    }

    /// Calls `each` with every batch and those of its series that this evaluation is to read.
    fn each_batch(&self, selector: &Selector, wanted: &Wanted, steps: &Steps, each: &mut EachBatch<'_>) -> Result<(), QueryError> {
        let Some(part) = self.part else {
            // What a batch has read goes with it.
            for (number, batch) in (0..).zip(self.select(selector, wanted, steps)?) {
                each(number, &*batch, 0..batch.len())?;
            }
            return Ok(());
        };
        let (batches, mut part) = (part.batches, part.series.clone());
        for (number, batch) in (0..).zip(batches) {
            let length = batch.len();
            let series = part.start.min(length)..part.end.min(length);
            part = part.start.saturating_sub(length)..part.end.saturating_sub(length);
            if !series.is_empty() {
                each(number, &**batch, series)?;
            }
        }
        Ok(())
    }

    /// The newest sample of each series at each step, unless it is older than the lookback or a stale marker.
    pub(super) fn selector(&self, selector: &Selector, steps: &Steps, what: Yield, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let Some(wanted) = self.wanted(selector, None, steps) else { return Ok(()) };
        let mut series = Series::default();
        let mut values = ColumnValues::default();
        self.each_batch(selector, &wanted, steps, &mut |_, batch, indexes| {
            let times: Vec<i64> = batch.times().iter().map(|t| t.0).collect();
            let rows = newest_rows(&times, &wanted.references, self.lookback);
            // Of an instant query's series the newest row is enough, unless it turns out to be a gap.
            let only = if let [row] = *rows { Some(row) } else { None };
            if only == Some(NO_ROW) {
                return Ok(());
            }
            let read = |index, rows, into: &mut ColumnValues| match what {
                Yield::Presence => batch.read_presence(index, rows, into),
                _ => batch.read(index, rows, into),
            };
            let whole = Picked { times: &times, rows: &rows, references: &wanted.references, lookback: self.lookback };
            for index in indexes {
                self.guard.work(times.len() + steps.count)?;
                let mut picked = &whole;
                let last;
                let only = only.map(|row| row as usize).filter(|_| !selector.statistics_only);
                if let Some(row) = only {
                    read(index, row..row + 1, &mut values)?;
                    last = Picked { times: &times[row..=row], rows: &[0], ..whole };
                    picked = &last;
                }
                if only.is_none() || !values.is_present(0) {
                    read(index, 0..times.len(), &mut values)?;
                    picked = &whole;
                }
                if selector.statistics_only {
                    find_hints(&mut values);
                }
                self.guard.hold(times.len())?;
                series.labels.clear();
                series.labels.extend_from_slice(batch.labels(index));
                series.drop_name = false;
                picked.column(&values, what, &mut series.column);
                self.guard.release(times.len());
                if self.count_column(&series.column) > 0 {
                    sink(&mut series)?;
                }
            }
            Ok(())
        })
    }

    /// Calls `each` for every series that has samples in any window.
    pub(super) fn range_selector(
        &self,
        range: &RangeSelector,
        steps: &Steps,
        each: &mut dyn FnMut(&RangeSeries<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let length = range.range.fixed().0;
        let Some(wanted) = self.wanted(&range.selector, Some(length), steps) else { return Ok(()) };
        let frames = Frames { ends: wanted.references.clone(), range: length, reach: self.reach(&range.selector) };
        // These look at no number.
        let counts = matches!(self.function, Some("count_over_time" | "present_over_time" | "absent_over_time"));
        let mut unpacked = Unpacked::default();
        self.each_batch(&range.selector, &wanted, steps, &mut |number, batch, indexes| {
            let times: Vec<i64> = batch.times().iter().map(|t| t.0).collect();
            let windows = frames.windows(&times);
            let touched: u64 = windows.iter().map(|w| w.len() as u64).sum();
            let with_starts = self.features.use_start_timestamps;
            let shared = Shared { number, frames: &frames, times: &times, windows: &windows, with_starts };
            for index in indexes {
                self.guard.work(times.len() + steps.count)?;
                if counts {
                    batch.read_presence(index, 0..times.len(), &mut unpacked.values)?;
                } else {
                    batch.read(index, 0..times.len(), &mut unpacked.values)?;
                }
                if range.selector.statistics_only {
                    find_hints(&mut unpacked.values);
                }
                self.guard.hold(times.len())?;
                let one = unpacked.series(batch.labels(index), false, &shared);
                self.count_windows(&one, touched);
                each(&one)?;
                self.guard.release(times.len());
            }
            Ok(())
        })
    }
}

/// Tells of each counter histogram whether it follows a reset, as Prometheus's reader of mere counts and sums does.
fn find_hints(values: &mut ColumnValues) {
    let mut before: Option<Arc<Histogram>> = None;
    for (_, histogram) in values.histograms.iter_mut().filter(|(_, h)| !is_stale(h.sum)) {
        let read = Arc::clone(histogram);
        if histogram.reset_hint == ResetHint::Unknown
            && let Some(before) = &before
        {
            let hint = if detect_reset(histogram, before) { ResetHint::Reset } else { ResetHint::NotReset };
            *histogram = Arc::new(Histogram { reset_hint: hint, ..Histogram::clone(histogram) });
        }
        before = Some(read);
    }
}

/// For each reference time, which ascend or are all equal, the newest row that is not older than the lookback.
fn newest_rows(times: &[i64], references: &[i64], lookback: i64) -> Vec<u32> {
    let mut cursor = references.first().map_or_else(Cursor::default, |first| Cursor::at(times, *first));
    references
        .iter()
        .map(|reference| match cursor.move_to(times, *reference) {
            0 => NO_ROW,
            hi if times[hi - 1] <= reference.saturating_sub(lookback) => NO_ROW,
            hi => (hi - 1) as u32,
        })
        .collect()
}

#[derive(Clone, Copy)]
struct Picked<'p> {
    times: &'p [i64],
    rows: &'p [u32],
    references: &'p [i64],
    lookback: i64,
}

impl Picked<'_> {
    fn column(&self, values: &ColumnValues, what: Yield, into: &mut Column) {
        into.reset(self.rows.len());
        let gapless = values.present.is_empty() && values.histograms.is_empty();
        if gapless && matches!(what, Yield::Value | Yield::Presence) {
            // A stale marker has the bits of "absent", so that copying is all there is to do.
            for (place, row) in into.floats.iter_mut().zip(self.rows) {
                *place = if *row == NO_ROW { ABSENT } else { values.floats[*row as usize] };
            }
            return;
        }
        let histograms = rows_of_histograms(values, self.times.len());
        let held = if values.present.is_empty() { Vec::new() } else { newest_held(values, self.times.len()) };
        for (step, row) in self.rows.iter().enumerate() {
            let row = if *row == NO_ROW || held.is_empty() { *row } else { held[*row as usize] };
            if row == NO_ROW || self.times[row as usize] <= self.references[step].saturating_sub(self.lookback) {
                continue;
            }
            let row = row as usize;
            let histogram = histograms.get(row).and_then(|h| h.as_ref());
            if is_stale(histogram.map_or(values.floats[row], |h| h.sum)) {
                continue;
            }
            match (what, histogram) {
                (Yield::Time, _) => into.floats[step] = self.times[row] as f64 / 1000.0,
                (Yield::Start, _) => {
                    // A sample without a start has the start zero, as Prometheus keeps it.
                    let found = values.starts.binary_search_by_key(&(row as u32), |(r, _)| *r);
                    into.floats[step] = found.map_or(0.0, |at| values.starts[at].1.as_seconds());
                }
                (Yield::Value | Yield::Presence, Some(histogram)) => into.set_histogram(step, Arc::clone(histogram)),
                (Yield::Value | Yield::Presence, None) => into.floats[step] = values.floats[row],
            }
        }
    }
}

fn rows_of_histograms(values: &ColumnValues, rows: usize) -> Vec<Option<Arc<Histogram>>> {
    if values.histograms.is_empty() {
        return Vec::new();
    }
    let mut dense = vec![None; rows];
    for (row, histogram) in &values.histograms {
        dense[*row as usize] = Some(Arc::clone(histogram));
    }
    dense
}

/// For each row the newest one up to it that holds anything.
fn newest_held(values: &ColumnValues, rows: usize) -> Vec<u32> {
    let mut last = NO_ROW;
    (0..rows)
        .map(|row| {
            if values.is_present(row) {
                last = row as u32;
            }
            last
        })
        .collect()
}
