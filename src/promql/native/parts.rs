//! A histogram taken apart for arithmetic: counts by bucket index, each with the compensation of a long sum.
//!
//! Sums and differences of histograms meet at the coarser schema, the wider zero bucket, or the custom bounds they share.

use std::collections::BTreeMap;

use crate::model::Histogram;
use crate::model::histogram::buckets::{exponential_bound, indexed, spanned};
use crate::model::histogram::{CUSTOM_BUCKETS_SCHEMA, ResetHint};
use crate::promql::eval::Sum;

/// Exponential and custom buckets do not add up.
#[derive(Debug)]
pub struct Incompatible;

/// What an addition noticed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noticed {
    /// One side follows a reset, the other surely not.
    pub reset_collision: bool,
    /// Custom bounds differed.
    pub reconciled: bool,
}

#[derive(Clone, Debug)]
pub struct Parts {
    schema: i32,
    zero_threshold: f64,
    zero: Sum,
    count: Sum,
    sum: Sum,
    positive: BTreeMap<i32, Sum>,
    negative: BTreeMap<i32, Sum>,
    bounds: Vec<f64>,
    pub hint: ResetHint,
}

impl From<&Histogram> for Parts {
    fn from(histogram: &Histogram) -> Self {
        let single = |value: f64| Sum { sum: value, compensation: 0.0 };
        let side = |pairs: &mut dyn Iterator<Item = (i32, f64)>| pairs.map(|(i, c)| (i, single(c))).collect();
        Self {
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            zero: single(histogram.zero_count),
            count: single(histogram.count),
            sum: single(histogram.sum),
            positive: side(&mut indexed(&histogram.positive_spans, &histogram.positive_counts)),
            negative: side(&mut indexed(&histogram.negative_spans, &histogram.negative_counts)),
            bounds: histogram.custom_bounds.clone(),
            hint: histogram.reset_hint,
        }
    }
}

/// Adds one compensated sum to another.
fn put(into: &mut Sum, from: Sum) {
    into.add(from.sum);
    into.compensation += from.compensation;
}

