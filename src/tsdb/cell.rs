//! One value after another of one column, as short codes: the spelling of the row log and of tails.
//!
//! A code is a varint. Even: twice the zigzag difference of mantissas to the value before, at the column's exponent.
//! Odd: an operation, `op * 2 + 1`, with what it needs behind it (`docs/format/row-log.md`).

use super::bytes::{Damaged, Decoded, Reader, put_signed, put_varint, unzigzag, zigzag};
use super::decimal::{POWERS, find_exponent, from_mantissa, mantissa};

/// Eight bytes follow: the float's bits.
const OP_RAW: u64 = 0;
/// The series ended here.
const OP_STALE: u64 = 1;
/// The source did not say.
const OP_GAP: u64 = 2;
/// A native histogram, kept beside.
const OP_HISTOGRAM: u64 = 3;
/// Only in tails: a varint follows, how many rows after the item before (without it: one).
const OP_SKIP: u64 = 4;
/// A byte (zero bytes in front * 16 + bytes kept) and the bytes kept of the XOR with the value before.
const OP_XOR: u64 = 5;
/// `OP_SET + exponent`: a zigzag mantissa follows.
const OP_SET: u64 = 8;
/// No decimal exponent known.
pub const NO_EXPONENT: u8 = u8::MAX;
/// Differences stay within 61 bits, so that a code fits a varint.
const DIFFERENCE_MAX: u64 = 1 << 61;

/// What both sides of a column remember between codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coder {
    /// Bits of the last value.
    pub last: u64,
    pub exponent: u8,
}

impl Default for Coder {
    fn default() -> Self {
        Self { last: 0, exponent: NO_EXPONENT }
    }
}

/// What one code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Bits of a float.
    Value(u64),
    Stale,
    Gap,
    Histogram,
    Skip(u64),
}

#[inline]
fn put_op(out: &mut Vec<u8>, op: u64) {
    out.push((op << 1 | 1) as u8);
}

pub fn put_stale(out: &mut Vec<u8>) {
    put_op(out, OP_STALE);
}

pub fn put_gap(out: &mut Vec<u8>) {
    put_op(out, OP_GAP);
}

pub fn put_histogram(out: &mut Vec<u8>) {
    put_op(out, OP_HISTOGRAM);
}

pub fn put_skip(out: &mut Vec<u8>, rows: u64) {
    put_op(out, OP_SKIP);
    put_varint(out, rows);
}

impl Coder {
    /// The shortest code of a value after the last one.
    #[inline]
    pub fn put(&mut self, out: &mut Vec<u8>, bits: u64) {
        let value = f64::from_bits(bits);
        if self.exponent != NO_EXPONENT
            && let Some(now) = mantissa(value, self.exponent)
            && let Some(before) = mantissa(f64::from_bits(self.last), self.exponent)
        {
            let difference = zigzag(now - before);
            if difference < DIFFERENCE_MAX {
                put_varint(out, difference << 1);
                self.last = bits;
                return;
            }
        }
        self.put_unlike(out, bits);
    }

    fn put_unlike(&mut self, out: &mut Vec<u8>, bits: u64) {
        let from = if self.exponent == NO_EXPONENT { 0 } else { self.exponent };
        let value = f64::from_bits(bits);
        match find_exponent(value, from).or_else(|| find_exponent(value, 0)) {
            Some((exponent, whole)) => self.put_set(out, bits, exponent, whole),
            None => {
                let xor = (bits ^ self.last).to_be_bytes();
                let front = xor.iter().take_while(|b| **b == 0).count().min(7);
                let kept = 8 - front - xor[front..].iter().rev().take_while(|b| **b == 0).count();
                // Without a value before, the code must stand by itself: readers may know another one.
                if kept < 7 && self.last != 0 {
                    put_op(out, OP_XOR);
                    out.push((front << 4 | kept) as u8);
                    out.extend_from_slice(&xor[front..front + kept]);
                } else {
                    put_op(out, OP_RAW);
                    out.extend_from_slice(&bits.to_le_bytes());
                }
                self.last = bits;
            }
        }
    }

    fn put_set(&mut self, out: &mut Vec<u8>, bits: u64, exponent: u8, whole: i64) {
        put_op(out, OP_SET + u64::from(exponent));
        put_signed(out, whole);
        *self = Self { last: bits, exponent };
    }

