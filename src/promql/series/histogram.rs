//! Histogram descriptions: `{{schema:1 sum:15 count:10 buckets:[3 2 5] offset:1}}`, without the braces here.

use crate::model::Histogram;
use crate::model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, ResetHint};
use crate::promql::lexer::literal;

pub(super) fn parse(text: &str) -> Result<Histogram, String> {
    let mut histogram = Histogram::default();
    let (mut offset, mut negative_offset) = (0, 0);
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once(':').ok_or_else(|| format!("a histogram description has keys and values: {rest}"))?;
        let after = after.trim_start();
        let (value, next) = if after.starts_with('[') {
            let end = after.find(']').ok_or("a list of buckets does not end")?;
            (&after[1..end], &after[end + 1..])
        } else {
            after.split_at(after.find(char::is_whitespace).unwrap_or(after.len()))
        };
        match key.trim() {
            "schema" => histogram.schema = integer(value)?,
            "sum" => histogram.sum = number(value)?,
            "count" => histogram.count = number(value)?,
            "z_bucket" => histogram.zero_count = number(value)?,
            "z_bucket_w" => histogram.zero_threshold = number(value)?,
            "offset" => offset = integer(value)?,
            "n_offset" => negative_offset = integer(value)?,
            "buckets" => histogram.positive_counts = numbers(value)?,
            "n_buckets" => histogram.negative_counts = numbers(value)?,
            "custom_values" => histogram.custom_bounds = numbers(value)?,
            "counter_reset_hint" => histogram.reset_hint = hint(value)?,
            other => return Err(format!("bad histogram descriptor found: {}", crate::model::number::quote(other))),
        }
        rest = next.trim_start();
    }
    if histogram.schema != CUSTOM_BUCKETS_SCHEMA && !histogram.custom_bounds.is_empty() {
        return Err("custom_values need the custom schema -53".to_owned());
    }
    histogram.positive_spans = span(offset, histogram.positive_counts.len());
    histogram.negative_spans = span(negative_offset, histogram.negative_counts.len());
    Ok(histogram)
}

fn span(offset: i32, buckets: usize) -> Vec<BucketSpan> {
    if buckets == 0 { Vec::new() } else { vec![BucketSpan { offset, length: buckets as u32 }] }
}

fn integer(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| format!("not an integer in a histogram description: {text}"))
}

fn number(text: &str) -> Result<f64, String> {
    let unsigned = literal::parse_number(text.trim_start_matches(['+', '-']))?;
    Ok(if text.starts_with('-') { -unsigned } else { unsigned })
}

fn numbers(text: &str) -> Result<Vec<f64>, String> {
    text.split_whitespace().map(number).collect()
}

fn hint(text: &str) -> Result<ResetHint, String> {
    Ok(match text {
        "unknown" => ResetHint::Unknown,
        "reset" => ResetHint::Reset,
        "not_reset" => ResetHint::NotReset,
        "gauge" => ResetHint::Gauge,
        other => return Err(format!("unknown counter_reset_hint: {other}")),
    })
}
