//! Chunks of native histograms: a layout once, then each histogram as differences to the one before.
//!
//! Integer histograms code differences of differences of counts; float histograms XOR each number with the one before. Both can be gauges.

mod layout;
pub mod write;

use std::sync::Arc;

use super::bits::BitReader;
use super::error::{Damaged, Decoded};
use super::samples::Samples;
use super::xor::Xored;
use crate::model::histogram::ResetHint;
use crate::model::{Histogram, is_stale};
use layout::Layout;

/// Count and flags.
const HEAD: usize = 3;
/// The two highest bits of the flags.
const RESET: u8 = 0b1000_0000;
const NOT_RESET: u8 = 0b0100_0000;
const GAUGE: u8 = 0b1100_0000;

/// The hint of a chunk's histogram. The first one's is left open: what lies before it may be another chunk than the writer knew.
fn hint(flags: u8, number: u16) -> ResetHint {
    match (flags & GAUGE, number) {
        (GAUGE, _) => ResetHint::Gauge,
        (_, 0) => ResetHint::Unknown,
        _ => ResetHint::NotReset,
    }
}

/// The histograms of a chunk's data. They are appended to what is there.
pub fn decode(data: &[u8], is_float: bool, into: &mut Samples) -> Decoded<()> {
    let Some((head, stream)) = data.split_first_chunk::<HEAD>() else { return Err(Damaged::new(0, "a chunk without a head")) };
    let count = u16::from_be_bytes([head[0], head[1]]);
    let mut bits = BitReader::new(stream);
    let behind_head = |error: Damaged| Damaged::new(error.at + HEAD, error.what);
    let decoded = if is_float { floats(count, head[2], &mut bits, into) } else { integers(count, head[2], &mut bits, into) };
    decoded.map_err(behind_head)
}

/// Adds a difference to a time.
fn advance(at: i64, step: i64, bits: &BitReader<'_>) -> Decoded<i64> {
    at.checked_add(step).filter(|next| *next > at).ok_or_else(|| bits.damaged("times do not increase"))
}

/// A number that goes on as it went.
#[derive(Clone, Copy, Default)]
struct Moving {
    value: i64,
    step: i64,
}

impl Moving {
    fn read(&mut self, bits: &mut BitReader<'_>) -> Decoded<()> {
        self.step = self.step.wrapping_add(bits.varbit_int()?);
        self.value = self.value.wrapping_add(self.step);
        Ok(())
    }
}

/// Each bucket's count is stated as the difference to the bucket before.
fn absolute(buckets: &[Moving]) -> Vec<f64> {
    let mut count = 0i64;
    let add = |bucket: &Moving| {
        count = count.wrapping_add(bucket.value);
        count as f64
    };
    buckets.iter().map(add).collect()
}

fn integers(count: u16, flags: u8, bits: &mut BitReader<'_>, into: &mut Samples) -> Decoded<()> {
    if count == 0 {
        return Ok(());
    }
    let layout = Layout::read(bits)?;
    let mut at = bits.varbit_int()?;
    let whole = |bits: &mut BitReader<'_>| bits.varbit_uint().map(|value| Moving { value: value as i64, step: 0 });
    let (mut total, mut zero, mut sum) = (whole(bits)?, whole(bits)?, Xored::new(bits.f64()?));
    let first = |bits: &mut BitReader<'_>| bits.varbit_int().map(|value| Moving { value, step: 0 });
    let mut positive: Vec<Moving> = (0..layout.positive_buckets).map(|_| first(bits)).collect::<Decoded<_>>()?;
    let mut negative: Vec<Moving> = (0..layout.negative_buckets).map(|_| first(bits)).collect::<Decoded<_>>()?;
    let mut step = 0i64;
    for number in 0..count {
        if number > 0 {
            step = step.wrapping_add(bits.varbit_int()?);
            at = advance(at, step, bits)?;
            total.read(bits)?;
            zero.read(bits)?;
            sum.read(bits)?;
            if !is_stale(sum.value()) {
                positive.iter_mut().chain(&mut negative).try_for_each(|bucket| bucket.read(bits))?;
            }
        }
        let histogram = if is_stale(sum.value()) {
            Histogram { sum: sum.value(), reset_hint: hint(flags, number), ..Histogram::default() }
        } else {
            layout.histogram(
                [total.value as u64 as f64, zero.value as u64 as f64, sum.value()],
                absolute(&positive),
                absolute(&negative),
                hint(flags, number),
            )
        };
        into.push_histogram(at, Arc::new(histogram));
    }
    Ok(())
}

fn floats(count: u16, flags: u8, bits: &mut BitReader<'_>, into: &mut Samples) -> Decoded<()> {
    if count == 0 {
        return Ok(());
    }
    let layout = Layout::read(bits)?;
    let mut at = bits.varbit_int()?;
    let first = |bits: &mut BitReader<'_>| bits.f64().map(Xored::new);
    let (mut total, mut zero, mut sum) = (first(bits)?, first(bits)?, first(bits)?);
    let mut positive: Vec<Xored> = (0..layout.positive_buckets).map(|_| first(bits)).collect::<Decoded<_>>()?;
    let mut negative: Vec<Xored> = (0..layout.negative_buckets).map(|_| first(bits)).collect::<Decoded<_>>()?;
    let mut step = 0i64;
    for number in 0..count {
        if number > 0 {
            step = step.wrapping_add(bits.varbit_int()?);
            at = advance(at, step, bits)?;
            total.read(bits)?;
            zero.read(bits)?;
            sum.read(bits)?;
            if !is_stale(sum.value()) {
                positive.iter_mut().chain(&mut negative).try_for_each(|bucket| bucket.read(bits))?;
            }
        }
        let histogram = if is_stale(sum.value()) {
            Histogram { sum: sum.value(), reset_hint: hint(flags, number), ..Histogram::default() }
        } else {
            let values = |buckets: &[Xored]| buckets.iter().map(Xored::value).collect::<Vec<_>>();
            let scalars = [total.value(), zero.value(), sum.value()];
            layout.histogram(scalars, values(&positive), values(&negative), hint(flags, number))
        };
        into.push_histogram(at, Arc::new(histogram));
    }
    Ok(())
}
