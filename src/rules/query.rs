//! What rules ask of the query engine: an instant query as a closure, so that this room knows no engine.

use std::sync::Arc;

use crate::model::{Labels, TimestampMs, Value};

/// One series of an instant query's answer.
#[derive(Clone, Debug)]
pub struct ResultSample {
    /// With the metric's name, where the expression keeps it.
    pub labels: Labels,
    pub value: Value,
}

impl ResultSample {
    pub fn float(labels: Labels, value: f64) -> Self {
        Self { labels, value: Value::Float(value) }
    }

    /// The number that templates and the API show; a native histogram has none.
    pub fn number(&self) -> f64 {
        match &self.value {
            Value::Float(value) => *value,
            Value::Histogram(_) => f64::NAN,
        }
    }
}

/// What an expression gave.
#[derive(Clone, Debug)]
pub enum QueryResult {
    Scalar(f64),
    Vector(Vec<ResultSample>),
}

impl QueryResult {
    /// A scalar counts as one series without labels.
    pub fn into_samples(self) -> Vec<ResultSample> {
        match self {
            Self::Scalar(value) => vec![ResultSample::float(Labels::empty(), value)],
            Self::Vector(samples) => samples,
        }
    }
}

/// Evaluates an expression at a time, over everything committed so far. Blocking. The error is the engine's sentence.
pub type Query = Arc<dyn Fn(&str, TimestampMs) -> Result<QueryResult, String> + Send + Sync>;
