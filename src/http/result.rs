//! A query's answer as JSON, written straight into the body.

use std::time::Duration;

use super::histogram;
use super::json::{self, Object, list};
use crate::model::number::format_fixed;
use crate::model::{TimestampMs, Value as SampleValue};
use crate::promql::{Answer, MatrixSeries, Stats, Value, VectorSample};

/// The `data` of `query` and `query_range`; statistics where the time in line is given.
pub fn write(out: &mut Vec<u8>, answer: &Answer, waited: Option<Duration>) {
    let mut object = Object::open(out);
    object.text("resultType", answer.value.result_type());
    let out = object.key("result");
    match &answer.value {
        Value::Scalar { at, value } => {
            // a scalar is printed without exponents, unlike every other value
            out.push(b'[');
            json::seconds(out, *at);
            out.push(b',');
            json::text(out, &format_fixed(*value));
            out.push(b']');
        }
        Value::String { at, value } => {
            out.push(b'[');
            json::seconds(out, *at);
            out.push(b',');
            json::text(out, value);
            out.push(b']');
        }
        Value::Vector(rows) => list(out, rows, sample),
        Value::Matrix(rows) => {
            let points: usize = rows.iter().map(|row| row.floats.len()).sum();
            out.reserve(points * 32);
            list(out, rows, series);
        }
    }
    if let Some(waited) = waited {
        stats(object.key("stats"), &answer.stats, waited);
    }
    object.close();
}

fn point(out: &mut Vec<u8>, at: TimestampMs, value: f64) {
    out.push(b'[');
    json::seconds(out, at);
    out.push(b',');
    json::sample_value(out, value);
    out.push(b']');
}

fn sample(out: &mut Vec<u8>, row: &VectorSample) {
    let mut object = Object::open(out);
    object.labels("metric", &row.labels);
    match &row.value {
        SampleValue::Float(value) => point(object.key("value"), row.at, *value),
        SampleValue::Histogram(value) => histogram::point(object.key("histogram"), row.at, value),
    }
    object.close();
}

fn series(out: &mut Vec<u8>, row: &MatrixSeries) {
    let mut object = Object::open(out);
    object.labels("metric", &row.labels);
    if !row.floats.is_empty() || row.histograms.is_empty() {
        object.list("values", &row.floats, |out, (at, value)| point(out, *at, *value));
    }
    if !row.histograms.is_empty() {
        object.list("histograms", &row.histograms, |out, (at, value)| histogram::point(out, *at, value));
    }
    object.close();
}

fn stats(out: &mut Vec<u8>, stats: &Stats, waited: Duration) {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let timings = &stats.timings;
    let mut object = Object::open(out);
    let mut inner = Object::open(object.key("timings"));
    inner
        .float("evalTotalTime", (timings.inner_eval + timings.sort + timings.prepare).as_secs_f64())
        .float("resultSortTime", timings.sort.as_secs_f64())
        .float("queryPreparationTime", timings.prepare.as_secs_f64())
        .float("innerEvalTime", timings.inner_eval.as_secs_f64())
        .float("execQueueTime", waited.as_secs_f64())
        .float("execTotalTime", (timings.total + waited).as_secs_f64());
    inner.close();
    let mut inner = Object::open(object.key("samples"));
    inner.integer("totalQueryableSamples", number(stats.samples)).integer("peakSamples", number(stats.peak));
    inner.close();
    object.close();
}
