//! `anchored` and `smoothed` windows: what stands at the window's edges is taken from the sample before (anchored) or interpolated
//! between the samples on both sides (smoothed), so that nothing is extrapolated.

use std::sync::Arc;

use super::Over;
use crate::model::Histogram;
use crate::model::histogram::ResetHint;
use crate::promql::annotation::Note;
use crate::promql::eval::{Cell, Column, RangeSeries};
use crate::promql::functions::FunctionId;
use crate::promql::native::{Incompatible, Parts, detect_reset};

/// What the arithmetic of edges needs of a value.
pub(in crate::promql::eval) trait Amount: Clone {
    /// Whether a counter was reset between two samples.
    fn fell(now: &Self, before: &Self) -> bool;
    fn plus(&self, other: &Self) -> Result<Self, Incompatible>;
    fn minus(&self, other: &Self) -> Result<Self, Incompatible>;
    fn times(&self, factor: f64) -> Self;

    /// The value at a share of the way between two samples; a counter that was reset between them began at zero.
    fn between(before: &Self, after: &Self, share: f64, is_counter: bool) -> Result<Self, Incompatible> {
        // Also where it is not needed, the difference tells whether the two go together.
        let difference = after.minus(before)?;
        if is_counter && Self::fell(after, before) {
            return Ok(after.times(share));
        }
        before.plus(&difference.times(share))
    }
}

impl Amount for f64 {
    fn fell(now: &Self, before: &Self) -> bool {
        now < before
    }

    fn plus(&self, other: &Self) -> Result<Self, Incompatible> {
        Ok(self + other)
    }

    fn minus(&self, other: &Self) -> Result<Self, Incompatible> {
        Ok(self - other)
    }

    fn times(&self, factor: f64) -> Self {
        self * factor
    }
}

impl Amount for Arc<Histogram> {
    fn fell(now: &Self, before: &Self) -> bool {
        detect_reset(now, before)
    }

    fn plus(&self, other: &Self) -> Result<Self, Incompatible> {
        let mut parts = Parts::from(&**self);
        parts.add(other, false)?;
        Ok(Self::new(parts.build()))
    }

    fn minus(&self, other: &Self) -> Result<Self, Incompatible> {
        let mut parts = Parts::from(&**self);
        parts.add(other, true)?;
        Ok(Self::new(parts.build()))
    }

    fn times(&self, factor: f64) -> Self {
        let mut parts = Parts::from(&**self);
        parts.scale(factor);
        Self::new(parts.build())
    }
}

/// The window to fill: its edges in milliseconds.
struct Edges {
    start: i64,
    end: i64,
    smoothed: bool,
    is_counter: bool,
}

impl Edges {
    /// By how much the value grew from edge to edge; none where all samples lie on one side of the window.
    fn growth<T: Amount>(&self, points: &[(i64, T)]) -> Result<Option<T>, Incompatible> {
        let first = points.partition_point(|(at, _)| *at <= self.start).saturating_sub(1);
        let mut last = points.len() - 1;
        if self.smoothed {
            last = points.partition_point(|(at, _)| *at < self.end).min(last);
        }
        if points[last].0 <= self.start || (self.smoothed && points[first].0 > self.end) {
            return Ok(None);
        }
        let share = |from: usize, at: i64| (at - points[from].0) as f64 / (points[from + 1].0 - points[from].0) as f64;
        let between = |from: usize, at: i64| T::between(&points[from].1, &points[from + 1].1, share(from, at), self.is_counter);
        let left_is_between = self.smoothed && points[first].0 < self.start;
        let right_is_between = self.smoothed && last > 0 && points[last].0 > self.end;
        let left = if left_is_between { between(first, self.start)? } else { points[first].1.clone() };
        let right = if right_is_between { between(last - 1, self.end)? } else { points[last].1.clone() };
        let mut growth = right.minus(&left)?;
        if !self.is_counter {
            return Ok(Some(growth));
        }
        // What was lost at each reset: the value before it. A left edge between two samples has taken care of a reset there.
        for at in (first + 1..=last).filter(|at| T::fell(&points[*at].1, &points[at - 1].1)) {
            let is_left_segment = at == first + 1;
            if is_left_segment && left_is_between {
                continue;
            }
            growth = growth.plus(if is_left_segment { &left } else { &points[at - 1].1 })?;
        }
        Ok(Some(growth))
    }
}

