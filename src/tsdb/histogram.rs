//! Native histograms as bytes: each by itself, its counts as short decimals where they are such (the row log); and the histograms of
//! one page together, bucket by bucket (`column`, segments).

pub mod column;

use super::bytes::{Damaged, Decoded, Reader, put_signed, put_varint};
use super::decimal::{POWERS, find_exponent, from_mantissa};
use crate::model::Histogram;
use crate::model::histogram::{BucketSpan, ResetHint};

const HINTS: [ResetHint; 4] = [ResetHint::Unknown, ResetHint::Reset, ResetHint::NotReset, ResetHint::Gauge];

fn put_float(out: &mut Vec<u8>, value: f64) {
    match find_exponent(value, 0) {
        Some((exponent, whole)) => {
            out.push(exponent);
            put_signed(out, whole);
        }
        None => {
            out.push(u8::MAX);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

fn take_float(reader: &mut Reader<'_>) -> Decoded<f64> {
    match reader.u8()? {
        u8::MAX => Ok(f64::from_bits(reader.u64()?)),
        exponent if usize::from(exponent) < POWERS.len() => Ok(from_mantissa(reader.signed()?, exponent)),
        _ => Err(Damaged("an unknown exponent in a histogram")),
    }
}

fn put_floats(out: &mut Vec<u8>, values: &[f64]) {
    put_varint(out, values.len() as u64);
    values.iter().for_each(|value| put_float(out, *value));
}

fn take_floats(reader: &mut Reader<'_>) -> Decoded<Vec<f64>> {
    let count = reader.count(2)?;
    (0..count).map(|_| take_float(reader)).collect()
}

fn put_spans(out: &mut Vec<u8>, spans: &[BucketSpan]) {
    put_varint(out, spans.len() as u64);
    for span in spans {
        put_signed(out, i64::from(span.offset));
        put_varint(out, u64::from(span.length));
    }
}

fn take_spans(reader: &mut Reader<'_>) -> Decoded<Vec<BucketSpan>> {
    let count = reader.count(2)?;
    let span = |reader: &mut Reader<'_>| {
        let offset = i32::try_from(reader.signed()?).map_err(|_| Damaged("a span's offset is too large"))?;
        Ok(BucketSpan { offset, length: reader.varint32()? })
    };
    (0..count).map(|_| span(reader)).collect()
}

pub fn put(out: &mut Vec<u8>, h: &Histogram) {
    put_signed(out, i64::from(h.schema));
    out.push(HINTS.iter().position(|hint| *hint == h.reset_hint).unwrap_or(0) as u8);
    for value in [h.zero_threshold, h.zero_count, h.count, h.sum] {
        put_float(out, value);
    }
    put_spans(out, &h.positive_spans);
    put_floats(out, &h.positive_counts);
    put_spans(out, &h.negative_spans);
    put_floats(out, &h.negative_counts);
    put_floats(out, &h.custom_bounds);
}

pub fn take(reader: &mut Reader<'_>) -> Decoded<Histogram> {
    let schema = i32::try_from(reader.signed()?).map_err(|_| Damaged("a histogram's schema is too large"))?;
    let reset_hint = *HINTS.get(usize::from(reader.u8()?)).ok_or(Damaged("an unknown reset hint"))?;
    let (zero_threshold, zero_count, count, sum) = (take_float(reader)?, take_float(reader)?, take_float(reader)?, take_float(reader)?);
    Ok(Histogram {
        schema,
        zero_threshold,
        zero_count,
        count,
        sum,
        positive_spans: take_spans(reader)?,
        positive_counts: take_floats(reader)?,
        negative_spans: take_spans(reader)?,
        negative_counts: take_floats(reader)?,
        custom_bounds: take_floats(reader)?,
        reset_hint,
    })
}

#[cfg(test)]
mod tests;
