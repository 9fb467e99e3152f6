//! Aggregations that take in one series after the other and keep a few numbers a group and step:
//! sum, avg, count, min, max, group, stddev, stdvar.

use super::sum::{Mean, Sums};
use super::{Column, Eval, is_absent};
use crate::model::Span;
use crate::promql::annotation::Note;
use crate::promql::native::{GroupedHistograms, Totals};
use crate::promql::token::Aggregator;

/// What a group has seen at a step.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    float: bool,
    histogram: bool,
}

/// Running values of one group, one a step.
enum Running {
    Sums(Sums),
    Means(Vec<Mean>),
    Counts(Vec<f64>),
    /// Smallest or largest value so far; NaN gives way to anything.
    Extremes(Vec<f64>),
    Spreads(Vec<Spread>),
}

/// Welford's running mean and squares, uncompensated as Prometheus has them here.
#[derive(Clone, Copy, Default)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.mean = value;
            self.squares = if value.is_finite() { 0.0 } else { f64::NAN };
            return;
        }
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }
}

/// One group of an aggregation.
pub(super) struct Fold {
    op: Aggregator,
    steps: usize,
    /// Some series had a float at every step.
    every: bool,
    /// What others had; empty when there were no others.
    seen: Vec<Seen>,
    running: Running,
    histograms: GroupedHistograms,
}

impl Fold {
    pub(super) fn new(op: Aggregator, steps: usize) -> Self {
        let running = match op {
            Aggregator::Sum => Running::Sums(Sums::default()),
            Aggregator::Avg => Running::Means(vec![Mean::default(); steps]),
            Aggregator::Min | Aggregator::Max => Running::Extremes(vec![f64::NAN; steps]),
            Aggregator::Stddev | Aggregator::Stdvar => Running::Spreads(vec![Spread::default(); steps]),
            _ => Running::Counts(vec![0.0; steps]),
        };
        Self { op, steps, every: false, seen: Vec::new(), running, histograms: GroupedHistograms::default() }
    }

    pub(super) fn add(&mut self, column: &Column, eval: &Eval<'_>, span: Span) {
        self.add_floats(&column.floats);
        if !column.histograms.is_empty() {
            self.add_histograms(column, eval, span);
        }
    }

    fn add_floats(&mut self, floats: &[f64]) {
        // Without an early end the search is a loop over whole registers.
        if !floats.iter().fold(false, |any, v| any | is_absent(*v)) {
            return self.add_all(floats);
        }
        self.look();
        let present = |(at, value): (usize, &f64)| (!is_absent(*value)).then_some((at, *value));
        let values = floats.iter().enumerate().filter_map(present);
        let (seen, steps) = (&mut self.seen, self.steps);
        match &mut self.running {
            Running::Sums(sums) => values.for_each(|(at, v)| {
                seen[at].float = true;
                sums.add_at(at, v, steps);
            }),
            Running::Means(means) => values.for_each(|(at, v)| {
                seen[at].float = true;
                means[at].add(v);
            }),
            Running::Counts(counts) => values.for_each(|(at, _)| {
                seen[at].float = true;
                counts[at] += 1.0;
            }),
            Running::Extremes(extremes) => {
                let is_max = self.op == Aggregator::Max;
                values.for_each(|(at, v)| {
                    seen[at].float = true;
                    let best = &mut extremes[at];
                    if best.is_nan() || (if is_max { v > *best } else { v < *best }) {
                        *best = v;
                    }
                });
            }
            Running::Spreads(spreads) => values.for_each(|(at, v)| {
                seen[at].float = true;
                spreads[at].add(v);
            }),
        }
    }

    /// From here on what is there has to be noted step by step.
    fn look(&mut self) {
        self.seen.resize(self.steps, Seen::default());
    }

