//! Warnings and infos that come with an answer, in Prometheus's words, each with the place in the query that it is about.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::limits::ANNOTATIONS_MAX;
use crate::model::Span;
use crate::model::number::{format_general, quote};

/// Collected while a query runs; the same text is kept once, with its last place in the order of evaluation, as in Prometheus.
#[derive(Debug)]
pub struct Annotations {
    source: String,
    lists: Mutex<Lists>,
    /// How often anything was said, were it a repetition.
    said: AtomicU64,
}

#[derive(Debug, Default)]
struct Lists {
    warnings: Vec<Line>,
    infos: Vec<Line>,
    repairs: Vec<(Span, String, Repairs)>,
}

#[derive(Debug)]
struct Line {
    /// What had to be evaluated before.
    whole: Span,
    span: Span,
    text: String,
}

/// Classic buckets that did not rise with their bounds, over all steps.
#[derive(Clone, Copy, Debug)]
pub struct Repairs {
    /// Bounds of the lowest and highest bucket that was raised.
    pub lowest: f64,
    pub highest: f64,
    pub largest_difference: f64,
    pub samples: u64,
    /// First and last time, in milliseconds.
    pub first: i64,
    pub last: i64,
}

impl Repairs {
    fn merge(&mut self, other: &Self) {
        self.lowest = self.lowest.min(other.lowest);
        self.highest = self.highest.max(other.highest);
        self.largest_difference = self.largest_difference.max(other.largest_difference);
        self.samples += other.samples;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    fn text(&self, metric: &str) -> String {
        let time = |millis: i64| {
            let seconds = jiff::Timestamp::from_second(millis.div_euclid(1000));
            seconds.map_or_else(|_| millis.to_string(), |t| t.to_string())
        };
        format!(
            "input to histogram_quantile needed to be fixed for monotonicity (see \
             https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}, from buckets {} to {}, with a max diff of \
             {}, over {} samples from {} to {}",
            of_metric(metric),
            format_general(self.lowest),
            format_general(self.highest),
            two_digits(self.largest_difference),
            self.samples,
            time(self.first),
            time(self.last),
        )
    }
}

/// Go's `%.2g`.
fn two_digits(value: f64) -> String {
    let rounded: f64 = format!("{value:.1e}").parse().unwrap_or(value);
    // From a hundred on, two digits need an exponent.
    if rounded >= 100.0 { crate::model::number::format_exponent(rounded) } else { format_general(rounded) }
}

impl Annotations {
    /// Positions refer to `source`.
    pub fn new(source: &str) -> Self {
        Self { source: source.to_owned(), lists: Mutex::default(), said: AtomicU64::new(0) }
    }

    /// A number that grows with everything that is said.
    pub fn said(&self) -> u64 {
        self.said.load(Ordering::Relaxed)
    }

    pub fn warn(&self, span: Span, note: &Note<'_>) {
        self.warn_of(span, span, note);
    }

    /// About one argument, found out when all of `whole` had been evaluated.
    pub fn warn_of(&self, whole: Span, span: Span, note: &Note<'_>) {
        self.add(whole, span, note, "PromQL warning: ", |lists| &mut lists.warnings);
    }

    pub fn inform(&self, span: Span, note: &Note<'_>) {
        self.inform_of(span, span, note);
    }

    pub fn inform_of(&self, whole: Span, span: Span, note: &Note<'_>) {
        self.add(whole, span, note, "PromQL info: ", |lists| &mut lists.infos);
    }

    fn add(&self, whole: Span, span: Span, note: &Note<'_>, prefix: &str, list: fn(&mut Lists) -> &mut Vec<Line>) {
        let line = Line { whole, span, text: format!("{prefix}{}", note.text()) };
        self.said.fetch_add(1, Ordering::Relaxed);
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let list = list(&mut lists);
        if let Some(known) = list.iter_mut().find(|known| known.text == line.text) {
            if is_later(whole, known.whole) {
                *known = line;
            }
        } else if list.len() < ANNOTATIONS_MAX {
            list.push(line);
        }
    }

    /// Repairs of one metric are one info.
    pub fn repaired(&self, span: Span, metric: &str, repairs: &Repairs) {
        self.said.fetch_add(1, Ordering::Relaxed);
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, _, sum)) = lists.repairs.iter_mut().find(|(_, name, _)| name == metric) {
            *known = if is_later(span, *known) { span } else { *known };
            sum.merge(repairs);
        } else if lists.repairs.len() < ANNOTATIONS_MAX {
            lists.repairs.push((span, metric.to_owned(), *repairs));
        }
    }

    /// Warnings, infos.
    pub fn take(&self) -> (Vec<String>, Vec<String>) {
        let lists = std::mem::take(&mut *self.lists.lock().unwrap_or_else(PoisonError::into_inner));
        let placed = |(span, text): (Span, String)| {
            let (line, column) = span.line_column(&self.source);
            format!("{text} ({line}:{column})")
        };
        let of_line = |line: Line| placed((line.span, line.text));
        let repairs = lists.repairs.into_iter().map(|(span, metric, repairs)| (span, format!("PromQL info: {}", repairs.text(&metric))));
        (lists.warnings.into_iter().map(of_line).collect(), lists.infos.into_iter().map(of_line).chain(repairs.map(placed)).collect())
    }
}

