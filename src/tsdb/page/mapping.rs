//! Floats as integers: which mapping makes a column's values small whole numbers, and what it leaves over.

use super::{BITS_MAPPING, CORRECTED_MAPPING, EXTREMES_FROM, MULTIPLY_MAPPING, STEPPED};
use crate::tsdb::bytes::{Damaged, Decoded, Reader, put_signed, put_varint};
use crate::tsdb::decimal::{INVERSES, POWERS, find_exponent, from_mantissa, mantissa, multiplicand, nearest};

/// At most one in so many values may be an exception of the mapping.
const EXCEPTION_SHARE: usize = 16;
/// Powers of ten that are tried where floats are sums of decimals and so a few floats off: milli-, micro- and nanoseconds.
const CORRECTED_EXPONENTS: [u8; 3] = [3, 6, 9];
/// The least mapping byte of corrected decimals.
const CORRECTED: u8 = CORRECTED_MAPPING + 1;

/// What became of a column's values.
#[derive(Default)]
pub struct Mapped {
    pub mapping: u8,
    pub ints: Vec<i64>,
    /// First integer and step where [`STEPPED`] is set.
    pub first: i64,
    pub step: u64,
    /// Places of values that the mapping cannot say, and their bits.
    pub exceptions: Vec<(usize, u64)>,
    /// One a value, or none at all.
    pub corrections: Vec<i64>,
    tried: Vec<i64>,
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn cost(before: i64, value: i64) -> u64 {
    let difference = value.wrapping_sub(before);
    u64::from(64 - (difference ^ difference >> 63).leading_zeros())
}

impl Mapped {
    /// Finds the mapping for floats of these bits.
    pub fn find(&mut self, bits: &[u64]) {
        self.exceptions.clear();
        self.corrections.clear();
        if let Some(exponent) = self.divided(bits) {
            self.mapping = exponent;
            self.count_steps();
        } else if let Some(exponent) = self.multiplied(bits) {
            self.mapping = MULTIPLY_MAPPING + exponent;
            self.count_steps();
        } else {
            self.exceptions.clear();
            self.as_bits(bits);
            self.corrected(bits);
        }
    }

    /// All values but a few are decimals.
    fn divided(&mut self, bits: &[u64]) -> Option<u8> {
        let allowed = bits.len() / EXCEPTION_SHARE;
        let (mut exponent, mut unlike) = (0u8, 0usize);
        self.ints.clear();
        let mut at = 0usize;
        while let Some(value) = bits.get(at).map(|b| f64::from_bits(*b)) {
            match mantissa(value, exponent) {
                Some(whole) => self.ints.push(whole),
                None => match find_exponent(value, exponent) {
                    Some((wider, _)) => {
                        // Again from the start, at a power at which this one is whole too.
                        (exponent, at, unlike) = (wider, 0, 0);
                        self.ints.clear();
                        self.exceptions.clear();
                        continue;
                    }
                    None => {
                        unlike += 1;
                        if unlike > allowed {
                            return None;
                        }
                        self.exceptions.push((at, bits[at]));
                        self.ints.push(self.ints.last().copied().unwrap_or(0));
                    }
                },
            }
            at += 1;
        }
        Some(exponent)
    }

    /// All values are whole numbers times a negative power of ten.
    fn multiplied(&mut self, bits: &[u64]) -> Option<u8> {
        let first = f64::from_bits(*bits.last()?);
        let exponent = (1..=9u8).find(|e| multiplicand(first, *e).is_some())?;
        let mut exponents = [exponent, 3, 6, 9].into_iter().filter(|e| *e >= exponent);
        exponents.find(|e| {
            self.exceptions.clear();
            self.ints.clear();
            bits.iter().all(|b| multiplicand(f64::from_bits(*b), *e).map(|whole| self.ints.push(whole)).is_some())
        })
    }

    fn as_bits(&mut self, bits: &[u64]) {
        let zeros = bits.iter().fold(0u64, |or, bits| or | bits).trailing_zeros().min(63);
        self.ints.clear();
        self.ints.extend(bits.iter().map(|bits| (bits >> zeros) as i64));
        self.mapping = BITS_MAPPING + zeros as u8;
    }

    /// Takes decimals with corrections where that makes smaller numbers than the bits do.
    fn corrected(&mut self, bits: &[u64]) {
        let mut best: u64 = self.ints.windows(2).map(|pair| cost(pair[0], pair[1])).sum();
        for exponent in CORRECTED_EXPONENTS {
            let total = self.try_corrected(bits, exponent);
            if total.is_some_and(|total| total < best) {
                best = total.unwrap_or(best);
                std::mem::swap(&mut self.ints, &mut self.tried);
                self.mapping = exponent;
            }
        }
        let exponent = self.mapping;
        if exponent < BITS_MAPPING {
            let off = |(bits, whole): (&u64, &i64)| bits.wrapping_sub(from_mantissa(*whole, exponent).to_bits()) as i64;
            self.corrections.extend(bits.iter().zip(&self.ints).map(off));
            self.mapping = CORRECTED_MAPPING + exponent / 3;
            self.count_steps();
        }
    }

