//! The points of a matrix, `[1700000000.250,"12.5"]`, most of what large answers consist of.
//!
//! Series of one answer mostly have the same times, which are printed once. Values of up to fifteen digits, as most are, are written
//! as the integer that a power of ten makes of them: if dividing gives the value back, no other text of so few digits means the same
//! float, so that this is the shortest one. Eight digits at a time come out of one word (Paul Khuong, 2017).

use super::json;
use crate::model::TimestampMs;

/// Longest text of a time with its bracket and comma.
const TIME_BYTES: usize = 24;
/// Longest text of a point: a time, quotes, sixteen digits with sign and point, and what is written beyond and overwritten.
const POINT_BYTES: usize = 80;
/// Most digits that name one float only.
const DIGITS_END: f64 = 1e15;
/// So small and smaller a value has an exponent in its text.
const SMALL_END: f64 = 1e-4;
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// After so many values of a series that are no short decimals its others are not tried.
const MISSES_MAX: u32 = 4;
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// A printed beginning of a point.
#[derive(Clone, Copy)]
struct Time {
    at: TimestampMs,
    text: [u8; TIME_BYTES],
    length: usize,
}

impl Time {
    fn new(at: TimestampMs) -> Self {
        let mut printed = Vec::with_capacity(TIME_BYTES);
        printed.push(b'[');
        json::seconds(&mut printed, at);
        printed.extend_from_slice(b",\"");
        let (mut text, length) = ([0; TIME_BYTES], printed.len().min(TIME_BYTES));
        text[..length].copy_from_slice(&printed[..length]);
        Self { at, text, length }
    }
}

/// What the series of an answer share.
#[derive(Default)]
pub struct Points {
    times: Vec<Time>,
}

/// How the values of a series are tried.
#[derive(Default)]
struct Decimals {
    /// The power of ten that fitted last.
    exponent: usize,
    misses: u32,
}

impl Points {
    /// Writes the points of one series, with commas between.
    pub fn write(&mut self, out: &mut Vec<u8>, floats: &[(TimestampMs, f64)]) {
        let mut decimals = Decimals::default();
        let mut buffer = [0u8; POINT_BYTES];
        for (place, (at, value)) in floats.iter().enumerate() {
            if self.times.get(place).is_none_or(|time| time.at != *at) {
                // From here on this series has other times.
                self.times.truncate(place);
                self.times.push(Time::new(*at));
            }
            let time = &self.times[place];
            buffer[..TIME_BYTES].copy_from_slice(&time.text);
            match decimals.put(&mut buffer, time.length, *value) {
                Some(end) => {
                    buffer[end..end + 3].copy_from_slice(b"\"],");
                    out.extend_from_slice(&buffer[..end + 3]);
                }
                None => {
                    out.extend_from_slice(&buffer[..time.length]);
                    json::push_sample(out, *value);
                    out.extend_from_slice(b"\"],");
                }
            }
        }
        if !floats.is_empty() {
            out.pop();
        }
    }
}

impl Decimals {
    /// Writes a value at a place of the buffer and returns where it ends; none where it is no short decimal.
    #[inline]
    fn put(&mut self, buffer: &mut [u8; POINT_BYTES], at: usize, value: f64) -> Option<usize> {
        let size = value.abs();
        let mut start = at;
        if value.is_sign_negative() {
            buffer[start] = b'-';
            start += 1;
        }
        if size == 0.0 {
            buffer[start] = b'0';
            return Some(start + 1);
        }
        if !(SMALL_END..DIGITS_END).contains(&size) {
            return None;
        }
        let whole = match whole(size, self.exponent) {
            Some(whole) => whole,
            None => self.search(size)?,
        };
        Some(put_digits(buffer, start, whole, self.exponent))
    }

    fn search(&mut self, size: f64) -> Option<u64> {
        if self.misses == MISSES_MAX {
            return None;
        }
        let found = (0..POWERS.len()).find_map(|exponent| Some((exponent, whole(size, exponent)?)));
        let Some((exponent, whole)) = found else {
            self.misses += 1;
            return None;
        };
        self.exponent = exponent;
        Some(whole)
    }
}

