//! Native histograms on the wire: integer ones carry differences, float ones absolute counts; both become `model::Histogram`.

use super::wire::{Field, Malformed, Reader, unzigzag};
use crate::model::TimestampMs;
use crate::model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, Histogram, ResetHint};

/// What makes a well-formed message a histogram that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadHistogram(pub String);

/// Buckets of one sign as the message gives them.
#[derive(Default)]
struct Side {
    spans: Vec<BucketSpan>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

impl Side {
    /// Absolute counts, one for each bucket that the spans name.
    fn absolute(mut self, sign: &str) -> Result<(Vec<BucketSpan>, Vec<f64>), BadHistogram> {
        if self.counts.is_empty() {
            let mut sum = 0i64;
            for delta in &self.deltas {
                sum = sum.saturating_add(*delta);
                self.counts.push(sum as f64);
            }
        }
        let named: u64 = self.spans.iter().map(|span| u64::from(span.length)).sum();
        if named != self.counts.len() as u64 {
            let problem = format!(
                "{sign} side: spans need {named} buckets, have {} buckets: histogram spans specify different number of buckets than provided",
                self.counts.len()
            );
            return Err(BadHistogram(problem));
        }
        if let Some(negative) = self.counts.iter().find(|count| **count < 0.0) {
            return Err(BadHistogram(format!("{sign} side: histogram has a bucket whose observation count is negative: {negative}")));
        }
        Ok((self.spans, self.counts))
    }
}

/// The time and the histogram of one `Histogram` message.
pub fn read(message: &[u8]) -> Result<(TimestampMs, Result<Histogram, BadHistogram>), Malformed> {
    let (mut at, mut histogram) = (0i64, Histogram::default());
    let (mut positive, mut negative) = (Side::default(), Side::default());
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => histogram.count = field.varint()? as f64,
            2 => histogram.count = field.double()?,
            3 => histogram.sum = field.double()?,
            4 => histogram.schema = i32::try_from(field.zigzag()?).unwrap_or(i32::MAX),
            5 => histogram.zero_threshold = field.double()?,
            6 => histogram.zero_count = field.varint()? as f64,
            7 => histogram.zero_count = field.double()?,
            8 => negative.spans.push(span(field.bytes()?)?),
            9 => deltas(field, &mut negative.deltas)?,
            10 => doubles(field, &mut negative.counts)?,
            11 => positive.spans.push(span(field.bytes()?)?),
            12 => deltas(field, &mut positive.deltas)?,
            13 => doubles(field, &mut positive.counts)?,
            14 => {
                histogram.reset_hint = match field.varint()? {
                    1 => ResetHint::Reset,
                    2 => ResetHint::NotReset,
                    3 => ResetHint::Gauge,
                    _ => ResetHint::Unknown,
                }
            }
            15 => at = field.varint()? as i64,
            16 => doubles(field, &mut histogram.custom_bounds)?,
            _ => {}
        }
    }
    Ok((TimestampMs(at), whole(histogram, positive, negative)))
}

fn whole(mut histogram: Histogram, positive: Side, negative: Side) -> Result<Histogram, BadHistogram> {
    if !(-4..=8).contains(&histogram.schema) && histogram.schema != CUSTOM_BUCKETS_SCHEMA {
        return Err(BadHistogram(format!("histogram has an invalid schema: {}", histogram.schema)));
    }
    if !histogram.custom_bounds.is_sorted_by(|a, b| a < b) {
        return Err(BadHistogram("histogram custom bounds must be in strictly increasing order".to_owned()));
    }
    (histogram.positive_spans, histogram.positive_counts) = positive.absolute("positive")?;
    (histogram.negative_spans, histogram.negative_counts) = negative.absolute("negative")?;
    Ok(histogram)
}

fn span(message: &[u8]) -> Result<BucketSpan, Malformed> {
    let mut span = BucketSpan { offset: 0, length: 0 };
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => span.offset = field.zigzag()? as i32,
            2 => span.length = field.varint()? as u32,
            _ => {}
        }
    }
    Ok(span)
}

/// Packed, or one by one.
fn deltas(field: Field<'_>, into: &mut Vec<i64>) -> Result<(), Malformed> {
    let Field::Bytes(packed) = field else {
        into.push(field.zigzag()?);
        return Ok(());
    };
    let mut reader = Reader::new(packed);
    while !reader.is_empty() {
        into.push(unzigzag(reader.varint()?));
    }
    Ok(())
}

/// Packed, or one by one.
fn doubles(field: Field<'_>, into: &mut Vec<f64>) -> Result<(), Malformed> {
    let Field::Bytes(packed) = field else {
        into.push(field.double()?);
        return Ok(());
    };
    let (chunks, rest) = packed.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(Malformed::Truncated);
    }
    into.extend(chunks.iter().map(|bytes| f64::from_le_bytes(*bytes)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_buckets_are_differences() {
        // count 6, sum 1, schema 1, spans (2, 2) and (1, 1), buckets 1 3 2, gauge, at 7
        let message = [
            &[0x08, 6, 0x19, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x20, 2][..],
            &[0x5a, 4, 0x08, 4, 0x10, 2, 0x5a, 4, 0x08, 2, 0x10, 1, 0x62, 3, 2, 4, 1, 0x70, 3, 0x78, 7],
        ]
        .concat();
        let (at, histogram) = read(&message).unwrap();
        let histogram = histogram.unwrap();
        assert_eq!((at, histogram.count, histogram.sum, histogram.schema), (TimestampMs(7), 6.0, 1.0, 1));
        assert_eq!(histogram.positive_counts, [1.0, 3.0, 2.0]);
        assert_eq!(histogram.positive_spans, [BucketSpan { offset: 2, length: 2 }, BucketSpan { offset: 1, length: 1 }]);
        assert_eq!(histogram.reset_hint, ResetHint::Gauge);
    }

    #[test]
    fn spans_must_fit_their_buckets() {
        let (_, histogram) = read(&[0x5a, 4, 0x08, 4, 0x10, 2, 0x62, 1, 2]).unwrap();
        assert!(histogram.unwrap_err().0.starts_with("positive side: spans need 2 buckets, have 1 buckets"));
        let (_, histogram) = read(&[0x20, 40]).unwrap();
        assert_eq!(histogram.unwrap_err().0, "histogram has an invalid schema: 20");
    }
}
