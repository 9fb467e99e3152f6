//! Functions that look at the floats of a window as a set: smallest, largest, quantiles, deviations.

use super::Over;
use super::slide::{Sorted, extreme, extremes};
use super::spread::Spreads;
use crate::promql::eval::quantile::{median, quantile};
use crate::promql::eval::sum::Sum;
use crate::promql::eval::{Column, RangeSeries};
use crate::promql::functions::FunctionId;

impl Over<'_> {
    pub(super) fn floats_only(&self, series: &RangeSeries<'_>, out: &mut Column) {
        if !series.histograms.is_empty() {
            for step in 0..series.steps() {
                self.note_ignored(series, step);
            }
        }
        let (values, times, windows) = (series.floats, series.times, series.windows);
        match self.function {
            // Windows that share little are looked at one by one.
            FunctionId::MinOverTime | FunctionId::MaxOverTime if !series.windows_overlap() => {
                let is_max = self.function == FunctionId::MaxOverTime;
                for (step, window) in windows.iter().enumerate().filter(|(_, w)| w.len() > 0) {
                    out.floats[step] = extreme(&values[window.range()], is_max);
                }
            }
            FunctionId::MinOverTime => extremes(values, windows, false, false, |step, at| out.floats[step] = values[at]),
            FunctionId::MaxOverTime => extremes(values, windows, true, false, |step, at| out.floats[step] = values[at]),
            FunctionId::TsOfMinOverTime => extremes(values, windows, false, true, |step, at| out.floats[step] = times[at] as f64 / 1000.0),
            FunctionId::TsOfMaxOverTime => extremes(values, windows, true, true, |step, at| out.floats[step] = times[at] as f64 / 1000.0),
            FunctionId::QuantileOverTime if series.windows_overlap() => {
                let mut sorted = Sorted::default();
                for (step, window) in windows.iter().enumerate().filter(|(_, w)| w.len() > 0) {
                    if self.is_spent(series, step) {
                        return;
                    }
                    sorted.move_to(values, *window);
                    out.floats[step] = sorted.quantile(self.scalar(0, step));
                }
            }
            FunctionId::StdvarOverTime | FunctionId::StddevOverTime if series.windows_overlap() => self.spreads(series, out),
            _ => self.walked(series, out),
        }
    }

    /// Deviations of windows that overlap, from running sums where those are exact enough.
    fn spreads(&self, series: &RangeSeries<'_>, out: &mut Column) {
        let running = Spreads::of(series.floats);
        for (step, window) in series.windows.iter().enumerate().filter(|(_, w)| w.len() > 0) {
            let variance = match running.as_ref().and_then(|running| running.variance(window.range())) {
                Some(variance) => variance,
                None if self.is_spent(series, step) => return,
                None => variance(&series.floats[window.range()]),
            };
            out.floats[step] = if self.function == FunctionId::StddevOverTime { variance.sqrt() } else { variance };
        }
    }

    /// Functions that look at every value of every window.
    fn walked(&self, series: &RangeSeries<'_>, out: &mut Column) {
        let mut scratch = Vec::new();
        for step in 0..series.steps() {
            if self.is_spent(series, step) {
                return;
            }
            let values = &series.floats[series.windows[step].range()];
            if values.is_empty() {
                continue;
            }
            out.floats[step] = match self.function {
                FunctionId::QuantileOverTime => quantile(self.scalar(0, step), copied(&mut scratch, values)),
                FunctionId::MadOverTime => median_deviation(copied(&mut scratch, values)),
                FunctionId::StdvarOverTime => variance(values),
                FunctionId::StddevOverTime => variance(values).sqrt(),
                other => unreachable!("{other:?} is no function over floats"),
            };
        }
    }
}

fn copied<'s>(scratch: &'s mut Vec<f64>, values: &[f64]) -> &'s mut [f64] {
    scratch.clear();
    scratch.extend_from_slice(values);
    scratch
}

/// Welford's method, with compensated running values.
fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (Sum::default(), Sum::default());
    for (count, value) in (1..).zip(values) {
        let delta = value - mean.value();
        mean.add(delta / f64::from(count));
        squares.add(delta * (value - mean.value()));
    }
    squares.value() / values.len() as f64
}

fn median_deviation(values: &mut [f64]) -> f64 {
    let center = median(values);
    for value in values.iter_mut() {
        *value = (*value - center).abs();
    }
    if values.iter().any(|v| v.is_nan()) { f64::NAN } else { median(values) }
}
