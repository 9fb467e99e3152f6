//! `rate`, `increase` and `delta`: the difference over the window, mended at resets and extrapolated to the window's edges.
//!
//! The operations and their order are Prometheus's, so that the bits are, too. What depends on times alone is computed once for all
//! series of a batch.

use std::cell::RefCell;
use std::rc::Rc;

use super::Over;
use crate::model::Span;
use crate::promql::annotation::Note;
use crate::promql::eval::window::Window;
use crate::promql::eval::{Column, RangeSeries};
use crate::promql::functions::FunctionId;

/// So many resets can be walked at each step without a look at the clock.
const FEW_RESETS: usize = 256;

/// Where the samples of a window lie, in milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub first: i64,
    pub last: i64,
    pub samples: usize,
    pub range_start: i64,
    pub range_end: i64,
    pub range: i64,
}

impl Extent {
    /// Of a window that is not empty.
    pub fn of(series: &RangeSeries<'_>, step: usize, window: Window, times: &[i64]) -> Self {
        Self {
            first: times[window.lo as usize],
            last: times[window.hi as usize - 1],
            samples: window.len(),
            range_start: series.frames.start(step),
            range_end: series.frames.ends[step],
            range: series.frames.range,
        }
    }
}

/// What the extrapolation of a window needs of its times, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stretch {
    to_start: f64,
    to_end: f64,
    sampled: f64,
    /// What a rate is divided by, 1 for an increase.
    divisor: f64,
    /// The factor where no counter is cut at zero.
    factor: f64,
}

impl Stretch {
    #[inline]
    pub fn of(extent: &Extent, is_rate: bool) -> Self {
        let mut to_start = (extent.first - extent.range_start) as f64 / 1000.0;
        let mut to_end = (extent.range_end - extent.last) as f64 / 1000.0;
        let sampled = (extent.last - extent.first) as f64 / 1000.0;
        let gap = sampled / (extent.samples - 1) as f64;
        // Beyond a gap and a tenth the series is taken to begin (or end) half a gap away.
        let threshold = gap * 1.1;
        if to_start >= threshold {
            to_start = gap / 2.0;
        }
        if to_end >= threshold {
            to_end = gap / 2.0;
        }
        let divisor = if is_rate { extent.range as f64 / 1000.0 } else { 1.0 };
        let mut stretch = Self { to_start, to_end, sampled, divisor, factor: 0.0 };
        stretch.factor = stretch.factor_from(to_start);
        stretch
    }

    /// For a counter that is known to have begun at zero within the window: nothing is guessed on the left.
    pub fn from_zero(extent: &Extent, zero: i64, is_rate: bool) -> Self {
        let gap = if extent.samples > 1 { (extent.last - extent.first) as f64 / 1000.0 / (extent.samples - 1) as f64 } else { 0.0 };
        let mut to_end = (extent.range_end - extent.last) as f64 / 1000.0;
        if to_end >= gap * 1.1 {
            to_end = gap / 2.0;
        }
        let sampled = (extent.last - zero) as f64 / 1000.0;
        let divisor = if is_rate { extent.range as f64 / 1000.0 } else { 1.0 };
        let mut stretch = Self { to_start: 0.0, to_end, sampled, divisor, factor: 0.0 };
        stretch.factor = stretch.factor_from(0.0);
        stretch
    }

    fn factor_from(&self, to_start: f64) -> f64 {
        (self.sampled + to_start + self.to_end) / self.sampled / self.divisor
    }

    /// The factor for a counter that began at `first` and grew by `growth`: it cannot have been below zero before.
    #[inline]
    pub fn counter_factor(&self, first: f64, growth: f64) -> f64 {
        // Far from zero (the usual case) a multiplication tells so without a division.
        if first * self.sampled > self.to_start * growth * 1.000_001 {
            return self.factor;
        }
        let to_zero = self.sampled * (first / growth);
        if to_zero < self.to_start { self.factor_from(to_zero) } else { self.factor }
    }

    #[inline]
    pub fn plain_factor(&self) -> f64 {
        self.factor
    }
}

/// The stretches of the batch that was seen last.
#[derive(Default)]
pub(super) struct Stretches(RefCell<Option<(u64, Rc<[Stretch]>)>>);

