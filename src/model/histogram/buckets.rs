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

/// Upper bound of a positive exponential bucket. Index 0 ends at 1; a step is a factor of `2^(2^-schema)`.
pub fn exponential_bound(schema: i32, index: i32) -> f64 {
    if schema <= 0 {
        let exponent = i64::from(index) << (-schema).min(31);
        // The last bucket before infinity ends at the largest float.
        return if exponent == 1024 { f64::MAX } else { 2f64.powi(exponent.clamp(-1100, 1100) as i32) };
    }
    let parts = 1i32 << schema.min(30);
    let (whole, part) = (index.div_euclid(parts), index.rem_euclid(parts));
    if part == 0 && whole == 1024 {
        return f64::MAX;
    }
    (f64::from(part) / f64::from(parts)).exp2() * 2f64.powi(whole.clamp(-1100, 1100))
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

    /// All buckets from the lowest to the highest; the zero bucket only if it has a count. Where a bucket reaches into the zero
    /// bucket, it ends there.
    pub fn all_buckets(&self) -> Vec<Bucket> {
        let mut all: Vec<Bucket> = self.negative_buckets().collect();
        all.reverse();
        let has_zero = self.zero_count > 0.0;
        if has_zero
            && let Some(last) = all.last_mut()
            && last.upper > -self.zero_threshold
        {
            last.upper = -self.zero_threshold;
        }
        if has_zero {
            all.push(self.zero_bucket());
        }
        let mut positive = self.positive_buckets();
        if let Some(mut first) = positive.next() {
            if has_zero && !self.uses_custom_buckets() && first.lower < self.zero_threshold {
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
    }

    #[test]
    fn spans_and_indexes_are_inverses() {
        let (spans, counts) = spanned([(-3, 1.0), (-2, 2.0), (4, 3.0)]);
        assert_eq!(spans, [BucketSpan { offset: -3, length: 2 }, BucketSpan { offset: 5, length: 1 }]);
        assert_eq!(indexed(&spans, &counts).collect::<Vec<_>>(), [(-3, 1.0), (-2, 2.0), (4, 3.0)]);
    }
}
