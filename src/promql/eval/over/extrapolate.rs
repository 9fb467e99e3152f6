//! `rate`, `increase` and `delta`: the difference over the window, mended at resets and extrapolated to the window's edges.

use super::Over;
use crate::model::Span;
use crate::promql::annotation::Note;
use crate::promql::eval::{Column, RangeSeries};
use crate::promql::functions::FunctionId;

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
    /// The factor that a difference is multiplied with. `zero_after` is the sampled interval's share after which a counter would
    /// have been zero, seen backwards from the first sample, where that is known.
    pub fn factor(&self, zero_after: Option<f64>, is_rate: bool) -> f64 {
        let mut to_start = (self.first - self.range_start) as f64 / 1000.0;
        let mut to_end = (self.range_end - self.last) as f64 / 1000.0;
        let sampled = (self.last - self.first) as f64 / 1000.0;
        let gap = sampled / (self.samples - 1) as f64;
        // Beyond a gap and a tenth the series is taken to begin (or end) half a gap away.
        let threshold = gap * 1.1;
        if to_start >= threshold {
            to_start = gap / 2.0;
        }
        if let Some(share) = zero_after {
            let to_zero = sampled * share;
            if to_zero < to_start {
                to_start = to_zero;
            }
        }
        if to_end >= threshold {
            to_end = gap / 2.0;
        }
        let factor = (sampled + to_start + to_end) / sampled;
        if is_rate { factor / (self.range as f64 / 1000.0) } else { factor }
    }
}

impl Over<'_> {
    pub(super) fn extrapolated(&self, series: &RangeSeries<'_>, out: &mut Column) {
        let is_counter = self.function != FunctionId::Delta;
        let is_rate = self.function == FunctionId::Rate;
        let resets = if is_counter { resets(series) } else { Vec::new() };
        let mut next_reset = 0;
        let mut any = false;
        for step in 0..series.steps() {
            let window = series.windows[step];
            if series.histogram_window(step).len() > 0 {
                self.extrapolated_histograms(series, step, out);
                continue;
            }
            if window.len() < 2 {
                continue;
            }
            any = true;
            let (lo, hi) = (window.lo as usize, window.hi as usize);
            let (first, last) = (series.floats[lo], series.floats[hi - 1]);
            let mut result = last - first;
            // Windows move to the right only.
            while next_reset < resets.len() && resets[next_reset] as usize <= lo {
                next_reset += 1;
            }
            for reset in resets[next_reset..].iter().map(|r| *r as usize).take_while(|r| *r < hi) {
                result += series.floats[reset - 1];
            }
            let extent = Extent {
                first: series.times[lo],
                last: series.times[hi - 1],
                samples: hi - lo,
                range_start: series.frames.start(step),
                range_end: series.frames.ends[step],
                range: series.frames.range,
            };
            let zero_after = (is_counter && result > 0.0 && first >= 0.0).then(|| first / result);
            out.floats[step] = result * extent.factor(zero_after, is_rate);
        }
        if any && is_counter {
            self.note_non_counter(series, self.span);
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

/// Places whose value is below the one before, or whose start timestamp says that the counter began anew.
fn resets(series: &RangeSeries<'_>) -> Vec<u32> {
    let (times, starts) = (series.times, series.starts);
    let by_start = |i: usize| starts.len() > i && super::starts::is_reset(starts[i - 1], times[i - 1], starts[i], times[i]);
    let pairs = series.floats.windows(2).enumerate();
    pairs.filter(|(at, pair)| pair[1] < pair[0] || by_start(at + 1)).map(|(at, _)| at as u32 + 1).collect()
}