    /// A code that needs no value before, and leaves the coder in the same state for reader and writer.
    pub fn put_absolute(&mut self, out: &mut Vec<u8>, bits: u64) {
        let value = f64::from_bits(bits);
        let known = (self.exponent != NO_EXPONENT).then(|| mantissa(value, self.exponent).map(|m| (self.exponent, m))).flatten();
        match known.or_else(|| find_exponent(value, 0)) {
            Some((exponent, whole)) => self.put_set(out, bits, exponent, whole),
            None => {
                put_op(out, OP_RAW);
                out.extend_from_slice(&bits.to_le_bytes());
                *self = Self { last: bits, exponent: NO_EXPONENT };
            }
        }
    }

    /// Takes one code off the reader.
    #[inline]
    pub fn take(&mut self, reader: &mut Reader<'_>) -> Decoded<Code> {
        let code = reader.varint()?;
        if code & 1 == 0 {
            let before = mantissa_of(self)?;
            let whole = before.wrapping_add(unzigzag(code >> 1));
            self.last = from_mantissa(whole, self.exponent).to_bits();
            return Ok(Code::Value(self.last));
        }
        Ok(match code >> 1 {
            OP_RAW => {
                self.last = reader.u64()?;
                Code::Value(self.last)
            }
            OP_STALE => Code::Stale,
            OP_GAP => Code::Gap,
            OP_HISTOGRAM => Code::Histogram,
            OP_SKIP => Code::Skip(reader.varint()?),
            OP_XOR => {
                let shape = reader.u8()?;
                let (front, kept) = (usize::from(shape >> 4), usize::from(shape & 15));
                let mut xor = [0u8; 8];
                let place = xor.get_mut(front..front + kept).ok_or(Damaged("an XOR code is too long"))?;
                place.copy_from_slice(reader.bytes(kept)?);
                self.last ^= u64::from_be_bytes(xor);
                Code::Value(self.last)
            }
            op => {
                let exponent = op.wrapping_sub(OP_SET);
                if exponent >= POWERS.len() as u64 {
                    return Err(Damaged("an unknown code"));
                }
                let whole = reader.signed()?;
                *self = Self { last: from_mantissa(whole, exponent as u8).to_bits(), exponent: exponent as u8 };
                Code::Value(self.last)
            }
        })
    }
}

#[inline]
fn mantissa_of(coder: &Coder) -> Decoded<i64> {
    if coder.exponent == NO_EXPONENT {
        return Err(Damaged("a difference without a value before"));
    }
    mantissa(f64::from_bits(coder.last), coder.exponent).ok_or(Damaged("a difference after a value that is no decimal"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::STALE_NAN;

    const ODD: [f64; 12] = [
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        5e-324,
        1.0 / 3.0,
        f64::MAX,
        9_007_199_254_740_993.0,
        0.1 + 0.2,
        -9_007_199_254_740_992.0,
        STALE_NAN,
    ];

    fn round_trip(values: &[f64], absolute_every: usize) {
        let (mut out, mut writer) = (Vec::new(), Coder::default());
        let mut states = Vec::new();
        for (at, value) in values.iter().enumerate() {
            if at % absolute_every == 0 {
                writer.put_absolute(&mut out, value.to_bits());
            } else {
                writer.put(&mut out, value.to_bits());
            }
            states.push(writer);
        }
        let (mut reader, mut coder) = (Reader::new(&out), Coder::default());
        for (value, state) in values.iter().zip(states) {
            assert_eq!(coder.take(&mut reader), Ok(Code::Value(value.to_bits())), "{value}");
            // Where an absolute raw value forgets the exponent, the reader may still know one: it is not used before the next set.
            if state.exponent != NO_EXPONENT {
                assert_eq!(coder, state);
            }
        }
        assert!(reader.is_empty());
    }

    #[test]
    fn every_value_comes_back_to_the_bit() {
        let mut values = ODD.to_vec();
        values.extend([1.0, 2.0, 2.5, 2.25, 1e15, 3.0, 0.001, 12345.678]);
        values.extend(ODD.iter().rev());
        for every in [1, 3, 7, 1000] {
            round_trip(&values, every);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bits_come_back(bits in proptest::collection::vec(proptest::num::u64::ANY, 1..50), cents in proptest::collection::vec(-100_000i64..100_000, 1..50)) {
            let mut values: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
            for (at, cents) in cents.into_iter().enumerate() {
                values.insert((at * 2).min(values.len()), cents as f64 / 100.0);
            }
            round_trip(&values, 5);
        }
    }
}
