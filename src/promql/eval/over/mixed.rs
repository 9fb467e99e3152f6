//! Windows that hold native histograms, and `changes` and `resets`, which look at both kinds.

use std::sync::Arc;

use super::Over;
use super::extrapolate::{Extent, Stretch};
use crate::model::Histogram;
use crate::model::histogram::ResetHint;
use crate::promql::annotation::Note;
use crate::promql::eval::window::NO_START;
use crate::promql::eval::{Cell, Column, RangeSeries};
use crate::promql::functions::FunctionId;
use crate::promql::native::{Incompatible, Noticed, Parts, detect_reset, equal};

impl Over<'_> {
    pub(super) fn extrapolated_histograms(&self, series: &RangeSeries<'_>, step: usize, out: &mut Column) {
        if self.is_mixed(series, step) {
            return;
        }
        let is_counter = self.function != FunctionId::Delta;
        let frame = series.histogram_window(step);
        let range = frame.range();
        let (times, window) = (&series.histogram_times[range.clone()], &series.histograms[range.clone()]);
        let starts = series.histogram_starts.get(range).unwrap_or(&[]);
        let zero = self.zero_point(series.histogram_starts, series.histogram_times, frame, series.frames.start(step));
        if window.len() < 2 && zero.is_none() {
            return;
        }
        if is_counter && !starts.is_empty() {
            self.note_overlaps(series, &[frame], series.histogram_times, series.histogram_starts);
        }
        let resets: Vec<bool> = (0..window.len()).map(|i| i > 0 && is_counter && self.is_reset(window, times, starts, i)).collect();
        let Some(mut growth) = self.growth(series, window, &resets, is_counter, zero.is_some()) else { return };
        let extent = Extent::of(series, step, frame, series.histogram_times);
        let is_rate = self.function == FunctionId::Rate;
        let factor = match zero {
            Some(zero) => Stretch::from_zero(&extent, zero, is_rate).plain_factor(),
            None => {
                let count = growth.build().count;
                let stretch = Stretch::of(&extent, is_rate);
                let can_cut = is_counter && count > 0.0 && window[0].count >= 0.0;
                if can_cut { stretch.counter_factor(window[0].count, count) } else { stretch.plain_factor() }
            }
        };
        growth.scale(factor);
        growth.hint = ResetHint::Gauge;
        out.set_histogram(step, Arc::new(growth.build()));
    }

    fn is_reset(&self, window: &[Arc<Histogram>], times: &[i64], starts: &[i64], at: usize) -> bool {
        let by_start = starts.len() > at && super::starts::is_reset(starts[at - 1], times[at - 1], starts[at], times[at]);
        by_start || detect_reset(&window[at], &window[at - 1])
    }

    /// The last histogram minus the first, plus what was lost at resets.
    /// From zero, nothing is taken away.
    fn growth(
        &self,
        series: &RangeSeries<'_>,
        window: &[Arc<Histogram>],
        resets: &[bool],
        is_counter: bool,
        from_zero: bool,
    ) -> Option<Parts> {
        let (notes, metric) = (&self.eval.notes, self.metric(series));
        let last = &window[window.len() - 1];
        let edges_are_gauges = [&window[0], last].map(|h| h.reset_hint == ResetHint::Gauge);
        if is_counter && window.iter().any(|h| h.reset_hint == ResetHint::Gauge) {
            notes.warn_of(self.range, self.span, &Note::NotCounter(&metric));
        }
        if !is_counter && edges_are_gauges != [true, true] {
            notes.warn_of(self.range, self.span, &Note::NotGauge(&metric));
        }
        // After a reset right at the start, the form of the first histogram does not matter.
        let reset_first = resets.get(1).copied().unwrap_or(false);
        let relevant = if reset_first && !from_zero { &window[1..] } else { window };
        let custom = last.uses_custom_buckets();
        if (is_counter && relevant.iter().any(|h| h.uses_custom_buckets() != custom)) || relevant[0].uses_custom_buckets() != custom {
            notes.warn_of(self.range, self.span, &Note::MixedSchemas(&metric));
            return None;
        }
        let mut growth = Parts::from(&**last);
        if is_counter && !custom {
            growth.coarsen(relevant.iter().map(|h| h.schema).min().unwrap_or(last.schema));
        }
        let note = |added: Result<Noticed, Incompatible>, operation: &str| match added {
            Ok(noticed) => {
                if noticed.reconciled {
                    notes.inform_of(self.range, self.span, &Note::CustomBucketsReconciled(operation));
                }
                Some(())
            }
            Err(Incompatible) => {
                notes.warn_of(self.range, self.span, &Note::MixedSchemas(&metric));
                None
            }
        };
        if !reset_first && !from_zero {
            note(growth.add(&window[0], true), "subtraction")?;
        }
        // A reset right after the first sample cancels its subtraction, or counts in full from zero.
        for at in (if from_zero { 1 } else { 2 }..window.len()).filter(|at| resets[*at]) {
            note(growth.add(&window[at - 1], false), "addition")?;
        }
        Some(growth)
    }

    pub(super) fn last_two_with_histograms(&self, series: &RangeSeries<'_>, step: usize, out: &mut Column) {
        let points = newest_two(series, step);
        let [(before_at, before, before_start), (at, now, start)] = points.as_slice() else { return };
        let (before_at, at) = (*before_at, *at);
        if at == before_at {
            return;
        }
        let seconds = (at - before_at) as f64 / 1000.0;
        let is_rate = self.function == FunctionId::Irate;
        let metric = self.metric(series);
        let reset_by_start = super::starts::is_reset(*before_start, before_at, *start, at);
        match (before, now) {
            (Cell::Float(before), Cell::Float(now)) => {
                let difference = if is_rate && (now < before || reset_by_start) { *now } else { now - before };
                out.floats[step] = if is_rate { difference / seconds } else { difference };
            }
            (Cell::Histogram(before), Cell::Histogram(now)) => {
                let gauges = [before, now].map(|h| h.reset_hint == ResetHint::Gauge);
                if is_rate && gauges.contains(&true) {
                    self.eval.notes.warn_of(self.range, self.span, &Note::NotCounter(&metric));
                }
                if !is_rate && gauges != [true, true] {
                    self.eval.notes.warn_of(self.range, self.span, &Note::NotGauge(&metric));
                }
                let mut difference = Parts::from(&***now);
                if !is_rate || !(reset_by_start || detect_reset(now, before)) {
                    match difference.add(before, true) {
                        Ok(noticed) if noticed.reconciled => {
                            self.eval.notes.inform_of(self.range, self.span, &Note::CustomBucketsReconciled("subtraction"));
                        }
                        Ok(_) => {}
                        Err(Incompatible) => return self.eval.notes.warn_of(self.range, self.span, &Note::MixedSchemas(&metric)),
                    }
                }
                difference.hint = ResetHint::Gauge;
                if is_rate {
                    difference.divide(seconds);
                }
                out.set_histogram(step, Arc::new(difference.build()));
            }
            _ => self.eval.notes.warn_of(self.range, self.span, &Note::MixedFloatsHistograms(&metric)),
        }
    }

    /// How often the value changed, or a counter was reset.
    pub(super) fn transitions(&self, series: &RangeSeries<'_>, out: &mut Column) {
        let by_value: fn(f64, f64) -> bool = if self.function == FunctionId::Changes { changed } else { |before, now| now < before };
        // Transitions up to each place, so that a window's count is a difference.
        let mut counts: Vec<u32> = Vec::with_capacity(series.floats.len());
        let mut count = 0;
        for (at, value) in series.floats.iter().enumerate() {
            count += u32::from(at > 0 && by_value(series.floats[at - 1], *value));
            counts.push(count);
        }
        for step in 0..series.steps() {
            if series.count(step) == 0 {
                continue;
            }
            let window = series.windows[step];
            let floats_only = series.histogram_window(step).len() == 0 && series.starts.is_empty();
            out.floats[step] = if floats_only {
                f64::from(counts[window.hi as usize - 1] - counts[window.lo as usize])
            } else {
                if self.is_spent(series, step) {
                    return;
                }
                let points = merged(series, step);
                points.windows(2).filter(|pair| self.is_transition(&pair[0], &pair[1])).count() as f64
            };
        }
    }

    pub(super) fn is_transition(&self, before: &DatedCell<'_>, now: &DatedCell<'_>) -> bool {
        if self.function == FunctionId::Changes {
            return match (before.1, now.1) {
                (Cell::Float(a), Cell::Float(b)) => changed(a, b),
                (Cell::Histogram(a), Cell::Histogram(b)) => !equal(a, b),
                _ => true,
            };
        }
        let by_start = super::starts::is_reset(before.2, before.0, now.2, now.0);
        match (before.1, now.1) {
            (Cell::Float(a), Cell::Float(b)) => b < a || by_start,
            (Cell::Histogram(a), Cell::Histogram(b)) => by_start || detect_reset(b, a),
            _ => true,
        }
    }
}

fn changed(before: f64, now: f64) -> bool {
    now != before && !(now.is_nan() && before.is_nan())
}

/// Time, value, start timestamp.
pub(super) type DatedCell<'s> = (i64, Cell<'s>, i64);

/// The samples of both kinds in order of time.
pub(super) fn merged<'s>(series: &'s RangeSeries<'_>, step: usize) -> Vec<DatedCell<'s>> {
    let start = |starts: &[i64], i: usize| starts.get(i).copied().unwrap_or(NO_START);
    let floats = series.windows[step].range().map(|i| (series.times[i], Cell::Float(series.floats[i]), start(series.starts, i)));
    let mut points: Vec<DatedCell<'_>> = floats.collect();
    let histograms = series.histogram_window(step).range();
    points
        .extend(histograms.map(|i| (series.histogram_times[i], Cell::Histogram(&series.histograms[i]), start(series.histogram_starts, i))));
    points.sort_by_key(|(at, _, _)| *at);
    points
}

fn newest_two<'s>(series: &'s RangeSeries<'_>, step: usize) -> Vec<DatedCell<'s>> {
    let mut points = merged(series, step);
    let surplus = points.len().saturating_sub(2);
    points.drain(..surplus);
    points
}
