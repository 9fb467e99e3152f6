//! Floats as integers without loss: as decimal mantissas (`12.5` is 125 at exponent 1), checked bit by bit.
//!
//! The idea is that of ALP (Afroozeh, Kuffo, Boncz, SIGMOD 2024): exporters print short decimals, and
//! dividing an exact integer by an exact power of ten rounds once, so it gives the float that parsing gave.

/// Powers of ten that a float holds exactly.
pub const POWERS: [f64; 23] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];
/// Mantissas stay exact in a float.
const MANTISSA_MAX: u64 = 1 << 53;
/// Exponents that are tried for a value of unknown precision.
const EXPONENT_SEARCH_MAX: u8 = 12;

/// `value * 10^exponent` as an integer, only if dividing gives back the same bits.
#[inline]
pub fn mantissa(value: f64, exponent: u8) -> Option<i64> {
    let whole = if exponent == 0 {
        value as i64
    } else {
        let scaled = value * POWERS[usize::from(exponent)];
        (scaled + 0.5f64.copysign(scaled)) as i64
    };
    (whole.unsigned_abs() <= MANTISSA_MAX && from_mantissa(whole, exponent).to_bits() == value.to_bits()).then_some(whole)
}

#[inline]
pub fn from_mantissa(mantissa: i64, exponent: u8) -> f64 {
    if exponent == 0 { mantissa as f64 } else { mantissa as f64 / POWERS[usize::from(exponent)] }
}

/// The smallest exponent from `from` at which the value is an exact mantissa.
pub fn find_exponent(value: f64, from: u8) -> Option<(u8, i64)> {
    if !value.is_finite() {
        return None;
    }
    (from..=EXPONENT_SEARCH_MAX.max(from)).find_map(|exponent| mantissa(value, exponent).map(|m| (exponent, m)))
}

/// Negative powers of ten as a parser gives them: some exporters multiply by these instead of dividing.
pub const INVERSES: [f64; 23] = [
    1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17, 1e-18, 1e-19, 1e-20,
    1e-21, 1e-22,
];

/// The nearest integer to `value * 10^exponent`, and how many floats further `value` is than what dividing it gives; none out of range.
#[inline]
pub fn nearest(value: f64, exponent: u8) -> Option<(i64, i64)> {
    let whole = (value * POWERS[usize::from(exponent)]).round();
    if whole.is_nan() || whole.abs() > MANTISSA_MAX as f64 {
        return None;
    }
    let whole = whole as i64;
    Some((whole, value.to_bits().wrapping_sub(from_mantissa(whole, exponent).to_bits()) as i64))
}

/// The integer that gives `value` when it is multiplied by the negative power of ten.
#[inline]
pub fn multiplicand(value: f64, exponent: u8) -> Option<i64> {
    let whole = (value * POWERS[usize::from(exponent)]).round() as i64;
    let back = whole as f64 * INVERSES[usize::from(exponent)];
    (whole.unsigned_abs() <= MANTISSA_MAX && back.to_bits() == value.to_bits()).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_values_become_mantissas() {
        for (text, exponent, whole) in
            [("0.1", 1, 1), ("12.5", 1, 125), ("-3", 0, -3), ("1.23456", 5, 123_456), ("9007199254740992", 0, 1 << 53)]
        {
            let value: f64 = text.parse().expect("a number");
            assert_eq!(find_exponent(value, 0), Some((exponent, whole)), "{text}");
            assert_eq!(from_mantissa(whole, exponent).to_bits(), value.to_bits());
        }
        for value in [-0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, 1.0 / 3.0, 1e300, f64::MIN_POSITIVE] {
            assert_eq!(find_exponent(value, 0), None, "{value}");
        }
    }
}
