//! Exemplars: a trace or run that stands for a sample.

use super::{Labels, TimestampMs};

#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    pub labels: Labels,
    pub value: f64,
    /// When the exporter said so; otherwise the sample's time holds.
    pub at: Option<TimestampMs>,
}
