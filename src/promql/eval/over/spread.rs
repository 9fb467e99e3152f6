//! Variances of overlapping windows from running sums of values and squares, each kept in two floats (Dekker's double-double, 1971).
//!
//! What is summed is the distance from the first value, so that large values that hardly move lose nothing. Windows whose variance is
//! dwarfed by what was summed up to them, or by their mean, are left to be walked as Prometheus walks them.

use std::ops::Range;

/// A variance below this share of the running sum of squares is not taken from it: 2^-36 of 104 bits leaves more than a float has.
const DWARFED: f64 = 1.0 / 68_719_476_736.0;
/// Below this share of the squared mean a walk's own rounding shows in the digits that are compared.
const DWARFED_BY_MEAN: f64 = 1e-9;
/// Larger distances cannot be split for exact squares.
const DISTANCE_MAX: f64 = 1e150;

/// A number as the sum of a float and what it lacks.
#[derive(Clone, Copy, Debug, Default)]
struct Double {
    high: f64,
    low: f64,
}

impl Double {
    /// Knuth's exact sum.
    fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let part = high - a;
        Self { high, low: (a - (high - part)) + (b - part) }
    }

    /// Dekker's exact product.
    fn product(a: f64, b: f64) -> Self {
        const SPLIT: f64 = 134_217_729.0;
        let halves = |x: f64| {
            let large = SPLIT * x;
            let high = large - (large - x);
            (high, x - high)
        };
        let (high, (a1, a2), (b1, b2)) = (a * b, halves(a), halves(b));
        Self { high, low: ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2 }
    }

    fn plus(self, other: Self) -> Self {
        let sum = Self::sum(self.high, other.high);
        let low = sum.low + (self.low + other.low);
        let high = sum.high + low;
        Self { high, low: low - (high - sum.high) }
    }

    fn minus(self, other: Self) -> Self {
        self.plus(Self { high: -other.high, low: -other.low })
    }

    fn times(self, other: Self) -> Self {
        let product = Self::product(self.high, other.high);
        let low = product.low + (self.high * other.low + self.low * other.high);
        let high = product.high + low;
        Self { high, low: low - (high - product.high) }
    }

    fn value(self) -> f64 {
        self.high + self.low
    }
}

/// Sums of the distances, and of their squares, of all values before each place.
pub struct Spreads {
    first: f64,
    sums: Vec<Double>,
    squares: Vec<Double>,
}

impl Spreads {
    /// None where a value is not finite, or too large.
    pub fn of(values: &[f64]) -> Option<Self> {
        let first = *values.first()?;
        let is_fit = |value: &f64| value.abs() < DISTANCE_MAX;
        if !values.iter().fold(true, |all, value| all & is_fit(value)) {
            return None;
        }
        let (mut sum, mut square) = (Double::default(), Double::default());
        let (mut sums, mut squares) = (Vec::with_capacity(values.len() + 1), Vec::with_capacity(values.len() + 1));
        sums.push(sum);
        squares.push(square);
        for value in values {
            let distance = Double::sum(*value, -first);
            sum = sum.plus(distance);
            square = square.plus(distance.times(distance));
            sums.push(sum);
            squares.push(square);
        }
        Some(Self { first, sums, squares })
    }

    /// The variance of the values of a range that is not empty; none where it has to be walked.
    pub fn variance(&self, range: Range<usize>) -> Option<f64> {
        let count = Double { high: range.len() as f64, low: 0.0 };
        let sum = self.sums[range.end].minus(self.sums[range.start]);
        let squares = self.squares[range.end].minus(self.squares[range.start]);
        let spread = count.times(squares).minus(sum.times(sum)).value();
        let mean = self.first + sum.value() / count.high;
        let variance = spread / (count.high * count.high);
        let is_large = spread > count.high * self.squares[range.end].high * DWARFED && variance > mean * mean * DWARFED_BY_MEAN;
        is_large.then_some(variance)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two passes, the second over distances from the mean.
    fn naive(values: &[f64]) -> f64 {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64
    }

    proptest! {
        #[test]
        fn variances_agree_with_two_passes(
            base in prop_oneof![Just(0.0), -1e6..1e6f64, Just(1e9)],
            values in prop::collection::vec(prop_oneof![-1e3..1e3f64, -1.0..1.0f64, Just(0.0), (-50i32..50).prop_map(f64::from)], 1..200),
            cut in (0usize..200, 0usize..200),
        ) {
            let values: Vec<f64> = values.into_iter().map(|v| base + v).collect();
            let (from, to) = (cut.0.min(cut.1) % values.len(), cut.0.max(cut.1).min(values.len() - 1) + 1);
            let range = from.min(to - 1)..to;
            if let Some(got) = Spreads::of(&values).unwrap().variance(range.clone()) {
                let wanted = naive(&values[range]);
                prop_assert!((got - wanted).abs() <= wanted * 1e-10, "{got} {wanted}");
            }
        }
    }

    #[test]
    fn what_does_not_move_or_is_not_finite_is_left() {
        assert!(Spreads::of(&[1.0, f64::NAN]).is_none() && Spreads::of(&[1.0, f64::INFINITY]).is_none() && Spreads::of(&[1e300]).is_none());
        assert_eq!(Spreads::of(&[0.1, 0.1, 0.1]).unwrap().variance(0..3), None);
        assert_eq!(Spreads::of(&[1e15, 1e15 + 1.0]).unwrap().variance(0..2), None);
        assert_eq!(Spreads::of(&[1e200, 1.0, 2.0]).map(|s| s.variance(1..3)), None);
        assert_eq!(Spreads::of(&[1e100, 1.0, 2.0]).unwrap().variance(1..3), None, "dwarfed by what comes before");
        assert_eq!(Spreads::of(&[5.0, 1.0, 2.0, 3.0]).unwrap().variance(1..4), Some(2.0 / 3.0));
    }
}
