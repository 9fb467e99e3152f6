//! Samples that a query looks at, counted as Prometheus counts them: in all, and, where it is asked for, step by step.

use std::sync::{Mutex, PoisonError};

use super::series::is_absent;
use super::window::RangeSeries;
use super::{Column, Eval};
use crate::model::Histogram;
use crate::promql::error::QueryError;

/// Counts by step.
#[derive(Debug)]
pub struct Tally(Mutex<Vec<u64>>);

impl Tally {
    pub fn new(steps: usize) -> Self {
        Self(Mutex::new(vec![0; steps]))
    }

    fn add(&self, each: impl Fn(usize) -> u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter_mut().enumerate().for_each(|(step, count)| *count += each(step));
    }

    pub fn into_counts(self) -> Vec<u64> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many samples a native histogram counts as: its size in Prometheus's memory, with its time, beside that of a float.
fn weight(histogram: &Histogram) -> u64 {
    const HEAD_BYTES: usize = 168;
    const WORD_BYTES: usize = 8;
    const SAMPLE_BYTES: usize = 16;
    let words = histogram.positive_spans.len()
        + histogram.negative_spans.len()
        + histogram.positive_counts.len()
        + histogram.negative_counts.len()
        + histogram.custom_bounds.len();
    ((HEAD_BYTES + words * WORD_BYTES + WORD_BYTES) / SAMPLE_BYTES) as u64
}

impl Eval<'_> {
    /// Counts what a selector yields: the samples of one series, one a step at most. Zero means that there are none.
    pub(super) fn count_column(&self, column: &Column) -> u64 {
        let at = |step: usize| {
            let histogram = column.histograms.get(step).and_then(Option::as_deref);
            u64::from(!is_absent(column.floats[step])) + histogram.map_or(0, weight)
        };
        let mut found = column.floats.iter().filter(|value| !is_absent(**value)).count() as u64;
        found += column.histograms.iter().flatten().map(|histogram| weight(histogram)).sum::<u64>();
        self.guard.count(found);
        if let Some(tally) = self.tally {
            tally.add(at);
        }
        found
    }

    /// Counts the samples of all windows. `whole` is how many there are in a series without gaps.
    pub(super) fn count_windows(&self, series: &RangeSeries<'_>, whole: u64) -> u64 {
        // What all histograms before a place count as, the place behind the last included.
        let mut before = vec![0];
        before.extend(series.histograms.iter().scan(0, |sum, histogram| {
            *sum += weight(histogram);
            Some(*sum)
        }));
        let at = |step: usize| {
            let histograms = series.histogram_window(step);
            series.windows[step].len() as u64 + before[histograms.hi as usize] - before[histograms.lo as usize]
        };
        let is_whole = series.shape.is_some() && series.histograms.is_empty();
        let found = if is_whole { whole } else { (0..series.steps()).map(at).sum() };
        self.guard.count(found);
        if let Some(tally) = self.tally {
            tally.add(at);
        }
        found
    }

    /// Evaluates once what counts at each of so many steps.
    pub(super) fn counted_at_each(
        &self,
        steps: usize,
        evaluate: impl FnOnce(&Eval<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let before = self.guard.counted();
        evaluate(&Eval { tally: None, ..*self })?;
        let samples = self.guard.counted() - before;
        self.guard.count((samples * steps as u64).saturating_sub(samples));
        if let Some(tally) = self.tally {
            tally.add(|_| samples);
        }
        Ok(())
    }
}
