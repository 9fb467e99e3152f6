//! `sum_over_time` and `avg_over_time`.

use super::Over;
use crate::promql::eval::sum::{Mean, Sum};
use crate::promql::eval::{Column, RangeSeries};
use crate::promql::functions::FunctionId;

impl Over<'_> {
    pub(super) fn totals(&self, series: &RangeSeries<'_>, out: &mut Column) {
        let is_sum = self.function == FunctionId::SumOverTime;
        for step in 0..series.steps() {
            if series.histogram_window(step).len() > 0 {
                if !self.is_mixed(series, step) {
                    self.total_of_histograms(series, step, out);
                }
                continue;
            }
            let window = &series.floats[series.windows[step].range()];
            if window.is_empty() {
                continue;
            }
            out.floats[step] = if is_sum { sum(window) } else { mean(window) };
        }
    }
}

fn sum(values: &[f64]) -> f64 {
    let mut sum = Sum::default();
    values.iter().for_each(|v| sum.add(*v));
    sum.value()
}

fn mean(values: &[f64]) -> f64 {
    let mut mean = Mean::default();
    values.iter().for_each(|v| mean.add(*v));
    mean.value()
}
