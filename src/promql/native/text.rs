//! A histogram as Prometheus prints it.

use crate::model::Histogram;
use crate::model::histogram::Bucket;
use crate::model::number::format_general;

/// `{count:20, sum:10, [-2,-1):2, [-0.001,0.001]:2, (0.5,1]:1}`; empty buckets are left out.
pub fn text(histogram: &Histogram) -> String {
    let mut out = format!("{{count:{}, sum:{}", format_general(histogram.count), format_general(histogram.sum));
    let mut negative: Vec<Bucket> = histogram.negative_buckets().collect();
    negative.reverse();
    let zero = (histogram.zero_count != 0.0).then(|| (true, histogram.zero_bucket()));
    let sides = negative.into_iter().map(|b| (false, b)).chain(zero).chain(histogram.positive_buckets().map(|b| (false, b)));
    for (is_zero, bucket) in sides.filter(|(_, b)| b.count != 0.0) {
        let open = if is_zero || bucket.includes_lower() { '[' } else { '(' };
        let close = if is_zero || bucket.includes_upper() { ']' } else { ')' };
        let [lower, upper, count] = [bucket.lower, bucket.upper, bucket.count].map(format_general);
        out.push_str(&format!(", {open}{lower},{upper}{close}:{count}"));
    }
    out.push('}');
    out
}
