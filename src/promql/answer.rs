//! What a query yields.

use std::sync::Arc;
use std::time::Duration;

use super::limits::{HISTOGRAM_BYTES, SAMPLE_BYTES, SERIES_BYTES};
use super::memory::Reserved;
use crate::model::{Histogram, Labels, TimestampMs, Value as SampleValue};

/// A value with what was noticed on the way.
#[derive(Clone, Debug)]
pub struct Answer {
    pub value: Value,
    /// Complete lines, "PromQL warning: ... (1:5)".
    pub warnings: Vec<String>,
    /// Complete lines, "PromQL info: ... (1:5)".
    pub infos: Vec<String>,
    pub stats: Stats,
    /// What the value takes of the memory for queries; given back with the last clone.
    pub memory: Option<Arc<Reserved>>,
}

impl Value {
    /// Roughly what it takes, in bytes.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Scalar { .. } | Self::String { .. } => SERIES_BYTES,
            Self::Vector(samples) => samples.len() as u64 * SERIES_BYTES,
            Self::Matrix(series) => {
                let of =
                    |s: &MatrixSeries| s.floats.len() as u64 * SAMPLE_BYTES + s.histograms.len() as u64 * HISTOGRAM_BYTES + SERIES_BYTES;
                series.iter().map(of).sum()
            }
        }
    }
}

#[derive(Clone, Debug)]
pub enum Value {
    Scalar {
        at: TimestampMs,
        value: f64,
    },
    String {
        at: TimestampMs,
        value: String,
    },
    /// In the order of evaluation; `sort` and its kin decide it.
    Vector(Vec<VectorSample>),
    /// Ordered by labels.
    Matrix(Vec<MatrixSeries>),
}

impl Value {
    /// The `resultType` of the HTTP API.
    pub fn result_type(&self) -> &'static str {
        match self {
            Self::Scalar { .. } => "scalar",
            Self::String { .. } => "string",
            Self::Vector(_) => "vector",
            Self::Matrix(_) => "matrix",
        }
    }
}

#[derive(Clone, Debug)]
pub struct VectorSample {
    pub labels: Labels,
    pub at: TimestampMs,
    pub value: SampleValue,
}

/// One series; each list ascends in time.
#[derive(Clone, Debug, Default)]
pub struct MatrixSeries {
    pub labels: Labels,
    pub floats: Vec<(TimestampMs, f64)>,
    pub histograms: Vec<(TimestampMs, Arc<Histogram>)>,
}

/// What a query cost.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Samples looked at, over all steps (`totalQueryableSamples`).
    pub samples: u64,
    /// The same with those inside of subqueries.
    pub read: u64,
    /// Most samples held at one moment (`peakSamples`).
    pub peak: u64,
    pub timings: Timings,
    /// Samples looked at, step by step, where that was asked for.
    pub per_step: Option<Vec<u64>>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// Opening the snapshot and resolving the tree.
    pub prepare: Duration,
    pub inner_eval: Duration,
    pub sort: Duration,
    /// All of it.
    pub total: Duration,
}