impl Parts {
    pub fn is_custom(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    fn each(&mut self, mut change: impl FnMut(&mut Sum)) {
        change(&mut self.zero);
        change(&mut self.count);
        change(&mut self.sum);
        self.positive.values_mut().chain(self.negative.values_mut()).for_each(change);
    }

    pub fn scale(&mut self, by: f64) {
        self.each(|v| {
            v.sum *= by;
            v.compensation *= by;
        });
    }

    pub fn divide(&mut self, by: f64) {
        self.each(|v| {
            v.sum /= by;
            v.compensation /= by;
        });
    }

    /// Some value has become infinite.
    pub fn has_overflow(&self) -> bool {
        let all = [self.zero, self.count, self.sum];
        all.iter().chain(self.positive.values()).chain(self.negative.values()).any(|v| v.sum.is_infinite())
    }

    /// Adds another histogram, or with `subtract` takes it away.
    pub fn add(&mut self, other: &Histogram, subtract: bool) -> Result<Noticed, Incompatible> {
        let mut other = Self::from(other);
        if self.is_custom() != other.is_custom() {
            return Err(Incompatible);
        }
        let reset_collision = self.join_hints(other.hint);
        if subtract {
            other.each(|v| v.sum = -v.sum);
        }
        let mut reconciled = false;
        if self.is_custom() {
            if self.bounds != other.bounds {
                reconciled = true;
                let shared: Vec<f64> = self.bounds.iter().copied().filter(|b| other.bounds.contains(b)).collect();
                self.rebound(&shared);
                other.rebound(&shared);
            }
        } else {
            self.meet(&mut other);
        }
        put(&mut self.zero, other.zero);
        put(&mut self.count, other.count);
        put(&mut self.sum, other.sum);
        for (into, from) in [(&mut self.positive, other.positive), (&mut self.negative, other.negative)] {
            for (index, value) in from {
                put(into.entry(index).or_default(), value);
            }
        }
        Ok(Noticed { reset_collision, reconciled })
    }

    /// Whether the hints contradict each other. A gauge on either side makes a gauge.
    fn join_hints(&mut self, other: ResetHint) -> bool {
        let (mine, collision) = match (self.hint, other) {
            (a, b) if a == b => (a, false),
            (ResetHint::Gauge, _) | (_, ResetHint::Gauge) => (ResetHint::Gauge, false),
            (ResetHint::Unknown, _) | (_, ResetHint::Unknown) => (ResetHint::Unknown, false),
            _ => (ResetHint::Unknown, true),
        };
        self.hint = mine;
        collision
    }

    /// Brings two exponential histograms to one zero bucket and one schema.
    fn meet(&mut self, other: &mut Self) {
        while self.zero_threshold != other.zero_threshold {
            if self.zero_threshold > other.zero_threshold {
                other.widen_zero(self.zero_threshold);
            } else {
                self.widen_zero(other.zero_threshold);
            }
        }
        let schema = self.schema.min(other.schema);
        self.coarsen(schema);
        other.coarsen(schema);
    }

    /// Lets the zero bucket swallow what lies below the threshold. A populated bucket across it is swallowed whole, which moves
    /// the threshold to that bucket's end.
    pub fn widen_zero(&mut self, threshold: f64) {
        if threshold == self.zero_threshold {
            return;
        }
        let mut threshold = threshold;
        let schema = self.schema;
        let straddling = |side: &BTreeMap<i32, Sum>, threshold: f64| {
            let mut inside = side.iter().filter(|(_, v)| v.sum != 0.0).map(|(i, _)| *i);
            inside.find(|i| exponential_bound(schema, i - 1) < threshold && exponential_bound(schema, *i) > threshold)
        };
        while let Some(index) = straddling(&self.positive, threshold).or_else(|| straddling(&self.negative, threshold)) {
            threshold = exponential_bound(schema, index);
        }
        for side in [&mut self.positive, &mut self.negative] {
            let swallowed: Vec<i32> = side.keys().copied().take_while(|i| exponential_bound(schema, i - 1) < threshold).collect();
            for index in swallowed {
                if let Some(value) = side.remove(&index) {
                    put(&mut self.zero, value);
                }
            }
        }
        self.zero_threshold = threshold;
    }

    pub fn zero_threshold(&self) -> f64 {
        self.zero_threshold
    }

    pub fn zero_count(&self) -> f64 {
        self.zero.value()
    }

    /// Merges buckets until the schema is as coarse as this.
    pub fn coarsen(&mut self, schema: i32) {
        let by = self.schema - schema;
        if by <= 0 {
            return;
        }
        for side in [&mut self.positive, &mut self.negative] {
            let mut merged: BTreeMap<i32, Sum> = BTreeMap::new();
            for (index, value) in std::mem::take(side) {
                put(merged.entry(((index - 1) >> by) + 1).or_default(), value);
            }
            *side = merged;
        }
        self.schema = schema;
    }

    /// Moves custom buckets to fewer bounds; each goes where its upper bound lies.
    pub fn rebound(&mut self, bounds: &[f64]) {
        let mut merged: BTreeMap<i32, Sum> = BTreeMap::new();
        for (index, value) in std::mem::take(&mut self.positive) {
            let upper = usize::try_from(index).ok().and_then(|i| self.bounds.get(i)).copied().unwrap_or(f64::INFINITY);
            let place = bounds.partition_point(|b| *b < upper);
            put(merged.entry(place as i32).or_default(), value);
        }
        self.positive = merged;
        self.bounds = bounds.to_vec();
    }

    /// Counts by index, without empty ones.
    pub fn sides(&self) -> [Vec<(i32, f64)>; 2] {
        [&self.positive, &self.negative].map(|side| side.iter().map(|(i, v)| (*i, v.value())).filter(|(_, c)| *c != 0.0).collect())
    }

    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// The histogram, without empty buckets.
    pub fn build(&self) -> Histogram {
        let [positive, negative] = self.sides();
        let (positive_spans, positive_counts) = spanned(positive);
        let (negative_spans, negative_counts) = spanned(negative);
        Histogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero.value(),
            count: self.count.value(),
            sum: self.sum.value(),
            positive_spans,
            positive_counts,
            negative_spans,
            negative_counts,
            custom_bounds: self.bounds.clone(),
            reset_hint: self.hint,
        }
    }
}

/// The sum or difference of two histograms, for series descriptions.
pub fn combined(a: &Histogram, b: &Histogram, subtract: bool) -> Result<Histogram, String> {
    let mut parts = Parts::from(a);
    match parts.add(b, subtract) {
        Ok(_) => Ok(parts.build()),
        Err(Incompatible) => {
            Err("cannot apply this operation on histograms with a mix of exponential and custom bucket schemas".to_owned())
        }
    }
}