    /// About how many bits the nearest decimals and what they are off take; none where a value has no decimal near it.
    fn try_corrected(&mut self, bits: &[u64], exponent: u8) -> Option<u64> {
        self.tried.clear();
        let (mut total, mut before) = (0u64, 0i64);
        for b in bits {
            let (whole, off) = nearest(f64::from_bits(*b), exponent)?;
            total += cost(before, whole) + cost(0, off);
            before = whole;
            self.tried.push(whole);
        }
        Some(total)
    }

    /// Memory is counted in pages, clocks in multiples: what all differences share is taken out.
    fn count_steps(&mut self) {
        let Some(first) = self.ints.first().copied() else { return };
        let mut step = 0u64;
        for value in &self.ints {
            let distance = value.wrapping_sub(first).unsigned_abs();
            if step == 0 || !distance.is_multiple_of(step) {
                step = gcd(step, distance);
                if step == 1 {
                    return;
                }
            }
        }
        let Some(by) = i64::try_from(step).ok().filter(|step| *step > 1) else { return };
        (self.first, self.step) = (first, step);
        self.mapping |= STEPPED;
        for value in &mut self.ints {
            *value = value.wrapping_sub(first) / by;
        }
    }

    /// The least and greatest integer, where they are those of the values and those are enough to be worth it. Bits have another order than floats.
    pub fn extremes(&self) -> Option<(i64, i64)> {
        let is_ordered = self.mapping & !STEPPED < BITS_MAPPING && self.corrections.is_empty() && self.exceptions.is_empty();
        if !is_ordered || self.ints.len() < EXTREMES_FROM {
            return None;
        }
        self.ints.iter().copied().min().zip(self.ints.iter().copied().max())
    }

    pub fn put(&self, out: &mut Vec<u8>) {
        out.push(self.mapping);
        if self.mapping & STEPPED != 0 {
            put_varint(out, self.step);
            put_signed(out, self.first);
        }
        if self.exceptions.is_empty() {
            return;
        }
        put_varint(out, self.exceptions.len() as u64);
        let mut before = 0usize;
        for (at, bits) in &self.exceptions {
            put_varint(out, (at - before) as u64);
            out.extend_from_slice(&bits.to_le_bytes());
            before = *at;
        }
    }
}

/// A mapping as a page says it.
#[derive(Clone, Copy)]
pub struct Mapping {
    pub kind: Kind,
    /// Integers are `first + step * n`.
    pub first: i64,
    pub step: i64,
    /// Values are a few floats off.
    pub is_corrected: bool,
}

#[derive(Clone, Copy)]
pub enum Kind {
    Whole,
    Divide(f64),
    Multiply(f64),
    Bits(u8),
}

impl Mapping {
    pub fn take(reader: &mut Reader<'_>) -> Decoded<Self> {
        let byte = reader.u8()?;
        let code = byte & !STEPPED;
        let power = |table: &[f64; 23], at: u8| table.get(usize::from(at)).copied().ok_or(Damaged("an unknown mapping"));
        let kind = match code {
            0 => Kind::Whole,
            CORRECTED..MULTIPLY_MAPPING => Kind::Divide(power(&POWERS, (code - CORRECTED_MAPPING) * 3)?),
            BITS_MAPPING..=127 => Kind::Bits(code - BITS_MAPPING),
            MULTIPLY_MAPPING..BITS_MAPPING => Kind::Multiply(power(&INVERSES, code - MULTIPLY_MAPPING)?),
            _ => Kind::Divide(power(&POWERS, code)?),
        };
        let (mut step, mut first) = (1, 0);
        if byte & STEPPED != 0 {
            step = reader.varint()? as i64;
            first = reader.signed()?;
        }
        Ok(Self { kind, first, step, is_corrected: (CORRECTED..MULTIPLY_MAPPING).contains(&code) })
    }

    /// The integer that so many steps from the first one lead to.
    #[inline]
    pub fn whole(&self, n: i64) -> i64 {
        self.first.wrapping_add(n.wrapping_mul(self.step))
    }

    /// The value of one integer.
    pub fn value(&self, n: i64) -> f64 {
        let whole = self.whole(n);
        match self.kind {
            Kind::Whole => whole as f64,
            Kind::Divide(power) => whole as f64 / power,
            Kind::Multiply(power) => whole as f64 * power,
            Kind::Bits(shift) => f64::from_bits((whole as u64) << shift),
        }
    }
}
