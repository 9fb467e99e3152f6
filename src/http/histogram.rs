//! Native histograms as JSON: count, sum and the buckets that hold anything, from the lowest up.

use super::json::{self, Object};
use crate::model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA};
use crate::model::{Histogram, TimestampMs};

/// Which ends belong to a bucket, as the API numbers them.
#[derive(Clone, Copy)]
enum Ends {
    Upper = 0,
    Lower = 1,
    Both = 3,
}

pub fn point(out: &mut Vec<u8>, at: TimestampMs, histogram: &Histogram) {
    out.push(b'[');
    json::seconds(out, at);
    out.push(b',');
    write(out, histogram);
    out.push(b']');
}

fn write(out: &mut Vec<u8>, histogram: &Histogram) {
    let mut object = Object::open(out);
    json::sample_value(object.key("count"), histogram.count);
    json::sample_value(object.key("sum"), histogram.sum);
    let buckets = buckets(histogram);
    if !buckets.is_empty() {
        object.list("buckets", buckets, |out, (ends, lower, upper, count)| {
            out.push(b'[');
            json::integer(out, ends as i64);
            for value in [lower, upper, count] {
                out.push(b',');
                json::sample_value(out, value);
            }
            out.push(b']');
        });
    }
    object.close();
}

fn buckets(histogram: &Histogram) -> Vec<(Ends, f64, f64, f64)> {
    let mut found = Vec::new();
    for (index, count) in indexed(&histogram.negative_spans, &histogram.negative_counts) {
        found.push((Ends::Lower, -bound(histogram, index), -bound(histogram, index - 1), count));
    }
    found.reverse();
    if histogram.zero_count != 0.0 {
        found.push((Ends::Both, -histogram.zero_threshold, histogram.zero_threshold, histogram.zero_count));
    }
    for (index, count) in indexed(&histogram.positive_spans, &histogram.positive_counts) {
        let (lower, upper) = (bound(histogram, index - 1), bound(histogram, index));
        let is_first_custom = histogram.schema == CUSTOM_BUCKETS_SCHEMA && index == 0;
        found.push((if is_first_custom { Ends::Both } else { Ends::Upper }, lower, upper, count));
    }
    found.retain(|(_, _, _, count)| *count != 0.0);
    found
}

/// Buckets with their index: spans skip, counts go on.
fn indexed<'h>(spans: &'h [BucketSpan], counts: &'h [f64]) -> impl Iterator<Item = (i32, f64)> + 'h {
    let mut next = 0i32;
    let indices = spans.iter().flat_map(move |span| {
        let from = next.saturating_add(span.offset);
        next = from.saturating_add(i32::try_from(span.length).unwrap_or(i32::MAX));
        from..next
    });
    indices.zip(counts.iter().copied())
}

/// The upper bound of a bucket: a power of `2^(2^-schema)`, or a custom bound.
fn bound(histogram: &Histogram, index: i32) -> f64 {
    if histogram.schema == CUSTOM_BUCKETS_SCHEMA {
        return match usize::try_from(index) {
            Err(_) => f64::NEG_INFINITY,
            Ok(at) => histogram.custom_bounds.get(at).copied().unwrap_or(f64::INFINITY),
        };
    }
    if histogram.schema <= 0 {
        let exponent = i64::from(index) << -histogram.schema.max(-16);
        return power_of_two(exponent);
    }
    // fraction and power apart, so that a bound has the same digits in every octave
    let steps = 1i64 << histogram.schema.min(16);
    let (octave, step) = (i64::from(index).div_euclid(steps), i64::from(index).rem_euclid(steps));
    (step as f64 / steps as f64).exp2() * power_of_two(octave)
}

/// The last bound is the largest float, as the format has it.
fn power_of_two(exponent: i64) -> f64 {
    if exponent == 1024 { f64::MAX } else { f64::powi(2.0, exponent.clamp(-1100, 1100) as i32) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(offset: i32, length: u32) -> BucketSpan {
        BucketSpan { offset, length }
    }

    #[test]
    fn buckets_go_from_the_lowest_up() {
        let histogram = Histogram {
            schema: 0,
            zero_threshold: 0.5,
            zero_count: 1.0,
            count: 9.0,
            sum: 12.5,
            positive_spans: vec![span(0, 2), span(1, 1)],
            positive_counts: vec![2.0, 0.0, 3.0],
            negative_spans: vec![span(1, 2)],
            negative_counts: vec![1.0, 2.0],
            ..Histogram::default()
        };
        let mut out = Vec::new();
        point(&mut out, TimestampMs(1500), &histogram);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"[1.500,{"count":"9","sum":"12.5","buckets":[[1,"-4","-2","2"],[1,"-2","-1","1"],[3,"-0.5","0.5","1"],[0,"0.5","1","2"],[0,"4","8","3"]]}]"#
        );
    }

    #[test]
    fn custom_bounds_begin_at_minus_infinity() {
        let histogram = Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count: 3.0,
            positive_spans: vec![span(0, 3)],
            positive_counts: vec![1.0, 1.0, 1.0],
            custom_bounds: vec![1.0, 2.5],
            ..Histogram::default()
        };
        let mut out = Vec::new();
        write(&mut out, &histogram);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"count":"3","sum":"0","buckets":[[3,"-Inf","1","1"],[0,"1","2.5","1"],[0,"2.5","+Inf","1"]]}"#
        );
    }
}