impl Over<'_> {
    pub(super) fn extended(&self, series: &RangeSeries<'_>, smoothed: bool, out: &mut Column) {
        for step in 0..series.steps() {
            if series.count(step) == 0 {
                continue;
            }
            if self.is_spent(series, step) {
                return;
            }
            if matches!(self.function, FunctionId::Changes | FunctionId::Resets) {
                self.anchored_transitions(series, step, out);
            } else {
                self.edge_growth(series, step, smoothed, out);
            }
        }
    }

    fn edge_growth(&self, series: &RangeSeries<'_>, step: usize, smoothed: bool, out: &mut Column) {
        if self.is_mixed(series, step) {
            return;
        }
        let is_counter = self.function != FunctionId::Delta;
        let edges = Edges { start: series.frames.start(step), end: series.frames.ends[step], smoothed, is_counter };
        let divisor = if self.function == FunctionId::Rate { series.frames.range as f64 / 1000.0 } else { 1.0 };
        let (floats, histograms) = (series.windows[step].range(), series.histogram_window(step).range());
        if histograms.is_empty() {
            let points: Vec<(i64, f64)> = floats.map(|i| (series.times[i], series.floats[i])).collect();
            if let Ok(Some(growth)) = edges.growth(&points) {
                out.floats[step] = growth / divisor;
            }
            return;
        }
        let points: Vec<(i64, Arc<Histogram>)> =
            histograms.map(|i| (series.histogram_times[i], Arc::clone(&series.histograms[i]))).collect();
        let metric = self.metric(series);
        match edges.growth(&points) {
            Ok(Some(growth)) => {
                self.note_hints(&points, is_counter, &metric);
                let scaled = growth.times(1.0 / divisor);
                out.set_histogram(step, Arc::new(Histogram { reset_hint: ResetHint::Gauge, ..Histogram::clone(&scaled) }));
            }
            Ok(None) => {}
            Err(Incompatible) => self.eval.notes.warn_of(self.range, self.span, &Note::MixedSchemas(&metric)),
        }
    }

    fn note_hints(&self, points: &[(i64, Arc<Histogram>)], is_counter: bool, metric: &str) {
        let mut gauges = points.iter().map(|(_, h)| h.reset_hint == ResetHint::Gauge);
        if is_counter && gauges.clone().any(|is_gauge| is_gauge) {
            self.eval.notes.warn_of(self.range, self.span, &Note::NotCounter(metric));
        }
        if !is_counter && !gauges.all(|is_gauge| is_gauge) {
            self.eval.notes.warn_of(self.range, self.span, &Note::NotGauge(metric));
        }
    }

    /// Changes or resets from the last sample at or before the window's start on.
    fn anchored_transitions(&self, series: &RangeSeries<'_>, step: usize, out: &mut Column) {
        let points = super::mixed::merged(series, step);
        let start = series.frames.start(step);
        let first = points.partition_point(|(at, _, _)| *at <= start).saturating_sub(1);
        if points.last().is_some_and(|(at, _, _)| *at > start) {
            let pairs = points[first..].windows(2);
            out.floats[step] = pairs.filter(|pair| self.is_transition(&pair[0], &pair[1])).count() as f64;
        }
    }
}

/// The float samples of a window with one at either edge: of the sample before, or between the samples on both sides.
pub(in crate::promql) fn with_edges(points: &[(i64, f64)], start: i64, end: i64, smoothed: bool) -> Vec<(i64, f64)> {
    let value_at = |at: i64| {
        let after = points.partition_point(|(time, _)| *time <= at);
        match (after.checked_sub(1).map(|i| points[i]), points.get(after)) {
            (Some(before), Some(after)) if smoothed && before.0 < at => {
                before.1 + (after.1 - before.1) * (at - before.0) as f64 / (after.0 - before.0) as f64
            }
            (Some(before), _) => before.1,
            (None, after) => after.map_or(f64::NAN, |p| p.1),
        }
    };
    if points.last().is_none_or(|(at, _)| *at <= start) {
        return Vec::new();
    }
    let inside = points.iter().copied().filter(|(at, _)| start < *at && *at < end);
    std::iter::once((start, value_at(start))).chain(inside).chain([(end, value_at(end))]).collect()
}

/// The value between two samples of one kind, for smoothed instant selectors. A float may be a gauge; a histogram says so.
pub(in crate::promql::eval) fn interpolated<'c>(
    before: (i64, Cell<'c>),
    after: (i64, Cell<'c>),
    at: i64,
) -> Option<Result<crate::model::Value, Incompatible>> {
    let share = (at - before.0) as f64 / (after.0 - before.0) as f64;
    match (before.1, after.1) {
        (Cell::Float(a), Cell::Float(b)) => Some(f64::between(&a, &b, share, false).map(crate::model::Value::Float)),
        (Cell::Histogram(a), Cell::Histogram(b)) => {
            let is_counter = b.reset_hint != ResetHint::Gauge;
            Some(Arc::between(a, b, share, is_counter).map(crate::model::Value::Histogram))
        }
        _ => None,
    }
}