/// Whether a place is evaluated after another: what ends further right, and of what ends together the one around the other.
fn is_later(a: Span, b: Span) -> bool {
    (a.end, b.start) > (b.end, a.start)
}

/// One thing to say. Metric names may be empty, which leaves the name out.
#[derive(Clone, Debug)]
pub enum Note<'n> {
    InvalidQuantile(f64),
    InvalidRatio { got: f64, used: f64 },
    BadBucketLabel { value: &'n str, metric: &'n str },
    MixedFloatsHistograms(&'n str),
    MixedFloatsHistogramsAggregation,
    MixedClassicNative(&'n str),
    NotCounter(&'n str),
    NotGauge(&'n str),
    MixedSchemas(&'n str),
    ResetCollision(&'n str),
    IncompatibleLayout(&'n str),
    IneffectiveSort(&'n str),
    StartTimeOverlap(&'n str),
    PossibleNonCounter(&'n str),
    PossibleNonCounterType { got: &'n str, metric: &'n str },
    IncompatibleTypes { op: &'n str, left: &'n str, right: &'n str },
    IgnoredInAggregation(&'n str),
    IgnoredInRange(&'n str),
    CustomBucketsReconciled(&'n str),
    QuantileNaN { result_is_nan: bool, metric: &'n str },
    FractionNaN(&'n str),
}

fn of_metric(metric: &str) -> String {
    if metric.is_empty() { String::new() } else { format!(" for metric name {}", quote(metric)) }
}

impl Note<'_> {
    /// The sentence, without prefix and position.
    fn text(&self) -> String {
        match self {
            Self::InvalidQuantile(got) => format!("quantile value should be between 0 and 1, got {}", format_general(*got)),
            Self::InvalidRatio { got, used } => {
                format!("ratio value should be between -1 and 1, got {}, capping to {}", format_general(*got), format_general(*used))
            }
            Self::BadBucketLabel { value, metric } => {
                format!("bucket label \"le\" is missing or has a malformed value of {}{}", quote(value), of_metric(metric))
            }
            Self::MixedFloatsHistograms(metric) => format!("encountered a mix of histograms and floats for metric name {}", quote(metric)),
            Self::MixedFloatsHistogramsAggregation => "encountered a mix of histograms and floats for aggregation".to_owned(),
            Self::MixedClassicNative(metric) => format!("vector contains a mix of classic and native histograms{}", of_metric(metric)),
            Self::NotCounter(metric) => format!("this native histogram metric is not a counter: {}", quote(metric)),
            Self::NotGauge(metric) => format!("this native histogram metric is not a gauge: {}", quote(metric)),
            Self::MixedSchemas(metric) => {
                format!("vector contains a mix of histograms with exponential and custom buckets schemas for metric name {}", quote(metric))
            }
            Self::ResetCollision(operation) => format!("conflicting counter resets during histogram {operation}"),
            Self::IncompatibleLayout(op) => format!("incompatible bucket layout encountered for binary operator {op}"),
            Self::IneffectiveSort(_) => "sort is ineffective for range queries since results are always ordered by labels".to_owned(),
            Self::StartTimeOverlap(metric) => {
                format!("sample has start time that overlaps with previous sample timestamp for metric {}", quote(metric))
            }
            Self::PossibleNonCounter(metric) => {
                format!("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}", quote(metric))
            }
            Self::PossibleNonCounterType { got, metric } => {
                format!(
                    "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {}: {}",
                    quote(got),
                    quote(metric)
                )
            }
            Self::IncompatibleTypes { op, left, right } => {
                format!("incompatible sample types encountered for binary operator {}: {left} {op} {right}", quote(op))
            }
            Self::IgnoredInAggregation(name) => format!("ignored histogram in {name} aggregation"),
            Self::IgnoredInRange(metric) => {
                format!("ignored histograms in a range containing both floats and histograms for metric name {}", quote(metric))
            }
            Self::CustomBucketsReconciled(operation) => format!("mismatched custom buckets were reconciled during {operation}"),
            Self::QuantileNaN { result_is_nan, metric } => {
                let effect = if *result_is_nan { "result is NaN" } else { "result is skewed higher" };
                format!("input to histogram_quantile has NaN observations, {effect}{}", of_metric(metric))
            }
            Self::FractionNaN(metric) => {
                format!("input to histogram_fraction has NaN observations, which are excluded from all fractions{}", of_metric(metric))
            }
        }
    }
}
