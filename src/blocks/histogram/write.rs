//! Chunks of native histograms that grow.

use super::layout::Layout;
use super::{GAUGE, NOT_RESET, RESET};
use crate::blocks::bits::BitWriter;
use crate::blocks::limits::{CHUNK_SAMPLES, HISTOGRAM_CHUNK_BYTES, HISTOGRAMS_MIN};
use crate::blocks::xor::Xored;
use crate::model::histogram::ResetHint;
use crate::model::{Histogram, is_stale};

/// Counts above are not exact in a float.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Whether every count is a whole number, so that an integer chunk holds the histogram exactly.
pub fn is_whole(histogram: &Histogram) -> bool {
    let is_count = |value: &f64| value.is_sign_positive() && *value <= WHOLE_MAX && value.fract() == 0.0;
    is_count(&histogram.count)
        && is_count(&histogram.zero_count)
        && histogram.positive_counts.iter().all(is_count)
        && histogram.negative_counts.iter().all(is_count)
}

/// An integer that goes on as it went.
#[derive(Clone, Copy, Debug, Default)]
struct Moving {
    value: i64,
    step: i64,
}

impl Moving {
    fn write(&mut self, value: i64, out: &mut BitWriter) {
        let step = value.wrapping_sub(self.value);
        out.varbit_int(step.wrapping_sub(self.step));
        *self = Self { value, step };
    }

    /// Says nothing new, so that the reader goes on as it went.
    fn skip(out: &mut BitWriter) {
        out.varbit_int(0);
    }
}

#[derive(Clone, Debug)]
enum Numbers {
    Whole { total: Moving, zero: Moving, buckets: Vec<Moving> },
    Float { total: Xored, zero: Xored, buckets: Vec<Xored> },
}

#[derive(Clone, Debug)]
pub struct HistogramWriter {
    out: BitWriter,
    pub count: u16,
    pub min_time: i64,
    pub max_time: i64,
    step: i64,
    flags: u8,
    layout: Layout,
    sum: Xored,
    numbers: Numbers,
    last: Histogram,
}

/// Positive buckets, then negative ones, each side as differences from bucket to bucket.
fn differences(histogram: &Histogram) -> impl Iterator<Item = i64> + '_ {
    [&histogram.positive_counts, &histogram.negative_counts].into_iter().flat_map(|counts| {
        let mut before = 0i64;
        counts.iter().map(move |count| {
            let difference = *count as i64 - before;
            before = *count as i64;
            difference
        })
    })
}

/// Whether any count is smaller than before: the counter began anew.
fn has_reset(before: &Histogram, after: &Histogram) -> bool {
    let fell = |a: &[f64], b: &[f64]| a.iter().zip(b).any(|(x, y)| y < x);
    after.count < before.count
        || after.zero_count < before.zero_count
        || fell(&before.positive_counts, &after.positive_counts)
        || fell(&before.negative_counts, &after.negative_counts)
}

impl HistogramWriter {
    /// Begins a chunk; `before` is the histogram that the chunk before ended with.
    pub fn new(at: i64, histogram: &Histogram, before: Option<&Histogram>) -> Self {
        let plain;
        let held = if is_stale(histogram.sum) {
            plain = Histogram { sum: histogram.sum, reset_hint: histogram.reset_hint, ..Histogram::default() };
            &plain
        } else {
            histogram
        };
        let flags = match held.reset_hint {
            ResetHint::Gauge => GAUGE,
            ResetHint::Reset => RESET,
            ResetHint::NotReset => NOT_RESET,
            ResetHint::Unknown => match before {
                Some(before) if has_reset(before, held) => RESET,
                _ => 0,
            },
        };
        let (mut out, layout) = (BitWriter::default(), Layout::of(held));
        layout.write(&mut out);
        out.varbit_int(at);
        let numbers = if is_whole(held) { first_whole(held, &mut out) } else { first_floats(held, &mut out) };
        let (sum, last) = (Xored::new(held.sum), held.clone());
        Self { out, count: 1, min_time: at, max_time: at, step: 0, flags, layout, sum, numbers, last }
    }

