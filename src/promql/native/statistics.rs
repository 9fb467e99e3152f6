//! `histogram_count`, `_sum`, `_avg`, `_stddev`, `_stdvar`.

use crate::model::Histogram;
use crate::promql::ast::Call;
use crate::promql::error::QueryError;
use crate::promql::eval::steps::Steps;
use crate::promql::eval::{Eval, Sink, Sum};
use crate::promql::functions::FunctionId;

impl Eval<'_> {
    pub(in crate::promql) fn histogram_statistic(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let statistic: fn(&Histogram) -> f64 = match call.function.id {
            FunctionId::HistogramCount => |h| h.count,
            FunctionId::HistogramSum => |h| h.sum,
            FunctionId::HistogramAvg => |h| h.sum / h.count,
            FunctionId::HistogramStdvar => variance,
            _ => |h| variance(h).sqrt(),
        };
        let input = &call.args[0];
        self.unique(input, sink, &mut |unique| {
            self.vector(input, steps, &mut |series| {
                let histograms = std::mem::take(&mut series.column.histograms);
                series.column.reset(steps.count);
                for (step, histogram) in histograms.iter().enumerate() {
                    if let Some(histogram) = histogram {
                        series.column.floats[step] = statistic(histogram);
                    }
                }
                if series.column.is_empty() {
                    return Ok(());
                }
                self.drop_name(series);
                unique(series)
            })
        })
    }
}

/// As if all observations lay at the mean of their bucket's bounds: arithmetic between custom bounds, zero around zero, else geometric.
fn variance(histogram: &Histogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut variance = Sum::default();
    for bucket in histogram.all_buckets().iter().filter(|b| b.count != 0.0) {
        let value = if histogram.uses_custom_buckets() {
            (bucket.upper + bucket.lower) / 2.0
        } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            0.0
        } else {
            (bucket.upper * bucket.lower).sqrt() * if bucket.upper < 0.0 { -1.0 } else { 1.0 }
        };
        let delta = value - mean;
        variance.add(bucket.count * delta * delta);
    }
    variance.value() / histogram.count
}
