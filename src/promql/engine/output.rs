//! From columns to answers: names marked for removal go, equal labels merge, absent steps fall away.

use std::sync::Arc;

use crate::model::{TimestampMs, Value as SampleValue};
use crate::promql::answer::{MatrixSeries, Value, VectorSample};
use crate::promql::ast::{Expr, ExprKind, ValueType};
use crate::promql::error::QueryError;
use crate::promql::eval::steps::Steps;
use crate::promql::eval::{Cell, Collected, Eval, RangeSeries, Series, is_absent, with_edges};
use crate::promql::limits::SERIES_BYTES;

pub(super) fn value(eval: &Eval<'_>, expr: &Expr, steps: &Steps, is_range: bool) -> Result<Value, QueryError> {
    let at = TimestampMs(steps.start);
    match expr.value_type() {
        ValueType::Scalar => {
            let values = eval.scalar(expr, steps)?;
            if !is_range {
                return Ok(Value::Scalar { at, value: values.first().copied().unwrap_or(f64::NAN) });
            }
            let floats = values.into_iter().enumerate().map(|(i, v)| (TimestampMs(steps.at(i)), v)).collect();
            Ok(Value::Matrix(vec![MatrixSeries { floats, ..MatrixSeries::default() }]))
        }
        ValueType::Text => Ok(Value::String { at, value: String::from_utf8_lossy(&eval.text(expr)?.bytes).into_owned() }),
        ValueType::Vector => {
            let all = vector(eval, expr, steps)?;
            if is_range { matrix(eval, all, steps) } else { Ok(instant(eval, all, at)) }
        }
        ValueType::Matrix => raw(eval, expr, steps),
    }
}

/// All series of the result, with names dropped.
fn vector(eval: &Eval<'_>, expr: &Expr, steps: &Steps) -> Result<Vec<Series>, QueryError> {
    let mut all = Vec::new();
    let mut renamed = false;
    eval.vector(expr, steps, &mut |series| {
        // Samples that are there count; the places of those that are not take memory all the same.
        eval.guard.hold(series.column.count())?;
        eval.guard.hold_bytes((series.column.len() - series.column.count()) as u64 * 8 + SERIES_BYTES)?;
        let mut series = std::mem::take(series);
        if std::mem::take(&mut series.drop_name) {
            eval.remove_name(&mut series.labels);
            renamed = true;
        }
        all.push(series);
        Ok(())
    })?;
    if !renamed {
        return Ok(all);
    }
    let mut collected = Collected::default();
    for series in all {
        collected.add(series)?;
    }
    Ok(collected.series)
}

fn instant(eval: &Eval<'_>, all: Vec<Series>, at: TimestampMs) -> Value {
    let mut out = Vec::with_capacity(all.len());
    for series in all {
        let value = match series.column.cell(0) {
            Cell::Nothing => continue,
            Cell::Float(value) => SampleValue::Float(value),
            Cell::Histogram(histogram) => SampleValue::Histogram(Arc::clone(histogram)),
        };
        out.push(VectorSample { labels: eval.symbols.to_labels(&series.labels), at, value });
    }
    Value::Vector(out)
}

fn matrix(eval: &Eval<'_>, all: Vec<Series>, steps: &Steps) -> Result<Value, QueryError> {
    let mut out = Vec::with_capacity(all.len());
    for series in all {
        eval.guard.check()?;
        let mut row = MatrixSeries { labels: eval.symbols.to_labels(&series.labels), ..MatrixSeries::default() };
        let places = series.column.floats.iter().enumerate();
        row.floats.reserve_exact(series.column.count());
        row.floats.extend(places.filter(|(_, v)| !is_absent(**v)).map(|(i, v)| (TimestampMs(steps.at(i)), *v)));
        for (i, histogram) in series.column.histograms.into_iter().enumerate() {
            if let Some(histogram) = histogram {
                row.histograms.push((TimestampMs(steps.at(i)), histogram));
            }
        }
        if !row.floats.is_empty() || !row.histograms.is_empty() {
            out.push(row);
        }
    }
    Ok(Value::Matrix(out))
}

/// A range vector as such, which only an instant query can return.
fn raw(eval: &Eval<'_>, expr: &Expr, steps: &Steps) -> Result<Value, QueryError> {
    let mut out: Vec<MatrixSeries> = Vec::new();
    let is_selector = matches!(expr.unwrapped().kind, ExprKind::Range(_));
    eval.ranges(expr, steps, &mut |series: &RangeSeries<'_>| {
        if series.count(0) == 0 {
            return Ok(());
        }
        eval.guard.hold(series.count(0))?;
        let mut labels = series.labels.to_vec();
        if series.drop_name && !is_selector {
            eval.remove_name(&mut labels);
        }
        let mut row = MatrixSeries { labels: eval.symbols.to_labels(&labels), ..MatrixSeries::default() };
        row.floats = series.windows[0].range().map(|i| (TimestampMs(series.times[i]), series.floats[i])).collect();
        if let Some(reach) = series.frames.reach {
            let points: Vec<(i64, f64)> = row.floats.iter().map(|(t, v)| (t.0, *v)).collect();
            let edged = with_edges(&points, series.frames.start(0), series.frames.end(0), reach.smoothed);
            row.floats = edged.into_iter().map(|(t, v)| (TimestampMs(t), v)).collect();
        }
        let histograms = series.histogram_window(0).range();
        row.histograms = histograms.map(|i| (TimestampMs(series.histogram_times[i]), Arc::clone(&series.histograms[i]))).collect();
        out.push(row);
        Ok(())
    })?;
    Ok(Value::Matrix(out))
}
