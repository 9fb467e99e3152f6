//! Functions that look at the floats of a window as a set: smallest, largest, quantiles, deviations.

use super::Over;
use crate::promql::eval::quantile::{median, quantile};
use crate::promql::eval::sum::Sum;
use crate::promql::eval::{Column, RangeSeries};
use crate::promql::functions::FunctionId;

impl Over<'_> {
    pub(super) fn floats_only(&self, series: &RangeSeries<'_>, out: &mut Column) {
        let mut scratch = Vec::new();
        for step in 0..series.steps() {
            let range = series.windows[step].range();
            if range.is_empty() {
                continue;
            }
            self.note_ignored(series, step);
            let (times, values) = (&series.times[range.clone()], &series.floats[range]);
            out.floats[step] = match self.function {
                FunctionId::MinOverTime => extreme(values, |a, b| a < b).1,
                FunctionId::MaxOverTime => extreme(values, |a, b| a > b).1,
                FunctionId::TsOfMinOverTime => times[extreme(values, |a, b| a <= b).0] as f64 / 1000.0,
                FunctionId::TsOfMaxOverTime => times[extreme(values, |a, b| a >= b).0] as f64 / 1000.0,
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

/// Place and value of the extreme; a NaN gives way to anything.
fn extreme(values: &[f64], is_better: fn(f64, f64) -> bool) -> (usize, f64) {
    let mut best = (0, values[0]);
    for (at, value) in values.iter().enumerate().skip(1) {
        if is_better(*value, best.1) || best.1.is_nan() {
            best = (at, *value);
        }
    }
    best
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
