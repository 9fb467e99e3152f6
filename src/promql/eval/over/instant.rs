//! `irate` and `idelta` (the last two samples), `first_over_time` and `last_over_time`, and their timestamps.

use super::Over;
use crate::promql::eval::{Cell, Column, RangeSeries};
use crate::promql::functions::FunctionId;

impl Over<'_> {
    pub(super) fn last_two(&self, series: &RangeSeries<'_>, out: &mut Column) {
        let is_rate = self.function == FunctionId::Irate;
        for step in 0..series.steps() {
            if series.histogram_window(step).len() > 0 || !series.starts.is_empty() {
                self.last_two_with_histograms(series, step, out);
                continue;
            }
            let window = series.windows[step];
            if window.len() < 2 {
                continue;
            }
            let last = window.hi as usize - 1;
            let (value, before) = (series.floats[last], series.floats[last - 1]);
            let millis = series.times[last] - series.times[last - 1];
            if millis == 0 {
                continue;
            }
            // A counter that fell began anew at zero.
            let difference = if is_rate && value < before { value } else { value - before };
            out.floats[step] = if is_rate { difference / (millis as f64 / 1000.0) } else { difference };
        }
    }

    /// The oldest or newest sample, of whatever kind.
    pub(super) fn edge(&self, series: &RangeSeries<'_>, out: &mut Column) {
        let first = self.function == FunctionId::FirstOverTime;
        for step in 0..series.steps() {
            if let Some((_, cell)) = edge_of(series, step, first) {
                out.set(step, cell);
            }
        }
    }

    pub(super) fn edge_time(&self, series: &RangeSeries<'_>, out: &mut Column) {
        let first = self.function == FunctionId::TsOfFirstOverTime;
        for step in 0..series.steps() {
            if let Some((at, _)) = edge_of(series, step, first) {
                out.floats[step] = at as f64 / 1000.0;
            }
        }
    }
}

fn edge_of<'s>(series: &'s RangeSeries<'_>, step: usize, first: bool) -> Option<(i64, Cell<'s>)> {
    let (floats, histograms) = (series.windows[step].range(), series.histogram_window(step).range());
    let place = |range: std::ops::Range<usize>| if range.is_empty() { None } else { Some(if first { range.start } else { range.end - 1 }) };
    let float = place(floats).map(|i| (series.times[i], Cell::Float(series.floats[i])));
    let histogram = place(histograms).map(|i| (series.histogram_times[i], Cell::Histogram(&series.histograms[i])));
    match (float, histogram) {
        (Some(f), Some(h)) => Some(if (f.0 < h.0) == first { f } else { h }),
        (one, other) => one.or(other),
    }
}