    /// The same where every step has a float.
    fn add_all(&mut self, floats: &[f64]) {
        self.every = true;
        match &mut self.running {
            Running::Sums(sums) => sums.add(floats),
            Running::Means(means) => means.iter_mut().zip(floats).for_each(|(mean, v)| mean.add(*v)),
            Running::Counts(counts) => counts.iter_mut().for_each(|count| *count += 1.0),
            Running::Extremes(extremes) => {
                let is_max = self.op == Aggregator::Max;
                for (best, v) in extremes.iter_mut().zip(floats) {
                    let beats = best.is_nan() | if is_max { *v > *best } else { *v < *best };
                    *best = if beats { *v } else { *best };
                }
            }
            Running::Spreads(spreads) => spreads.iter_mut().zip(floats).for_each(|(spread, v)| spread.add(*v)),
        }
    }

    fn add_histograms(&mut self, column: &Column, eval: &Eval<'_>, span: Span) {
        self.look();
        for (at, histogram) in column.histograms.iter().enumerate().filter_map(|(at, h)| h.as_ref().map(|h| (at, h))) {
            match &mut self.running {
                Running::Sums(_) | Running::Means(_) => {
                    self.seen[at].histogram = true;
                    let kind = if self.op == Aggregator::Avg { Totals::Mean } else { Totals::Sum };
                    self.histograms.add(at, histogram, kind, self.steps);
                }
                Running::Counts(counts) => {
                    self.seen[at].float = true;
                    counts[at] += 1.0;
                }
                Running::Extremes(_) | Running::Spreads(_) => {
                    eval.notes.inform(span, &Note::IgnoredInAggregation(self.op.as_str()));
                }
            }
        }
    }

    /// Takes in what another fold of the same kind has seen after this one.
    pub(super) fn merge(&mut self, other: Self) {
        self.every |= other.every;
        if !other.seen.is_empty() {
            self.look();
        }
        for (seen, other) in self.seen.iter_mut().zip(&other.seen) {
            seen.float |= other.float;
            seen.histogram |= other.histogram;
        }
        match (&mut self.running, other.running) {
            (Running::Sums(own), Running::Sums(others)) => own.merge(others),
            (Running::Means(own), Running::Means(others)) => own.iter_mut().zip(&others).for_each(|(a, b)| a.merge(b)),
            (Running::Counts(own), Running::Counts(others)) => own.iter_mut().zip(others).for_each(|(a, b)| *a += b),
            (Running::Extremes(own), Running::Extremes(others)) => {
                let is_max = self.op == Aggregator::Max;
                for (best, value) in own.iter_mut().zip(others) {
                    if best.is_nan() || (if is_max { value > *best } else { value < *best }) {
                        *best = value;
                    }
                }
            }
            // Deviations are not merged: their aggregations run on one thread.
            _ => {}
        }
        self.histograms.merge(other.histograms);
    }

    /// The metric's name is for annotations.
    pub(super) fn finish(mut self, eval: &Eval<'_>, span: Span, metric: &str) -> Column {
        if self.seen.is_empty()
            && let Running::Sums(sums) = self.running
        {
            return Column { floats: sums.into_values(), histograms: Vec::new() };
        }
        let mut column = Column::of(self.steps);
        for at in 0..self.steps {
            let mut seen = self.seen.get(at).copied().unwrap_or_default();
            seen.float |= self.every;
            if seen.float && seen.histogram {
                eval.notes.warn(span, &Note::MixedFloatsHistogramsAggregation);
                continue;
            }
            if seen.histogram {
                if let Some(histogram) = self.histograms.take(at, eval, span, metric) {
                    column.set_histogram(at, histogram);
                }
                continue;
            }
            if !seen.float {
                continue;
            }
            column.floats[at] = match &self.running {
                Running::Sums(sums) => sums.value(at),
                Running::Means(means) => means[at].value(),
                Running::Counts(_) if self.op == Aggregator::Group => 1.0,
                Running::Counts(values) | Running::Extremes(values) => values[at],
                Running::Spreads(spreads) => {
                    let variance = spreads[at].squares / spreads[at].count;
                    if self.op == Aggregator::Stddev { variance.sqrt() } else { variance }
                }
            };
        }
        column
    }
}
