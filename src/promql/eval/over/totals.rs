//! `sum_over_time` and `avg_over_time`.
//!
//! Where windows overlap, sums come from running totals kept in two floats (Dekker's double-double), which is exact for integers
//! and agrees with a compensated sum of the window to its last bits. Where the running total dwarfs the result, the window is summed.

use super::Over;
use crate::promql::eval::sum::{Mean, Sum};
use crate::promql::eval::{Column, RangeSeries};
use crate::promql::functions::FunctionId;
use crate::promql::native::{Total, Totals};

/// A result below this share of the running total is summed anew: 2^-36 leaves a margin over 2^-104 for any length of column.
const DWARFED: f64 = 1.0 / 68_719_476_736.0;
/// Integers up to here add up without rounding.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

impl Over<'_> {
    pub(super) fn totals(&self, series: &RangeSeries<'_>, out: &mut Column) {
        let is_sum = self.function == FunctionId::SumOverTime;
        let running = if series.windows_overlap() { Running::of(series.floats) } else { None };
        for step in 0..series.steps() {
            if running.is_none() && self.is_spent(series, step) {
                return;
            }
            if series.histogram_window(step).len() > 0 {
                if !self.is_mixed(series, step) {
                    self.total_of_histograms(series, step, out);
                }
                continue;
            }
            let window = series.windows[step];
            if window.len() == 0 {
                continue;
            }
            let quick = running.as_ref().and_then(|r| r.between(window.lo as usize, window.hi as usize));
            out.floats[step] = match quick {
                Some(sum) if is_sum => sum,
                Some(sum) => sum / window.len() as f64,
                None if is_sum => sum(&series.floats[window.range()]),
                None => mean(&series.floats[window.range()]),
            };
        }
    }

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

/// Totals of all values before each place, each as a float and what it lacks.
struct Running {
    high: Vec<f64>,
    low: Vec<f64>,
    /// Largest total so far, by size: what rounding errors are measured by.
    peak: Vec<f64>,
    is_exact: bool,
}

impl Running {
    /// None where a value is not finite or the total overflows.
    fn of(values: &[f64]) -> Option<Self> {
        let places = values.len() + 1;
        let (mut high, mut low, mut peak) = (Vec::with_capacity(places), Vec::with_capacity(places), Vec::with_capacity(places));
        let (mut total, mut rest, mut size, mut largest, mut whole) = (0.0f64, 0.0f64, 0.0f64, 0.0f64, true);
        high.push(0.0);
        low.push(0.0);
        peak.push(0.0);
        for value in values {
            size += value.abs();
            whole &= *value == value.trunc();
            let (sum, error) = two_sum(total, *value);
            // The first part stays the larger one.
            let error = error + rest;
            total = sum + error;
            rest = error - (total - sum);
            largest = largest.max(total.abs());
            high.push(total);
            low.push(rest);
            peak.push(largest);
        }
        size.is_finite().then_some(Self { high, low, peak, is_exact: whole && size < EXACT_MAX })
    }

    /// The sum of the values from `from` to before `to`; none where it would be too inexact.
    fn between(&self, from: usize, to: usize) -> Option<f64> {
        if self.is_exact {
            return Some(self.high[to] - self.high[from]);
        }
        let (difference, error) = two_sum(self.high[to], -self.high[from]);
        let sum = difference + (error + (self.low[to] - self.low[from]));
        (sum.abs() > self.peak[to] * DWARFED).then_some(sum)
    }
}

/// Knuth's exact addition: the rounded sum and what rounding took away.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn running_totals_agree_with_compensated_sums(
            values in prop::collection::vec(prop_oneof![-1e6..1e6f64, Just(0.0), -1e-6..1e-6f64, (-1000i32..1000).prop_map(f64::from)], 1..200),
            cut in (0usize..200, 0usize..200),
        ) {
            let (from, to) = (cut.0.min(cut.1) % (values.len() + 1), cut.0.max(cut.1).min(values.len()));
            let (from, to) = (from.min(to), to);
            let running = Running::of(&values).unwrap();
            let wanted = sum(&values[from..to]);
            if let Some(got) = running.between(from, to) {
                prop_assert!((got - wanted).abs() <= wanted.abs() * 4.0 * f64::EPSILON, "{got} {wanted}");
            }
        }

        #[test]
        fn integers_are_exact(values in prop::collection::vec(-100_000i64..100_000, 1..200)) {
            let floats: Vec<f64> = values.iter().map(|v| *v as f64).collect();
            let running = Running::of(&floats).unwrap();
            for to in 0..=values.len() {
                for from in 0..=to {
                    prop_assert_eq!(running.between(from, to), Some(values[from..to].iter().sum::<i64>() as f64));
                }
            }
        }
    }

    #[test]
    fn infinities_and_cancellation_are_left_to_the_window() {
        assert!(Running::of(&[1.0, f64::INFINITY]).is_none());
        let running = Running::of(&[1e300, 1.5, -1e300, 0.25]).unwrap();
        assert_eq!(running.between(3, 4), None);
    }
}
