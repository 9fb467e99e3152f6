//! The stored history that rules are held against: a data folder without a server, or a server asked over HTTP.

use std::path::Path;
use std::sync::Arc;

use super::server::Server;
use crate::clock::Clock;
use crate::commands::tsdb::read;
use crate::model::{DurationMs, TimeRange, TimestampMs};
use crate::promql::{self, Engine, ExprKind, MatrixSeries, QueryError, QueryOptions, Value};
use crate::rules::{QueryResult, ResultSample};
use crate::storage::Select;
use crate::tsdb::Tsdb;

/// Why there is no answer.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// The expression cannot be evaluated here and now: as a rule's evaluation would fail.
    Query(String),
    /// Nothing can be asked any more.
    Broken(String),
}

pub enum History {
    Folder(Folder),
    Server(Server),
}

/// Samples that are at hand.
pub struct Folder {
    engine: Arc<Engine>,
    select: Arc<dyn Select>,
    /// Held open; none where the samples are in memory.
    _store: Option<Arc<Tsdb>>,
}

impl Folder {
    /// A data folder that no server works on.
    pub fn open(path: &Path, engine: Arc<Engine>, clock: &Clock) -> Result<Self, String> {
        read::existing(path).map_err(|failed| failed.0)?;
        let (store, select) = read::select(path, false, clock).map_err(|failed| failed.0)?;
        Ok(Self { engine, select, _store: Some(store) })
    }

    /// Any store.
    pub fn of(select: Arc<dyn Select>, engine: Arc<Engine>) -> Self {
        Self { engine, select, _store: None }
    }

    pub fn range(&self, expr: &str, range: TimeRange, step: DurationMs) -> Result<Vec<MatrixSeries>, Refusal> {
        let answer = self.engine.range(self.select.as_ref(), expr, (range.min, range.max), step, &QueryOptions::default());
        match answer.map_err(refusal)?.value {
            Value::Matrix(series) => Ok(series),
            other => Err(not_a_vector(other.result_type())),
        }
    }

    pub fn instant(&self, expr: &str, at: TimestampMs) -> Result<QueryResult, Refusal> {
        let answer = self.engine.instant(self.select.as_ref(), expr, at, &QueryOptions::default()).map_err(refusal)?;
        match answer.value {
            Value::Scalar { value, .. } => Ok(QueryResult::Scalar(value)),
            Value::Vector(samples) => Ok(QueryResult::Vector(
                samples.into_iter().map(|sample| ResultSample { labels: sample.labels, value: sample.value }).collect(),
            )),
            other => Err(not_a_vector(other.result_type())),
        }
    }

    fn has_series(&self, selector: &str, range: TimeRange) -> Result<bool, Refusal> {
        let parsed = promql::parse(selector, self.engine.options().features).ok();
        let Some(ExprKind::Selector(selector)) = parsed.map(|expr| expr.kind) else { return Ok(true) };
        let broken = |error: crate::storage::SelectError| Refusal::Broken(error.to_string());
        let snapshot = self.select.open(range).map_err(broken)?;
        Ok(!snapshot.series(&selector.matchers, range).map_err(broken)?.is_empty())
    }
}

fn refusal(error: QueryError) -> Refusal {
    Refusal::Query(error.to_string())
}

pub fn not_a_vector(kind: &str) -> Refusal {
    Refusal::Query(format!("a rule's expression must give a vector or a scalar, not a {kind}"))
}

impl History {
    /// One value a step, both ends included.
    pub fn range(&self, expr: &str, range: TimeRange, step: DurationMs) -> Result<Vec<MatrixSeries>, Refusal> {
        match self {
            Self::Folder(folder) => folder.range(expr, range, step),
            Self::Server(server) => server.range(expr, range, step),
        }
    }

    pub fn instant(&self, expr: &str, at: TimestampMs) -> Result<QueryResult, Refusal> {
        match self {
            Self::Folder(folder) => folder.instant(expr, at),
            Self::Server(server) => server.instant(expr, at),
        }
    }

    /// Whether a selector has any series in the range.
    pub fn has_series(&self, selector: &str, range: TimeRange) -> Result<bool, Refusal> {
        match self {
            Self::Folder(folder) => folder.has_series(selector, range),
            Self::Server(server) => server.has_series(selector, range),
        }
    }

    /// Most steps that one range may have.
    pub fn steps_max(&self) -> i64 {
        match self {
            Self::Folder(_) => super::RANGE_STEPS_MAX,
            // What Prometheus allows.
            Self::Server(_) => super::RANGE_STEPS_MAX.min(11_000),
        }
    }
}
