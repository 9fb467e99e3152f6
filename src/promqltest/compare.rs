//! Expected against got: floats to a relative 1e-6, histograms bucket by bucket.

use super::expect::Expected;
use crate::model::{DurationMs, Labels, TimestampMs, Value as SampleValue, is_stale};
use crate::promql::series::Values;
use crate::promql::test_histograms::same_histogram;
use crate::promql::{MatrixSeries, Value};

const EPSILON: f64 = 1e-6;

/// Equal as upstream's tests see it: by the relative difference, but next to zero practically exact; NaN equals NaN.
pub fn almost_equal(a: f64, b: f64) -> bool {
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let difference = (a - b).abs();
    let sum = a.abs() + b.abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < EPSILON * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < EPSILON
}

fn same(expected: &SampleValue, got: &SampleValue) -> bool {
    match (expected, got) {
        (SampleValue::Float(a), SampleValue::Float(b)) => almost_equal(*a, *b),
        (SampleValue::Histogram(a), SampleValue::Histogram(b)) => same_histogram(a, b, almost_equal),
        _ => false,
    }
}

pub fn instant(value: &Value, expected: &Expected) -> Result<(), String> {
    match value {
        Value::Scalar { value, .. } => match expected.scalar {
            Some(wanted) if almost_equal(wanted, *value) => Ok(()),
            other => Err(format!("expected scalar {other:?}, got {value}")),
        },
        Value::String { value, .. } => match &expected.text {
            Some(wanted) if wanted == value => Ok(()),
            other => Err(format!("expected string {other:?}, got {value:?}")),
        },
        Value::Vector(vector) => {
            if expected.scalar.is_some() || expected.text.is_some() {
                return Err(format!("expected a scalar or string, got vector {vector:?}"));
            }
            let got: Vec<(&Labels, &SampleValue)> = vector.iter().map(|s| (&s.labels, &s.value)).collect();
            self::vector(&got, expected)
        }
        Value::Matrix(_) => Err("expected an instant result, got a matrix".to_owned()),
    }
}

fn vector(got: &[(&Labels, &SampleValue)], expected: &Expected) -> Result<(), String> {
    for (place, (labels, value)) in got.iter().enumerate() {
        let Some(at) = expected.series.iter().position(|(l, _)| l == *labels) else {
            return Err(format!("unexpected metric {labels:?} in result, has value {value:?}"));
        };
        if expected.ordered && at != place {
            return Err(format!("expected metric {labels:?} at position {}, got it at {}", at + 1, place + 1));
        }
        let Some(Some(wanted)) = expected.series[at].1.first() else {
            return Err(format!("no value expected for {labels:?}, got {value:?}"));
        };
        if !same(wanted, value) {
            return Err(format!("expected {wanted:?} for {labels:?}, got {value:?}"));
        }
    }
    match expected.series.iter().find(|(labels, _)| !got.iter().any(|(l, _)| *l == labels)) {
        Some((labels, values)) => Err(format!("expected metric {labels:?} with {values:?} not found; got {got:?}")),
        None => Ok(()),
    }
}

pub fn sorted(all: &[MatrixSeries]) -> Result<(), String> {
    if all.windows(2).all(|pair| pair[0].labels < pair[1].labels) { Ok(()) } else { Err("matrix is not sorted by labels".to_owned()) }
}

pub fn matrix(value: &Value, expected: &Expected, start: TimestampMs, step: DurationMs) -> Result<(), String> {
    let Value::Matrix(all) = value else { return Err(format!("expected a matrix, got {value:?}")) };
    if expected.ordered {
        return Err("expected ordered result, but query returned a matrix".to_owned());
    }
    if expected.range_vector.is_none() {
        sorted(all)?;
    }
    for series in all {
        let Some((_, wanted)) = expected.series.iter().find(|(labels, _)| *labels == series.labels) else {
            return Err(format!("unexpected metric {:?} in result: {:?} {:?}", series.labels, series.floats, series.histograms));
        };
        same_points(series, wanted, start, step)?;
    }
    match expected.series.iter().find(|(labels, _)| !all.iter().any(|s| s.labels == *labels)) {
        Some((labels, _)) => Err(format!("expected metric {labels:?} not found; got {all:?}")),
        None => Ok(()),
    }
}

fn same_points(series: &MatrixSeries, wanted: &Values, start: TimestampMs, step: DurationMs) -> Result<(), String> {
    let expected: Vec<(TimestampMs, &SampleValue)> =
        wanted.iter().enumerate().filter_map(|(i, v)| v.as_ref().map(|v| (TimestampMs(start.0 + step.0 * i as i64), v))).collect();
    let mut got: Vec<(TimestampMs, SampleValue)> = series.floats.iter().map(|(t, v)| (*t, SampleValue::Float(*v))).collect();
    got.extend(series.histograms.iter().map(|(t, h)| (*t, SampleValue::Histogram(h.clone()))));
    got.sort_by_key(|(t, _)| *t);
    let equal = expected.len() == got.len() && expected.iter().zip(&got).all(|((t, e), (u, g))| t == u && same(e, g));
    if equal {
        return Ok(());
    }
    let show =
        |points: Vec<(TimestampMs, SampleValue)>| points.into_iter().map(|(t, v)| format!("{t}: {v:?}")).collect::<Vec<_>>().join("; ");
    let expected = expected.into_iter().map(|(t, v)| (t, v.clone())).collect();
    Err(format!("{:?}:\nexpected {}\ngot      {}", series.labels, show(expected), show(got)))
}
