//! `sum_over_time` and `avg_over_time`.

use super::Over;
use crate::promql::eval::sum::{Mean, Sum};
use crate::promql::eval::{Column, RangeSeries};
use crate::promql::functions::FunctionId;
use crate::promql::native::{Total, Totals};

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

impl Over<'_> {
    /// The sum or mean of a window that holds histograms only.
    fn total_of_histograms(&self, series: &RangeSeries<'_>, step: usize, out: &mut Column) {
        let window = &series.histograms[series.histogram_window(step).range()];
        let kind = if self.function == FunctionId::SumOverTime { Totals::Sum } else { Totals::Mean };
        let Some((first, rest)) = window.split_first() else { return };
        let mut total = Total::new(kind, first);
        rest.iter().for_each(|histogram| total.add(histogram));
        if let Some(histogram) = total.finish(self.eval, self.span, &self.metric(series)) {
            out.set_histogram(step, histogram);
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
