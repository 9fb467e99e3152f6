//! What a series holds at one moment: a float or a native histogram; and the stale marker.

use std::sync::Arc;

use super::{Histogram, TimestampMs};

/// The bit pattern that says "this series ended here"; every other NaN is an ordinary value.
pub const STALE_NAN: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Compares bits: an ordinary NaN is not stale.
#[inline]
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN.to_bits()
}

/// One cell: a float or a native histogram.
#[derive(Clone, Debug)]
pub enum Value {
    Float(f64),
    Histogram(Arc<Histogram>),
}

impl Value {
    /// A float stale marker, or a histogram whose sum is one.
    pub fn is_stale(&self) -> bool {
        match self {
            Value::Float(value) => is_stale(*value),
            Value::Histogram(histogram) => is_stale(histogram.sum),
        }
    }

    /// Equal to the bit, so that a NaN equals itself.
    pub fn same_bits(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Histogram(a), Value::Histogram(b)) => a.same_bits(b),
            _ => false,
        }
    }
}

/// A value at a time.
#[derive(Clone, Debug)]
pub struct Sample {
    pub at: TimestampMs,
    pub value: Value,
}