/// The integer of which a power of ten makes exactly this float.
#[inline]
fn whole(size: f64, exponent: usize) -> Option<u64> {
    let scaled = size * POWERS[exponent];
    if scaled >= DIGITS_END {
        return None;
    }
    let whole = (scaled + 0.5) as u64;
    (whole as f64 / POWERS[exponent] == size).then_some(whole)
}

/// Eight decimal digits of a number below 10^8, the first one in the lowest byte.
#[inline]
fn eight_digits(number: u64) -> u64 {
    let halves = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x7f_0000_007f;
    let pairs = hundreds | (halves - 100 * hundreds) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (pairs - 10 * tens) << 8
}

/// Writes `whole / 10^exponent`, which is not zero, without zeros at its end, and returns where it ends.
#[inline]
fn put_digits(buffer: &mut [u8; POINT_BYTES], at: usize, whole: u64, exponent: usize) -> usize {
    const DIGITS: usize = 16;
    let (high, low) = (eight_digits(whole / 100_000_000), eight_digits(whole % 100_000_000));
    let mut digits = [0u8; 3 * DIGITS];
    digits[..8].copy_from_slice(&(high | ZEROS).to_le_bytes());
    digits[8..16].copy_from_slice(&(low | ZEROS).to_le_bytes());
    let leading = if high > 0 { high.trailing_zeros() / 8 } else { 8 + low.trailing_zeros() / 8 } as usize;
    let trailing = if low > 0 { low.leading_zeros() / 8 } else { 8 + high.leading_zeros() / 8 } as usize;
    let point = DIGITS - exponent;
    let first = leading.min(point - 1);
    buffer[at..at + DIGITS].copy_from_slice(&digits[first..first + DIGITS]);
    let end = at + point - first;
    let fraction = exponent - trailing.min(exponent);
    if fraction == 0 {
        return end;
    }
    buffer[end] = b'.';
    buffer[end + 1..end + 1 + DIGITS].copy_from_slice(&digits[point..point + DIGITS]);
    end + 1 + fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            (any::<i64>(), 0u32..64, 0usize..12).prop_map(|(whole, shift, exponent)| (whole >> shift) as f64 / 10f64.powi(exponent as i32)),
            prop::sample::select(vec![
                0.0,
                -0.0,
                1e15,
                999_999_999_999_999.0,
                0.0001,
                0.1 + 0.2,
                1e-5,
                0.05,
                100.0,
                f64::NAN,
                f64::INFINITY
            ]),
        ]
    }

    proptest! {
        #[test]
        fn points_are_written_as_one_by_one(rows in prop::collection::vec(prop::collection::vec((any::<bool>(), value()), 0..12), 0..4)) {
            let (mut points, mut out, mut wanted) = (Points::default(), Vec::new(), Vec::new());
            for row in rows {
                let mut at = -1500;
                let floats: Vec<(TimestampMs, f64)> = row.into_iter().map(|(odd, value)| {
                    at += if odd { 250 } else { 1000 };
                    (TimestampMs(at), value)
                }).collect();
                points.write(&mut out, &floats);
                for (place, (at, value)) in floats.iter().enumerate() {
                    if place > 0 {
                        wanted.push(b',');
                    }
                    wanted.push(b'[');
                    json::seconds(&mut wanted, *at);
                    wanted.push(b',');
                    json::sample_value(&mut wanted, *value);
                    wanted.push(b']');
                }
                out.push(b'|');
                wanted.push(b'|');
            }
            prop_assert_eq!(String::from_utf8(out), String::from_utf8(wanted));
        }
    }

    #[test]
    fn the_longest_time_has_room() {
        let time = Time::new(TimestampMs(i64::MIN + 1));
        assert_eq!(&time.text[..time.length], b"[-9223372036854775.807,\"");
    }
}