impl Over<'_> {
    pub(super) fn extrapolated(&self, series: &RangeSeries<'_>, out: &mut Column) {
        let is_counter = self.function != FunctionId::Delta;
        let is_rate = self.function == FunctionId::Rate;
        let resets = if is_counter { resets(series) } else { Vec::new() };
        if is_counter && !series.starts.is_empty() {
            self.note_overlaps(series, series.windows, series.times, series.starts);
        }
        if series.histogram_windows.is_empty() && series.starts.is_empty() {
            return self.extrapolated_floats(series, &resets, is_counter, out);
        }
        let stretches = self.stretches(series);
        let mut next_reset = 0;
        let mut any = false;
        for (step, stretch) in stretches.iter().enumerate() {
            let window = series.windows[step];
            if series.histogram_window(step).len() > 0 {
                if self.is_spent(series, step) {
                    return;
                }
                self.extrapolated_histograms(series, step, out);
                continue;
            }
            let zero = self.zero_point(series.starts, series.times, window, series.frames.start(step));
            if window.len() < 2 && zero.is_none() {
                continue;
            }
            any = true;
            if resets.len() > FEW_RESETS && self.eval.guard.is_spent(resets.len()) {
                return;
            }
            let (lo, hi) = (window.lo as usize, window.hi as usize);
            let first = series.floats[lo];
            let mut result = series.floats[hi - 1] - first;
            // Windows move to the right only.
            while next_reset < resets.len() && resets[next_reset] as usize <= lo {
                next_reset += 1;
            }
            for reset in resets[next_reset..].iter().map(|r| *r as usize).take_while(|r| *r < hi) {
                result += series.floats[reset - 1];
            }
            if let Some(zero) = zero {
                let extent = Extent::of(series, step, window, series.times);
                out.floats[step] = (result + first) * Stretch::from_zero(&extent, zero, is_rate).plain_factor();
                continue;
            }
            let factor =
                if is_counter && result > 0.0 && first >= 0.0 { stretch.counter_factor(first, result) } else { stretch.plain_factor() };
            out.floats[step] = result * factor;
        }
        if any && is_counter {
            self.note_non_counter(series, self.span);
        }
    }

    /// The usual case: nothing but floats, and nothing known of when counters began.
    fn extrapolated_floats(&self, series: &RangeSeries<'_>, resets: &[u32], is_counter: bool, out: &mut Column) {
        let (stretches, floats) = (self.stretches(series), series.floats);
        let may_be_cut = if is_counter { 0.0 } else { f64::INFINITY };
        let (mut any, mut left) = (false, resets);
        for ((stretch, window), place) in stretches.iter().zip(series.windows).zip(&mut out.floats) {
            if window.len() < 2 {
                continue;
            }
            any = true;
            let (lo, hi) = (window.lo as usize, window.hi as usize);
            let first = floats[lo];
            let mut result = floats[hi - 1] - first;
            if !left.is_empty() {
                if resets.len() > FEW_RESETS && self.eval.guard.is_spent(resets.len()) {
                    return;
                }
                // Windows move to the right only.
                while left.first().is_some_and(|reset| *reset as usize <= lo) {
                    left = &left[1..];
                }
                for reset in left.iter().map(|r| *r as usize).take_while(|r| *r < hi) {
                    result += floats[reset - 1];
                }
            }
            let is_cut = result > may_be_cut && first >= 0.0;
            *place = result * if is_cut { stretch.counter_factor(first, result) } else { stretch.plain_factor() };
        }
        if any && is_counter {
            self.note_non_counter(series, self.span);
        }
    }

    /// One a step; those of windows with fewer than two samples mean nothing.
    fn stretches(&self, series: &RangeSeries<'_>) -> Rc<[Stretch]> {
        if let (Some(shape), Some((known, stretches))) = (series.shape, &*self.stretches.0.borrow())
            && shape == *known
        {
            return Rc::clone(stretches);
        }
        let is_rate = self.function == FunctionId::Rate;
        // Samples mostly lie in a window as they lay in the one before: then there is nothing to divide.
        let mut known = ([0; 4], Stretch::default());
        let stretch = |(step, window): (usize, &Window)| {
            if window.len() < 2 {
                return Stretch::default();
            }
            let extent = Extent::of(series, step, *window, series.times);
            let Extent { first, last, samples, range_start, range_end, .. } = extent;
            let lies = [first - range_start, range_end - last, last - first, samples as i64];
            if lies != known.0 {
                known = (lies, Stretch::of(&extent, is_rate));
            }
            known.1
        };
        let stretches: Rc<[Stretch]> = series.windows.iter().enumerate().map(stretch).collect();
        if let Some(shape) = series.shape {
            *self.stretches.0.borrow_mut() = Some((shape, Rc::clone(&stretches)));
        }
        stretches
    }

    /// The start timestamp of a window's first sample, where the counter stood at zero then and that lies in the window.
    #[inline]
    pub(super) fn zero_point(&self, starts: &[i64], times: &[i64], window: Window, range_start: i64) -> Option<i64> {
        if self.function == FunctionId::Delta || window.len() == 0 {
            return None;
        }
        let lo = window.lo as usize;
        let start = *starts.get(lo)?;
        super::starts::is_zero_point(start, range_start, times[lo]).then_some(start)
    }

    pub(super) fn note_overlaps(&self, series: &RangeSeries<'_>, windows: &[Window], times: &[i64], starts: &[i64]) {
        let overlaps = |at: usize| super::starts::is_overlap(starts[at - 1], times[at - 1], starts[at]);
        if windows.iter().any(|w| w.range().skip(1).any(overlaps)) {
            self.eval.notes.warn_of(self.range, self.span, &Note::StartTimeOverlap(&self.metric(series)));
        }
    }

    /// Rates of what is probably no counter are worth a word.
    fn note_non_counter(&self, series: &RangeSeries<'_>, span: Span) {
        let eval = self.eval;
        if eval.features.type_and_unit_labels {
            let kind = crate::promql::eval::symbols::Symbols::value_of(series.labels, eval.symbols.metric_type);
            if let Some(kind) = kind.map(|k| eval.symbols.text(k)) {
                if !matches!(&*kind, "counter" | "histogram") {
                    eval.notes.inform(span, &Note::PossibleNonCounterType { got: &kind, metric: &self.metric(series) });
                }
                return;
            }
        }
        let metric = self.metric(series);
        if !metric.is_empty() && !["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| metric.ends_with(suffix)) {
            eval.notes.inform(span, &Note::PossibleNonCounter(&metric));
        }
    }
}

