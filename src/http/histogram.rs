//! Native histograms as JSON: count, sum and the buckets that hold anything, from the lowest up.

use super::json::{self, Object};
use crate::model::histogram::Bucket;
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
    let is_custom = histogram.uses_custom_buckets();
    let ends = |at: usize, bucket: &Bucket| match (is_custom, bucket.lower < 0.0, bucket.upper > 0.0) {
        // Custom bounds may lie anywhere; each belongs to the bucket below it.
        (true, ..) => {
            if at == 0 && bucket.lower == f64::NEG_INFINITY {
                Ends::Both
            } else {
                Ends::Upper
            }
        }
        (false, true, true) => Ends::Both,
        (false, true, false) => Ends::Lower,
        (false, false, _) => Ends::Upper,
    };
    let all = histogram.all_buckets();
    let shown = all.iter().enumerate().filter(|(_, bucket)| bucket.count != 0.0);
    shown.map(|(at, bucket)| (ends(at, bucket), bucket.lower, bucket.upper, bucket.count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA};

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
