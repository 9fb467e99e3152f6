//! Quantiles and fractions of native histograms: exponential interpolation within buckets, linear around zero and between custom bounds.

use crate::model::histogram::Bucket;
use crate::model::{Histogram, Span};
use crate::promql::annotation::Note;
use crate::promql::eval::{Ask, Eval};

pub fn ask(eval: &Eval<'_>, histogram: &Histogram, ask: &Ask, span: Span, metric: &str) -> f64 {
    match ask {
        Ask::Quantile(phi) => {
            let (value, skewed) = quantile(*phi, histogram);
            if let Some(result_is_nan) = skewed {
                eval.notes.inform(span, &Note::QuantileNaN { result_is_nan, metric });
            }
            value
        }
        Ask::Fraction(lower, upper) => {
            let (value, skewed) = fraction(*lower, *upper, histogram);
            if skewed {
                eval.notes.inform(span, &Note::FractionNaN(metric));
            }
            value
        }
    }
}

/// With observations on one side of zero only, the zero bucket ends at zero.
fn one_sided(bucket: &mut Bucket, histogram: &Histogram) {
    match (histogram.negative_counts.is_empty(), histogram.positive_counts.is_empty()) {
        (true, false) => bucket.lower = 0.0,
        (false, true) => bucket.upper = 0.0,
        _ => {}
    }
}

/// The value, and whether observations of NaN made it NaN (true) or too high (false).
fn quantile(phi: f64, histogram: &Histogram) -> (f64, Option<bool>) {
    if phi < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if phi > 1.0 {
        return (f64::INFINITY, None);
    }
    if histogram.count == 0.0 || phi.is_nan() {
        return (f64::NAN, None);
    }
    // A NaN sum hints at observations of NaN, which are in no bucket: then only counting from below is right.
    let forward = histogram.sum.is_nan() || phi < 0.5;
    let mut buckets = histogram.all_buckets();
    if !forward {
        buckets.reverse();
    }
    let mut rank = if forward { phi } else { 1.0 - phi } * histogram.count;
    let (mut count, mut bucket) = (0.0, Bucket { lower: 0.0, upper: 0.0, count: 0.0 });
    let mut rest = buckets.iter();
    for next in rest.by_ref() {
        bucket = *next;
        count += bucket.count;
        if bucket.count != 0.0 && count >= rank {
            break;
        }
    }
    if histogram.uses_custom_buckets() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return (bucket.upper, None);
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return (bucket.lower, None);
        }
    } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
        one_sided(&mut bucket, histogram);
    }
    count = count.min(histogram.count);
    if count < rank {
        return if histogram.sum.is_nan() { (f64::NAN, Some(true)) } else { (bucket.upper, None) };
    }
    rank = if forward { rank - (count - bucket.count) } else { count - rank };
    let skewed = (histogram.sum.is_nan() && count + rest.map(|b| b.count).sum::<f64>() < histogram.count).then_some(false);
    (interpolated(&bucket, rank / bucket.count, histogram.uses_custom_buckets()), skewed)
}

fn interpolated(bucket: &Bucket, fraction: f64, is_custom: bool) -> f64 {
    let (lower, upper) = (bucket.lower, bucket.upper);
    if is_custom || (lower <= 0.0 && upper >= 0.0) {
        return lower + (upper - lower) * fraction;
    }
    let (log_lower, log_upper) = (lower.abs().log2(), upper.abs().log2());
    if lower > 0.0 {
        return (log_lower + (log_upper - log_lower) * fraction).exp2();
    }
    -(log_upper + (log_lower - log_upper) * (1.0 - fraction)).exp2()
}

/// Share of the observations between two bounds; and whether observations of NaN were left out.
fn fraction(lower: f64, upper: f64, histogram: &Histogram) -> (f64, bool) {
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, false);
    }
    if lower >= upper {
        return (0.0, false);
    }
    let buckets = histogram.all_buckets();
    let total: f64 = buckets.iter().map(|b| b.count).sum();
    let has_nans = histogram.sum.is_nan();
    let count = if has_nans { total } else { histogram.count };
    let below = |value: f64| rank_below(value, &buckets, histogram).unwrap_or(count).min(count);
    ((below(upper) - below(lower)) / histogram.count, has_nans && total < histogram.count)
}

/// How many observations lie below a value; None where all do.
fn rank_below(value: f64, buckets: &[Bucket], histogram: &Histogram) -> Option<f64> {
    let mut rank = 0.0;
    let is_custom = histogram.uses_custom_buckets();
    for bucket in buckets {
        let mut bucket = *bucket;
        let around_zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
        if around_zero {
            one_sided(&mut bucket, histogram);
        }
        if bucket.lower >= value {
            return Some(rank);
        }
        if bucket.upper > value {
            return Some(if is_custom || around_zero {
                if bucket.lower == f64::NEG_INFINITY {
                    bucket.count
                } else {
                    rank + bucket.count * (value - bucket.lower) / (bucket.upper - bucket.lower)
                }
            } else {
                let [lower, upper, value_log] = [bucket.lower, bucket.upper, value].map(|v| v.abs().log2());
                let fraction =
                    if value > 0.0 { (value_log - lower) / (upper - lower) } else { 1.0 - (value_log - upper) / (lower - upper) };
                rank + bucket.count * fraction
            });
        }
        rank += bucket.count;
    }
    None
}
