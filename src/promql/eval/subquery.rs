//! Subqueries: the inner expression at multiples of the step, seen as a range vector.

use std::sync::Arc;

use super::select::reference;
use super::steps::Steps;
use super::window::{Frames, RangeSeries, Shared, Unpacked};
use super::{Eval, Series};
use crate::model::Histogram;
use crate::model::histogram::ResetHint;
use crate::promql::ast::Subquery;
use crate::promql::error::QueryError;
use crate::promql::limits::{STEPS_MAX, SUBQUERY_STEP_BYTES};

impl Eval<'_> {
    pub(super) fn subquery(
        &self,
        subquery: &Subquery,
        steps: &Steps,
        each: &mut dyn FnMut(&RangeSeries<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let frames = Frames {
            ends: steps.times().map(|at| reference(&subquery.modifiers, at)).collect(),
            range: subquery.range.fixed().0,
            reach: None,
        };
        let inner = self.inner_steps(subquery, &frames)?;
        if inner.count == 0 {
            return Ok(());
        }
        // The steps alone take memory, and so do the buffers that series after series is unpacked into.
        self.guard.hold(inner.count)?;
        self.guard.hold_bytes(inner.count as u64 * SUBQUERY_STEP_BYTES)?;
        let times: Vec<i64> = inner.times().collect();
        let windows = frames.windows(&times);
        let touched: u64 = windows.iter().map(|w| w.len() as u64).sum();
        let shared = Shared { number: 0, frames: &frames, times: &times, windows: &windows, with_starts: false };
        let mut unpacked = Unpacked::default();
        // The function around is not that of the selectors inside. What they look at does not count, as in Prometheus: what they make does.
        let (inside, before) = (Eval { function: None, tally: None, ..*self }, self.guard.counted());
        let mut counted = 0;
        inside.vector(&subquery.expr, &inner, &mut |series: &mut Series| {
            self.guard.work(series.column.len() + windows.len())?;
            self.guard.hold(series.column.len())?;
            fill(&mut unpacked, series);
            let one = unpacked.series(&series.labels, series.drop_name, &shared);
            counted += self.count_windows(&one, touched);
            each(&one)?;
            self.guard.release(series.column.len());
            Ok(())
        })?;
        self.guard.discount((self.guard.counted() - before).saturating_sub(counted));
        self.guard.release(inner.count);
        Ok(())
    }

    /// Multiples of the step, counted from the epoch, that lie in any window.
    fn inner_steps(&self, subquery: &Subquery, frames: &Frames) -> Result<Steps, QueryError> {
        let step = subquery.step.as_ref().map_or(self.subquery_step, |s| s.fixed().0).max(1);
        let (Some(first), Some(last)) = (frames.ends.iter().min(), frames.ends.iter().max()) else {
            return Ok(Steps { start: 0, step, count: 0 });
        };
        // The window is open on the left: the first multiple after it.
        let start = first.saturating_sub(frames.range).div_euclid(step).saturating_add(1).saturating_mul(step);
        if start > *last {
            return Ok(Steps { start, step, count: 0 });
        }
        let count = last.saturating_sub(start) / step + 1;
        if count > STEPS_MAX {
            return QueryError::execution(format!("subquery of {count} steps is longer than the limit of {STEPS_MAX} steps"));
        }
        Ok(Steps { start, step, count: count as usize })
    }
}

/// A column as the rows of a range: absent steps are gaps.
fn fill(unpacked: &mut Unpacked, series: &mut Series) {
    let values = &mut unpacked.values;
    values.clear();
    values.floats.extend_from_slice(&series.column.floats);
    for (row, histogram) in series.column.histograms.iter().enumerate() {
        if let Some(histogram) = histogram {
            values.histograms.push((row as u32, without_hint(histogram)));
        }
    }
}

/// Steps skip and repeat samples: what a histogram knows of the one before it no longer holds.
fn without_hint(histogram: &Arc<Histogram>) -> Arc<Histogram> {
    if matches!(histogram.reset_hint, ResetHint::Unknown | ResetHint::Gauge) {
        return Arc::clone(histogram);
    }
    Arc::new(Histogram { reset_hint: ResetHint::Unknown, ..Histogram::clone(histogram) })
}
