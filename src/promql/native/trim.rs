//! `</` and `>/`: what of a histogram lies below or above a value. A bucket across the value is split by interpolation.

use crate::model::Histogram;
use crate::model::histogram::Bucket;
use crate::model::histogram::buckets::{indexed, spanned};

/// What is kept of a bucket: how much, and the value that stands for it in the sum.
struct Kept {
    count: f64,
    middle: f64,
}

/// Keeps what lies below `at` (`below`) or above it. Unless something was cut off, the histogram is unchanged.
pub fn trimmed(histogram: &Histogram, at: f64, below: bool) -> Histogram {
    let mut out = histogram.clone();
    let (mut count, mut sum, mut cut) = (0.0, 0.0, false);
    let is_linear = histogram.uses_custom_buckets();
    let mut side = |buckets: Vec<Bucket>, is_positive: bool| -> (Vec<f64>, bool) {
        let mut populated = false;
        let kept = buckets.iter().map(|bucket| {
            if bucket.count == 0.0 {
                return 0.0;
            }
            populated = true;
            let kept = keep(bucket, at, below, is_positive, is_linear);
            cut |= kept.count != bucket.count;
            count += kept.count;
            // An infinite value with nothing to stand for adds nothing.
            if kept.count != 0.0 {
                sum += kept.middle * kept.count;
            }
            kept.count
        });
        (kept.collect(), populated)
    };
    let (positive, has_positive) = side(histogram.positive_buckets().collect(), true);
    let (negative, has_negative) = side(histogram.negative_buckets().collect(), false);
    if histogram.zero_count > 0.0 {
        let kept = keep_zero(&histogram.zero_bucket(), at, below, has_negative, has_positive);
        cut |= kept.count != histogram.zero_count;
        out.zero_count = kept.count;
        count += kept.count;
        sum += kept.middle * kept.count;
    }
    if !cut {
        return histogram.clone();
    }
    (out.count, out.sum) = (count, sum);
    let rebuilt = |spans: &[_], counts: &[f64]| spanned(indexed(spans, counts).filter(|(_, c)| *c != 0.0));
    (out.positive_spans, out.positive_counts) = rebuilt(&histogram.positive_spans, &positive);
    (out.negative_spans, out.negative_counts) = rebuilt(&histogram.negative_spans, &negative);
    out
}

fn keep(bucket: &Bucket, at: f64, below: bool, is_positive: bool, is_linear: bool) -> Kept {
    let whole = if below { bucket.upper <= at } else { bucket.lower >= at };
    let nothing = if below { bucket.lower >= at } else { bucket.upper <= at };
    if whole {
        return Kept { count: bucket.count, middle: middle(bucket.lower, bucket.upper, is_positive, is_linear) };
    }
    if nothing {
        return Kept { count: 0.0, middle: 0.0 };
    }
    if bucket.lower.is_infinite() || bucket.upper.is_infinite() {
        return keep_unbounded(bucket, at, below);
    }
    let under = share_below(bucket, at, is_positive, is_linear);
    if below {
        Kept { count: under, middle: middle(bucket.lower, at, is_positive, is_linear) }
    } else {
        Kept { count: bucket.count - under, middle: middle(at, bucket.upper, is_positive, is_linear) }
    }
}

/// Nobody knows how values lie in a bucket without end: it is dropped, unless it may be taken to begin at zero.
fn keep_unbounded(bucket: &Bucket, at: f64, below: bool) -> Kept {
    let nothing = Kept { count: 0.0, middle: 0.0 };
    if bucket.lower != f64::NEG_INFINITY {
        // Open above: what lies above its own lower bound stays, counted as lying at the cut.
        return if below { nothing } else { Kept { count: bucket.count, middle: at } };
    }
    let from_zero = bucket.upper > 0.0 && bucket.upper.is_finite();
    match below {
        true if at > 0.0 && from_zero => Kept { count: bucket.count * at / bucket.upper, middle: at / 2.0 },
        true if bucket.upper <= 0.0 => Kept { count: bucket.count, middle: at },
        false if at >= 0.0 && from_zero => Kept { count: bucket.count * (1.0 - at / bucket.upper), middle: (at + bucket.upper) / 2.0 },
        _ => nothing,
    }
}

fn share_below(bucket: &Bucket, at: f64, is_positive: bool, is_linear: bool) -> f64 {
    let fraction = if is_linear {
        (at - bucket.lower) / (bucket.upper - bucket.lower)
    } else {
        let [lower, upper, at] = [bucket.lower, bucket.upper, at].map(|v| v.abs().log2());
        if is_positive { (at - lower) / (upper - lower) } else { 1.0 - (at - upper) / (lower - upper) }
    };
    bucket.count * fraction
}

/// Arithmetic mean of the bounds, or geometric in exponential buckets.
fn middle(lower: f64, upper: f64, is_positive: bool, is_linear: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) => {
            if upper > 0.0 {
                upper / 2.0
            } else {
                upper
            }
        }
        (false, true) => lower,
        _ if is_linear => (lower + upper) / 2.0,
        _ => (lower * upper).abs().sqrt() * if is_positive { 1.0 } else { -1.0 },
    }
}

fn keep_zero(bucket: &Bucket, at: f64, below: bool, has_negative: bool, has_positive: bool) -> Kept {
    // With observations on one side only, zero is the natural end.
    let upper = if has_negative && !has_positive { 0.0 } else { bucket.upper };
    let lower = if has_positive && !has_negative { 0.0 } else { bucket.lower };
    let whole = Kept { count: bucket.count, middle: (lower + upper) / 2.0 };
    let nothing = Kept { count: 0.0, middle: 0.0 };
    let (lies_below, lies_above) = (at >= upper, at <= lower);
    match below {
        true if lies_above => nothing,
        true if lies_below => whole,
        true => Kept { count: bucket.count * (at - lower) / (upper - lower), middle: (lower + at) / 2.0 },
        false if lies_above => whole,
        false if lies_below => nothing,
        false => Kept { count: bucket.count * (upper - at) / (upper - lower), middle: (at + upper) / 2.0 },
    }
}
