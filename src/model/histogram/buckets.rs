//! The buckets of a native histogram: which indexes have counts, and where their bounds lie.

use super::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, Histogram};

/// One bucket with its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    pub lower: f64,
    pub upper: f64,
    pub count: f64,
}

impl Bucket {
    /// Positive buckets are open on the left, negative ones on the right, the one around zero on neither side.
    pub fn includes_lower(&self) -> bool {
        self.lower < 0.0
    }

    pub fn includes_upper(&self) -> bool {
        self.upper > 0.0
    }
}

/// The finest exponential schema: a power of two is parted into `2^8` buckets.
const FINEST: u32 = 8;
/// `2^(2^-schema)` for the schemas 1 to 8, as the library for mathematics gave it to those who computed Prometheus's bounds.
#[expect(clippy::approx_constant, reason = "the first is the square root of 2 but for its last digit, and has to be")]
const FACTORS: [f64; FINEST as usize] = [
    1.414_213_562_373_095,
    1.189_207_115_002_721,
    1.090_507_732_665_257_7,
    1.044_273_782_427_413_8,
    1.021_897_148_654_116_6,
    1.010_889_286_051_700_5,
    1.005_429_901_112_802_7,
    1.002_711_275_050_202_5,
];
/// Bounds of the schema 8 from 1 up to 2; those of the others are every second, fourth, ... of them. The last digits are part of the
/// bounds that clients see, so they are computed as Prometheus's table was: each new one from its left neighbour of the same schema.
const BOUNDS: [f64; 1 << FINEST] = {
    let mut bounds = [1.0; 1 << FINEST];
    let mut schema = 1;
    while schema <= FINEST {
        let stride = 1 << (FINEST - schema);
        let mut at = stride;
        while at < bounds.len() {
            bounds[at] = bounds[at - stride] * FACTORS[schema as usize - 1];
            at += 2 * stride;
        }
        schema += 1;
    }
    bounds
};

/// Exactly `2^exponent`; 0 and infinity beyond what a float holds.
fn power_of_two(exponent: i64) -> f64 {
    match exponent {
        1024.. => f64::INFINITY,
        -1022..=1023 => f64::from_bits(((exponent + 1023) as u64) << 52),
        -1074..=-1023 => f64::from_bits(1 << (exponent + 1074)),
        _ => 0.0,
    }
}

/// Upper bound of a positive exponential bucket. Index 0 ends at 1; a step is a factor of `2^(2^-schema)`.
pub fn exponential_bound(schema: i32, index: i32) -> f64 {
    let schema = schema.min(FINEST as i32);
    let (whole, part) = if schema <= 0 {
        (i64::from(index) << (-schema).min(31), 0)
    } else {
        let parts = 1i32 << schema;
        (i64::from(index.div_euclid(parts)), index.rem_euclid(parts) << (FINEST as i32 - schema))
    };
    // The last bucket before infinity ends at the largest float.
    if part == 0 && whole == 1024 { f64::MAX } else { BOUNDS[part as usize] * power_of_two(whole) }
}

/// Absolute bucket indexes with their counts, ascending.
pub fn indexed<'h>(spans: &'h [BucketSpan], counts: &'h [f64]) -> impl Iterator<Item = (i32, f64)> + 'h {
    let mut next = 0i32;
    let indexes = spans.iter().flat_map(move |span| {
        let start = next.saturating_add(span.offset);
        next = start.saturating_add_unsigned(span.length);
        start..next
    });
    indexes.zip(counts.iter().copied())
}

/// Spans and counts of ascending indexes.
pub fn spanned(buckets: impl IntoIterator<Item = (i32, f64)>) -> (Vec<BucketSpan>, Vec<f64>) {
    let (mut spans, mut counts): (Vec<BucketSpan>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut next = 0i32;
    for (index, count) in buckets {
        match spans.last_mut() {
            Some(span) if index == next => span.length += 1,
            _ => spans.push(BucketSpan { offset: index.wrapping_sub(next), length: 1 }),
        }
        counts.push(count);
        next = index.saturating_add(1);
    }
    (spans, counts)
}

impl Histogram {
    pub fn uses_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    /// Upper bound of a positive bucket.
    pub fn upper_bound(&self, index: i32) -> f64 {
        if !self.uses_custom_buckets() {
            return exponential_bound(self.schema, index);
        }
        match usize::try_from(index) {
            Ok(place) => self.custom_bounds.get(place).copied().unwrap_or(f64::INFINITY),
            Err(_) => f64::NEG_INFINITY,
        }
    }

    fn bucket(&self, index: i32, count: f64) -> Bucket {
        Bucket { lower: self.upper_bound(index.saturating_sub(1)), upper: self.upper_bound(index), count }
    }

    /// Positive buckets, ascending.
    pub fn positive_buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        indexed(&self.positive_spans, &self.positive_counts).map(|(index, count)| self.bucket(index, count))
    }

    /// Negative buckets from zero downwards.
    pub fn negative_buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        indexed(&self.negative_spans, &self.negative_counts).map(|(index, count)| {
            let mirrored = self.bucket(index, count);
            Bucket { lower: -mirrored.upper, upper: -mirrored.lower, count }
        })
    }

    pub fn zero_bucket(&self) -> Bucket {
        Bucket { lower: -self.zero_threshold, upper: self.zero_threshold, count: self.zero_count }
    }

    /// All buckets from the lowest to the highest; the zero bucket only if it has a count. Where a bucket reaches into the range of
    /// the zero bucket, it ends there.
    pub fn all_buckets(&self) -> Vec<Bucket> {
        let mut all: Vec<Bucket> = self.negative_buckets().collect();
        all.reverse();
        if let Some(last) = all.last_mut()
            && last.upper > -self.zero_threshold
        {
            last.upper = -self.zero_threshold;
        }
        if self.zero_count > 0.0 {
            all.push(self.zero_bucket());
        }
        let mut positive = self.positive_buckets();
        if let Some(mut first) = positive.next() {
            if !self.uses_custom_buckets() && first.lower < self.zero_threshold {
                first.lower = self.zero_threshold;
            }
            all.push(first);
        }
        all.extend(positive);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_follow_the_schema() {
        assert_eq!([exponential_bound(0, 0), exponential_bound(0, 3), exponential_bound(-1, 1)], [1.0, 8.0, 4.0]);
        assert!((exponential_bound(1, 1) - std::f64::consts::SQRT_2).abs() < 1e-15);
        assert_eq!(exponential_bound(0, 1024), f64::MAX);
        assert_eq!(exponential_bound(3, -8), 0.5);
        // As Prometheus 3.5.3 prints them.
        assert_eq!([exponential_bound(1, -3), exponential_bound(3, -28)], [0.353_553_390_593_273_73, 0.088_388_347_648_318_43]);
        assert_eq!([exponential_bound(8, -255), exponential_bound(5, -111)], [0.501_355_637_525_101_3, 0.090_323_800_436_065_4]);
        assert_eq!([exponential_bound(0, -1074), exponential_bound(0, -1075)], [5e-324, 0.0]);
    }

    #[test]
    fn spans_and_indexes_are_inverses() {
        let (spans, counts) = spanned([(-3, 1.0), (-2, 2.0), (4, 3.0)]);
        assert_eq!(spans, [BucketSpan { offset: -3, length: 2 }, BucketSpan { offset: 5, length: 1 }]);
        assert_eq!(indexed(&spans, &counts).collect::<Vec<_>>(), [(-3, 1.0), (-2, 2.0), (4, 3.0)]);
    }
}