    pub fn is_float(&self) -> bool {
        matches!(self.numbers, Numbers::Float { .. })
    }

    pub fn last(&self) -> &Histogram {
        &self.last
    }

    fn is_full(&self) -> bool {
        self.count >= CHUNK_SAMPLES || (self.count >= HISTOGRAMS_MIN && self.out.bytes.len() >= HISTOGRAM_CHUNK_BYTES)
    }

    /// Whether the histogram can go into this chunk.
    pub fn takes(&self, histogram: &Histogram) -> bool {
        if self.is_full() || is_stale(self.last.sum) {
            return false;
        }
        let is_gauge = histogram.reset_hint == ResetHint::Gauge;
        if is_stale(histogram.sum) {
            return true;
        }
        if is_gauge != (self.flags == GAUGE) || self.layout != Layout::of(histogram) {
            return false;
        }
        if !self.is_float() && !is_whole(histogram) {
            return false;
        }
        is_gauge || (histogram.reset_hint != ResetHint::Reset && !has_reset(&self.last, histogram))
    }

    /// Only what [`Self::takes`], later than what was there.
    pub fn push(&mut self, at: i64, histogram: &Histogram) {
        let step = at.wrapping_sub(self.max_time);
        self.out.varbit_int(step.wrapping_sub(self.step));
        let is_end = is_stale(histogram.sum);
        let Self { out, sum, .. } = self;
        match &mut self.numbers {
            Numbers::Whole { total, zero, buckets } => {
                if is_end {
                    Moving::skip(out);
                    Moving::skip(out);
                    sum.write(histogram.sum, out);
                } else {
                    total.write(histogram.count as i64, out);
                    zero.write(histogram.zero_count as i64, out);
                    sum.write(histogram.sum, out);
                    buckets.iter_mut().zip(differences(histogram)).for_each(|(bucket, value)| bucket.write(value, out));
                }
            }
            Numbers::Float { total, zero, buckets } => {
                let counts = histogram.positive_counts.iter().chain(&histogram.negative_counts);
                total.write(if is_end { 0.0 } else { histogram.count }, out);
                zero.write(if is_end { 0.0 } else { histogram.zero_count }, out);
                sum.write(histogram.sum, out);
                if !is_end {
                    buckets.iter_mut().zip(counts).for_each(|(bucket, value)| bucket.write(*value, out));
                }
            }
        }
        self.last = if is_end { Histogram { sum: histogram.sum, ..Histogram::default() } } else { histogram.clone() };
        (self.step, self.max_time) = (step, at);
        self.count += 1;
    }

    pub fn finish(&self) -> Vec<u8> {
        let mut data = self.count.to_be_bytes().to_vec();
        data.push(self.flags);
        data.extend_from_slice(&self.out.bytes);
        data
    }
}

fn first_whole(held: &Histogram, out: &mut BitWriter) -> Numbers {
    let start = |value: i64| Moving { value, step: 0 };
    out.varbit_uint(held.count as u64);
    out.varbit_uint(held.zero_count as u64);
    out.write(held.sum.to_bits(), 64);
    differences(held).for_each(|value| out.varbit_int(value));
    let buckets = differences(held).map(start).collect();
    Numbers::Whole { total: start(held.count as i64), zero: start(held.zero_count as i64), buckets }
}

fn first_floats(held: &Histogram, out: &mut BitWriter) -> Numbers {
    let counts = || held.positive_counts.iter().chain(&held.negative_counts);
    [held.count, held.zero_count, held.sum].iter().chain(counts()).for_each(|value| out.write(value.to_bits(), 64));
    Numbers::Float {
        total: Xored::new(held.count),
        zero: Xored::new(held.zero_count),
        buckets: counts().copied().map(Xored::new).collect(),
    }
}

#[cfg(test)]
mod tests;
