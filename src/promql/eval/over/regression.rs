//! `deriv`, `predict_linear` (least squares) and `double_exponential_smoothing`.

use super::Over;
use crate::promql::eval::sum::Sum;
use crate::promql::eval::{Column, RangeSeries};
use crate::promql::functions::FunctionId;

impl Over<'_> {
    pub(super) fn trend(&self, series: &RangeSeries<'_>, out: &mut Column) {
        for step in 0..series.steps() {
            if self.is_spent(series, step) {
                return;
            }
            let range = series.windows[step].range();
            // One float beside histograms still says that something was left out.
            self.note_ignored(series, step);
            if range.len() < 2 {
                continue;
            }
            let (times, values) = (&series.times[range.clone()], &series.floats[range]);
            out.floats[step] = match self.function {
                // Times near the values keep the arithmetic accurate.
                FunctionId::Deriv => regression(times, values, times[0]).0,
                FunctionId::PredictLinear => {
                    let (slope, intercept) = regression(times, values, self.steps.at(step));
                    slope * self.scalar(0, step) + intercept
                }
                _ => smoothed(values, self.scalar(0, step), self.scalar(1, step)),
            };
        }
    }
}

/// Slope per second, and the value at `origin`.
fn regression(times: &[i64], values: &[f64], origin: i64) -> (f64, f64) {
    let constant = values.iter().all(|v| *v == values[0]);
    if constant {
        return if values[0].is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, values[0]) };
    }
    let (mut x_sum, mut y_sum, mut xy_sum, mut xx_sum) = (Sum::default(), Sum::default(), Sum::default(), Sum::default());
    for (at, y) in times.iter().zip(values) {
        let x = (at - origin) as f64 / 1e3;
        x_sum.add(x);
        y_sum.add(*y);
        xy_sum.add(x * y);
        xx_sum.add(x * x);
    }
    let n = values.len() as f64;
    let (x, y) = (x_sum.value(), y_sum.value());
    let slope = (xy_sum.value() - x * y / n) / (xx_sum.value() - x * x / n);
    (slope, y / n - slope * x / n)
}

/// Holt's linear method.
fn smoothed(values: &[f64], smoothing: f64, trend: f64) -> f64 {
    let (mut before, mut level) = (0.0, values[0]);
    let mut slope = values[1] - values[0];
    for (at, value) in values.iter().enumerate().skip(1) {
        if at > 1 {
            slope = trend * (level - before) + (1.0 - trend) * slope;
        }
        let next = smoothing * value + (1.0 - smoothing) * (level + slope);
        (before, level) = (level, next);
    }
    level
}
