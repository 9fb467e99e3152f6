//! Expected samples against what an expression gives.

use super::bench::Bench;
use crate::config::rule_tests::{ExpectedSample, ExprTest};
use crate::model::number::{format_exponent, format_fixed, quote};
use crate::model::{Labels, TimestampMs, Value as SampleValue};
use crate::promql::Value;
use crate::promql::series::{parse_metric, parse_values};
use crate::promql::test_histograms::description;

/// One sample, a histogram as its description.
struct Shown {
    labels: Labels,
    value: f64,
    histogram: String,
}

impl Shown {
    fn text(&self) -> String {
        let value = match self.histogram.as_str() {
            "" if self.value.is_finite() => format_exponent(self.value).to_uppercase(),
            "" => format_exponent(self.value),
            histogram => histogram.to_owned(),
        };
        format!("{} {value}", braced(&self.labels))
    }

    fn of(labels: Labels, value: &SampleValue) -> Self {
        match value {
            SampleValue::Float(value) => Self { labels, value: *value, histogram: String::new() },
            SampleValue::Histogram(histogram) => Self { labels, value: 0.0, histogram: description(histogram) },
        }
    }
}

/// What is wrong, in promtool's words.
pub fn judge(test: &ExprTest, bench: &Bench, at: TimestampMs, fuzzy: bool) -> Option<String> {
    let head = format!("    expr: {}, time: {},", quote(&test.expr), test.eval_time);
    let mut got = match bench.ask(&test.expr, at).and_then(shown) {
        Ok(got) => got,
        Err(error) => return Some(format!("{head} err: {error}")),
    };
    let expected: Result<Vec<Shown>, String> = test.expected.iter().map(expectation).collect();
    let mut expected = match expected {
        Ok(expected) => expected,
        Err(error) => return Some(format!("{head} err: {error}")),
    };
    expected.sort_by(|a, b| a.labels.cmp(&b.labels));
    got.sort_by(|a, b| a.labels.cmp(&b.labels));
    let equal = |(a, b): (&Shown, &Shown)| a.labels == b.labels && a.histogram == b.histogram && same(a, b, fuzzy);
    if expected.len() == got.len() && expected.iter().zip(&got).all(equal) {
        return None;
    }
    Some(format!("{head}\n        exp: {}\n        got: {}", list(&expected), list(&got)))
}

fn list(samples: &[Shown]) -> String {
    match samples {
        [] => "nil".to_owned(),
        samples => samples.iter().map(Shown::text).collect::<Vec<_>>().join(", "),
    }
}

/// Exactly, or to the neighbouring number; NaN is itself, which promtool lets nobody expect.
fn same(expected: &Shown, got: &Shown, fuzzy: bool) -> bool {
    let (a, b) = (expected.value, got.value);
    !got.histogram.is_empty() || a == b || (a.is_nan() && b.is_nan()) || (fuzzy && (a.next_up() == b || a.next_down() == b))
}

fn shown(value: Value) -> Result<Vec<Shown>, String> {
    match value {
        Value::Scalar { value, .. } => Ok(vec![Shown::of(Labels::empty(), &SampleValue::Float(value))]),
        Value::Vector(samples) => Ok(samples.into_iter().map(|sample| Shown::of(sample.labels, &sample.value)).collect()),
        _ => Err("rule result is not a vector or scalar".to_owned()),
    }
}

fn expectation(sample: &ExpectedSample) -> Result<Shown, String> {
    let wrong = |error: String| format!("labels {}: {error}", quote(&sample.labels));
    let labels = match sample.labels.trim() {
        "" => Labels::empty(),
        text => match parse_metric(text).map_err(wrong)? {
            (labels, rest) if rest.trim().is_empty() => labels,
            (_, rest) => return Err(wrong(format!("unexpected text after the metric: {}", quote(rest.trim())))),
        },
    };
    if sample.histogram.is_empty() {
        return Ok(Shown { labels, value: sample.value, histogram: String::new() });
    }
    match parse_values(&sample.histogram).map_err(wrong)?.as_slice() {
        [Some(value @ SampleValue::Histogram(_))] => Ok(Shown::of(labels, value)),
        [_] => Err(wrong(format!("expected histogram, got {}", sample.histogram))),
        values => Err(wrong(format!("expected 1 value, got {}", values.len()))),
    }
}

/// `{__name__="up", job="x"}`: labels as Go prints them, names quoted where they need it.
pub fn braced(labels: &Labels) -> String {
    let plain = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let pair = |(name, value): (&str, &str)| match plain(name) {
        true => format!("{name}={}", quote(value)),
        false => format!("{}={}", quote(name), quote(value)),
    };
    format!("{{{}}}", labels.iter().map(pair).collect::<Vec<_>>().join(", "))
}

/// A range vector as Prometheus prints it: each series, then its points.
pub fn dump(value: &Value) -> Vec<String> {
    let Value::Matrix(all) = value else { return Vec::new() };
    let mut lines = Vec::new();
    for series in all {
        let floats = series.floats.iter().map(|(at, value)| (*at, format_fixed(*value)));
        let histograms = series.histograms.iter().map(|(at, histogram)| (*at, description(histogram)));
        let mut points: Vec<(TimestampMs, String)> = floats.chain(histograms).collect();
        points.sort_by_key(|(at, _)| *at);
        lines.push(format!("{} =>", braced(&series.labels)));
        lines.extend(points.into_iter().map(|(at, text)| format!("{text} @[{}]", at.0)));
    }
    lines
}
