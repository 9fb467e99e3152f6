//! What all histograms of a chunk have in common: schema, zero threshold, spans, custom bounds.

use super::super::bits::{BitReader, BitWriter};
use super::super::error::Decoded;
use super::super::limits::BUCKETS_MAX;
use crate::model::Histogram;
use crate::model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, ResetHint};

/// A zero threshold that is a power of two is one byte: its exponent and this.
const EXPONENT_BIAS: i32 = 244;
/// Custom bounds that are whole thousandths up to here are stored as whole numbers.
const THOUSANDTHS_MAX: f64 = 33_554_430.0;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    schema: i32,
    zero_threshold: f64,
    positive_spans: Vec<BucketSpan>,
    negative_spans: Vec<BucketSpan>,
    custom_bounds: Vec<f64>,
    pub positive_buckets: usize,
    pub negative_buckets: usize,
}

impl Layout {
    pub fn of(histogram: &Histogram) -> Self {
        Self {
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            positive_spans: histogram.positive_spans.clone(),
            negative_spans: histogram.negative_spans.clone(),
            custom_bounds: histogram.custom_bounds.clone(),
            positive_buckets: histogram.positive_counts.len(),
            negative_buckets: histogram.negative_counts.len(),
        }
    }

    /// Count, zero count and sum, then the buckets.
    pub fn histogram(&self, scalars: [f64; 3], positive: Vec<f64>, negative: Vec<f64>, reset_hint: ResetHint) -> Histogram {
        let [count, zero_count, sum] = scalars;
        Histogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count,
            count,
            sum,
            positive_spans: self.positive_spans.clone(),
            positive_counts: positive,
            negative_spans: self.negative_spans.clone(),
            negative_counts: negative,
            custom_bounds: self.custom_bounds.clone(),
            reset_hint,
        }
    }

    pub fn read(bits: &mut BitReader<'_>) -> Decoded<Self> {
        let zero_threshold = match bits.read(8)? as i32 {
            0 => 0.0,
            255 => bits.f64()?,
            exponent => power_of_two(exponent - EXPONENT_BIAS),
        };
        let schema = bits.varbit_int()?;
        let schema = i32::try_from(schema).ok().filter(|s| (-9..=52).contains(s) || *s == CUSTOM_BUCKETS_SCHEMA);
        let schema = schema.ok_or_else(|| bits.damaged("an unknown histogram schema"))?;
        let (positive_spans, positive_buckets) = read_spans(bits)?;
        let (negative_spans, negative_buckets) = read_spans(bits)?;
        let mut custom_bounds = Vec::new();
        if schema == CUSTOM_BUCKETS_SCHEMA {
            for _ in 0..read_count(bits)? {
                custom_bounds.push(match bits.varbit_uint()? {
                    0 => bits.f64()?,
                    thousandths => (thousandths - 1) as f64 / 1000.0,
                });
            }
        }
        Ok(Self { schema, zero_threshold, positive_spans, negative_spans, custom_bounds, positive_buckets, negative_buckets })
    }

    pub fn write(&self, out: &mut BitWriter) {
        match exponent_of(self.zero_threshold) {
            _ if self.zero_threshold.to_bits() == 0 => out.write(0, 8),
            Some(exponent) => out.write((exponent + EXPONENT_BIAS) as u64, 8),
            None => {
                out.write(255, 8);
                out.write(self.zero_threshold.to_bits(), 64);
            }
        }
        out.varbit_int(i64::from(self.schema));
        for spans in [&self.positive_spans, &self.negative_spans] {
            out.varbit_uint(spans.len() as u64);
            for span in spans {
                out.varbit_uint(u64::from(span.length));
                out.varbit_int(i64::from(span.offset));
            }
        }
        if self.schema != CUSTOM_BUCKETS_SCHEMA {
            return;
        }
        out.varbit_uint(self.custom_bounds.len() as u64);
        for bound in &self.custom_bounds {
            let thousandths = (bound * 1000.0).round();
            let is_plain = (0.0..=THOUSANDTHS_MAX).contains(&thousandths) && (thousandths / 1000.0).to_bits() == bound.to_bits();
            if is_plain {
                out.varbit_uint(thousandths as u64 + 1);
            } else {
                out.write(0, 1);
                out.write(bound.to_bits(), 64);
            }
        }
    }
}

/// The exponent of a power of two that fits in the one-byte form.
fn exponent_of(value: f64) -> Option<i32> {
    (-243..=10).find(|exponent| power_of_two(*exponent).to_bits() == value.to_bits())
}

/// Of an exponent within the range of normal floats.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// A count of things that take at least a bit each.
fn read_count(bits: &mut BitReader<'_>) -> Decoded<usize> {
    let count = bits.varbit_uint()?;
    match usize::try_from(count) {
        Ok(count) if count <= bits.left() => Ok(count),
        _ => Err(bits.damaged("a count is larger than what follows")),
    }
}

/// Spans, and how many buckets they name.
fn read_spans(bits: &mut BitReader<'_>) -> Decoded<(Vec<BucketSpan>, usize)> {
    let (mut spans, mut buckets) = (Vec::new(), 0usize);
    for _ in 0..read_count(bits)? {
        let (length, offset) = (bits.varbit_uint()?, bits.varbit_int()?);
        let span = u32::try_from(length).ok().zip(i32::try_from(offset).ok());
        let (length, offset) = span.ok_or_else(|| bits.damaged("a span of buckets is too large"))?;
        buckets = buckets.saturating_add(length as usize);
        if buckets > BUCKETS_MAX || buckets > bits.left() {
            return Err(bits.damaged("more buckets than the chunk can hold"));
        }
        spans.push(BucketSpan { offset, length });
    }
    Ok((spans, buckets))
}