/// Places whose value is below the one before.
fn falls(values: &[f64]) -> Vec<u32> {
    /// Values that a loop without a branch looks at together.
    const STRETCH: usize = 64;
    let mut found = Vec::new();
    let mut from = 1;
    while from < values.len() {
        let until = (from + STRETCH).min(values.len());
        // Most counters hardly ever fall.
        if values[from - 1..until].windows(2).fold(false, |any, pair| any | (pair[1] < pair[0])) {
            found.extend((from..until).filter(|at| values[*at] < values[*at - 1]).map(|at| at as u32));
        }
        from = until;
    }
    found
}

/// Places whose value is below the one before, or whose start timestamp says that the counter began anew.
fn resets(series: &RangeSeries<'_>) -> Vec<u32> {
    let (values, times, starts) = (series.floats, series.times, series.starts);
    if starts.is_empty() {
        return falls(values);
    }
    let by_start = |i: usize| starts.len() > i && super::starts::is_reset(starts[i - 1], times[i - 1], starts[i], times[i]);
    (1..values.len()).filter(|i| values[*i] < values[i - 1] || by_start(*i)).map(|at| at as u32).collect()
}

#[cfg(test)]
mod tests {
    proptest::proptest! {
        #[test]
        fn falls_are_found_in_stretches_as_one_by_one(values in proptest::collection::vec(-3i32..4, 0..300)) {
            let values: Vec<f64> = values.into_iter().scan(0.0, |sum, step| {
                *sum += f64::from(step.max(-1));
                Some(if step == 3 { f64::NAN } else { *sum })
            }).collect();
            let wanted: Vec<u32> = (1..values.len()).filter(|at| values[*at] < values[*at - 1]).map(|at| at as u32).collect();
            proptest::prop_assert_eq!(super::falls(&values), wanted);
        }
    }
}
