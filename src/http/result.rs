//! A query's answer as JSON, written straight into the body.

use std::time::Duration;

use super::histogram;
use super::json::{self, Object, list};
use super::limits::PIECE_BYTES;
use super::points::Points;
use crate::model::number::format_fixed;
use crate::model::{TimestampMs, Value as SampleValue};
use crate::promql::{Answer, MatrixSeries, Moment, Stats, Value, VectorSample};

/// Statistics are asked for: how long the query waited in line, and the times it was evaluated at.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub waited: Duration,
    pub moment: Moment,
}

/// Roughly how long the text of a value will be, in bytes.
pub fn bytes(value: &Value) -> u64 {
    const POINT: u64 = 32;
    const LABELS: u64 = 200;
    const HISTOGRAM: u64 = 500;
    match value {
        Value::Scalar { .. } | Value::String { .. } => LABELS,
        Value::Vector(rows) => rows.len() as u64 * LABELS,
        Value::Matrix(rows) => {
            rows.iter().map(|row| row.floats.len() as u64 * POINT + row.histograms.len() as u64 * HISTOGRAM + LABELS).sum()
        }
    }
}

/// The `data` of `query` and `query_range`; statistics where they are asked for. `take` may take away what is written so far, and
/// says whether anybody reads on.
pub fn write(out: &mut Vec<u8>, answer: &Answer, asked: Option<Asked>, take: &mut dyn FnMut(&mut Vec<u8>) -> bool) {
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
            out.reserve((points * 32).min(2 * PIECE_BYTES));
            let mut shared = Points::default();
            let mut is_read = true;
            list(out, rows, |out, row| {
                if is_read {
                    series(out, row, &mut shared);
                    is_read = take(out);
                }
            });
        }
    }
    if let Some(asked) = asked {
        stats(object.key("stats"), &answer.stats, asked);
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

fn series(out: &mut Vec<u8>, row: &MatrixSeries, points: &mut Points) {
    let mut object = Object::open(out);
    object.labels("metric", &row.labels);
    if !row.floats.is_empty() || row.histograms.is_empty() {
        let out = object.key("values");
        out.push(b'[');
        points.write(out, &row.floats);
        out.push(b']');
    }
    if !row.histograms.is_empty() {
        object.list("histograms", &row.histograms, |out, (at, value)| histogram::point(out, *at, value));
    }
    object.close();
}

fn stats(out: &mut Vec<u8>, stats: &Stats, Asked { waited, moment }: Asked) {
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
    if let Some(counts) = &stats.per_step {
        let (start, step) = match moment {
            Moment::At(at) => (at.0, 0),
            Moment::Range { start, step, .. } => (start.0, step.0),
        };
        inner.list("totalQueryableSamplesPerStep", (start..).step_by(step.max(1) as usize).zip(counts), |out, (at, count)| {
            // Seconds as Go prints a float, which leaves off zeros at the end.
            out.extend_from_slice(format!("[{},{count}]", at as f64 / 1000.0).as_bytes());
        });
    }
    inner.integer("totalQueryableSamples", number(stats.samples)).integer("peakSamples", number(stats.peak));
    inner.close();
    object.close();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Labels;

    #[test]
    fn series_with_other_times_are_written_with_their_own() {
        let row = |name: &str, times: &[i64]| MatrixSeries {
            labels: Labels::from_pairs([("a", name)]),
            floats: times.iter().map(|at| (TimestampMs(*at), 1.0)).collect(),
            histograms: Vec::new(),
        };
        let rows = vec![row("1", &[1000, 2000, 3000]), row("2", &[1000, 2500]), row("3", &[1000, 2500, 3000, 4000]), row("4", &[7])];
        let answer = Answer { value: Value::Matrix(rows), warnings: Vec::new(), infos: Vec::new(), stats: Stats::default(), memory: None };
        let mut out = Vec::new();
        write(&mut out, &answer, None, &mut |_| true);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!(
                r#"{"resultType":"matrix","result":[{"metric":{"a":"1"},"values":[[1,"1"],[2,"1"],[3,"1"]]},"#,
                r#"{"metric":{"a":"2"},"values":[[1,"1"],[2.500,"1"]]},"#,
                r#"{"metric":{"a":"3"},"values":[[1,"1"],[2.500,"1"],[3,"1"],[4,"1"]]},{"metric":{"a":"4"},"values":[[0.007,"1"]]}]}"#
            )
        );
    }
}
