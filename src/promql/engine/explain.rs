//! Explaining a query: each part is evaluated by itself, so that the evaluation of ordinary queries carries no measuring.

use std::time::Duration;

use super::{Engine, QueryOptions, Run};
use crate::model::regex::Fuse;
use crate::model::{DurationMs, Labels, TimestampMs, Value as SampleValue};
use crate::promql::answer::{Answer, MatrixSeries, Value, VectorSample};
use crate::promql::ast::{Call, Expr, ExprKind, Subquery, ValueType};
use crate::promql::error::QueryError;
use crate::promql::eval::guard::Usage;
use crate::promql::eval::reference;
use crate::promql::eval::resolve::{Bounds, resolve};
use crate::promql::eval::steps::Steps;
use crate::promql::explain::{Explanation, Node, Reason};
use crate::promql::functions::Function;
use crate::promql::limits::{EXPLAINED_PARTS_MAX, STEPS_MAX};
use crate::promql::{parse, print};
use crate::storage::Select;

/// When a query is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    At(TimestampMs),
    Range { start: TimestampMs, end: TimestampMs, step: DurationMs },
}

/// One series that a part yields.
pub(super) struct Row {
    pub labels: Labels,
    /// Times in milliseconds.
    pub floats: Vec<(i64, f64)>,
    /// Times of native histograms.
    pub histograms: Vec<i64>,
}

impl Row {
    pub(super) fn times(&self) -> impl Iterator<Item = i64> {
        self.floats.iter().map(|(at, _)| *at).chain(self.histograms.iter().copied())
    }
}

/// One explanation under way.
pub(super) struct Explainer<'x> {
    pub engine: &'x Engine,
    pub select: &'x dyn Select,
    pub source: &'x str,
    bounds: Bounds,
    pub options: &'x QueryOptions,
    /// On the clock's monotonic scale.
    deadline: Duration,
}

impl Engine {
    /// Evaluates a query part by part, at most [`EXPLAINED_PARTS_MAX`] of them. Blocking; the time limit is that of one query.
    pub fn explain(&self, select: &dyn Select, source: &str, moment: Moment, options: &QueryOptions) -> Result<Explanation, QueryError> {
        let expr = parse(source, self.options.features).map_err(QueryError::Parse)?;
        let (steps, bounds) = match moment {
            Moment::At(at) => (Steps::instant(at), Bounds::instant(at)),
            Moment::Range { start, end, step } => {
                let step = step.0.max(1);
                let count = end.0.saturating_sub(start.0).max(0) / step + 1;
                let count = usize::try_from(count.min(STEPS_MAX)).unwrap_or(1);
                (Steps { start: start.0, step, count }, Bounds { start: start.0, end: end.0, step })
            }
        };
        let timeout = options.timeout.map_or(self.options.timeout, |t| t.min(self.options.timeout));
        let deadline = self.clock.monotonic().saturating_add(timeout.to_std());
        let explainer = Explainer { engine: self, select, source, bounds, options, deadline };
        let (cancel, clock) = (options.cancel.clone(), self.clock.clone());
        let expr = resolve(&expr, bounds, &Fuse::new(move || cancel.is_canceled() || clock.monotonic() > deadline))?;
        let mut left = EXPLAINED_PARTS_MAX;
        let tree = explainer.node(&expr, &steps, &mut left)?;
        let empty = if tree.series_out == 0 && tree.kind != "string" { explainer.blame(&expr, &steps)? } else { None };
        // What is empty for want of samples has been told about its window.
        let told = empty.as_ref().is_some_and(|found| matches!(found.reason, Reason::TooFewSamples | Reason::NoSampleInTime));
        let hints = explainer.hints(&tree, &expr, &steps, !told)?;
        Ok(Explanation { tree, empty, hints })
    }
}

impl Explainer<'_> {
    fn node(&self, expr: &Expr, steps: &Steps, left: &mut usize) -> Result<Node, QueryError> {
        let expr = expr.unwrapped();
        *left = left.saturating_sub(1);
        let mut parts = Vec::new();
        let inner_steps = self.steps_of_parts(expr, steps);
        for part in parts_of(expr) {
            if *left > 0 {
                parts.push(self.node(part, &inner_steps, left)?);
            }
        }
        let began = self.engine.clock.monotonic();
        let answer = self.evaluate(expr, steps)?;
        let (series_out, points) = size(&answer.value);
        let is_nan = points > 0 && is_nan(&answer.value);
        Ok(Node {
            expr: print(expr),
            span: expr.span,
            kind: expr.value_type().as_str(),
            series_in: parts.iter().map(|part: &Node| part.series_out).sum(),
            series_out,
            points,
            is_nan,
            samples: answer.stats.read,
            took: self.engine.clock.monotonic().saturating_sub(began),
            parts,
        })
    }

    /// A range vector is measured as what `count_over_time` finds in it.
    pub(super) fn evaluate(&self, expr: &Expr, steps: &Steps) -> Result<Answer, QueryError> {
        let counted;
        let mut expr = expr;
        if expr.value_type() == ValueType::Matrix {
            counted = call("count_over_time", expr);
            expr = &counted;
        }
        let left = self.deadline.saturating_sub(self.engine.clock.monotonic());
        let timeout = Some(DurationMs(i64::try_from(left.as_millis()).unwrap_or(i64::MAX)));
        // Each part counts by itself.
        let options = QueryOptions { timeout, usage: Usage::default(), cache: false, ..self.options.clone() };
        let matrix = expr.value_type() != ValueType::Text && (self.bounds.step != 0 || steps.count > 1);
        self.engine.run(self.select, &Run { expr, source: self.source, steps: *steps, bounds: self.bounds, matrix }, &options)
    }

    /// The same, as label sets with the values of all steps.
    pub(super) fn series(&self, expr: &Expr, steps: &Steps) -> Result<Vec<Row>, QueryError> {
        Ok(match self.evaluate(expr, steps)?.value {
            Value::Vector(rows) => {
                let row = |sample: VectorSample| {
                    let (mut floats, mut histograms) = (Vec::new(), Vec::new());
                    match sample.value {
                        SampleValue::Float(value) => floats.push((sample.at.0, value)),
                        SampleValue::Histogram(_) => histograms.push(sample.at.0),
                    }
                    Row { labels: sample.labels, floats, histograms }
                };
                rows.into_iter().map(row).collect()
            }
            Value::Matrix(rows) => {
                let row = |series: MatrixSeries| Row {
                    labels: series.labels,
                    floats: series.floats.iter().map(|(at, value)| (at.0, *value)).collect(),
                    histograms: series.histograms.iter().map(|(at, _)| at.0).collect(),
                };
                rows.into_iter().map(row).collect()
            }
            Value::Scalar { at, value } => vec![Row { labels: Labels::empty(), floats: vec![(at.0, value)], histograms: Vec::new() }],
            Value::String { .. } => Vec::new(),
        })
    }

    pub(super) fn is_empty(&self, expr: &Expr, steps: &Steps) -> Result<bool, QueryError> {
        Ok(size(&self.evaluate(expr, steps)?.value).0 == 0)
    }

    /// What is inside a subquery is evaluated at the subquery's own steps.
    pub(super) fn steps_of_parts(&self, expr: &Expr, steps: &Steps) -> Steps {
        let ExprKind::Subquery(subquery) = &expr.kind else { return *steps };
        self.inner_steps(subquery, steps)
    }

    pub(super) fn inner_steps(&self, subquery: &Subquery, steps: &Steps) -> Steps {
        let step = subquery.step.as_ref().map_or(self.engine.options.default_subquery_step.0, |s| s.fixed().0).max(1);
        let first = reference(&subquery.modifiers, steps.start).saturating_sub(subquery.range.fixed().0);
        let last = reference(&subquery.modifiers, steps.end());
        let start = first.div_euclid(step).saturating_add(1).saturating_mul(step);
        let count = usize::try_from(last.saturating_sub(start).div_euclid(step) + 1).unwrap_or(0);
        Steps { start, step, count: count.max(1) }
    }
}

/// A function of one argument around an expression.
pub(super) fn call(name: &str, arg: &Expr) -> Expr {
    let Some(function) = Function::find(name) else { return arg.clone() };
    Expr::new(ExprKind::Call(Box::new(Call { function, args: vec![arg.clone()] })), arg.span)
}

/// The parts that yield series.
pub(super) fn parts_of(expr: &Expr) -> Vec<&Expr> {
    let yields = |part: &&Expr| !matches!(part.unwrapped().kind, ExprKind::Number(_) | ExprKind::Text(_));
    expr.children().into_iter().filter(yields).map(Expr::unwrapped).collect()
}

fn size(value: &Value) -> (u64, u64) {
    match value {
        Value::Scalar { .. } | Value::String { .. } => (1, 1),
        Value::Vector(rows) => (rows.len() as u64, rows.len() as u64),
        Value::Matrix(rows) => (rows.len() as u64, rows.iter().map(|row| (row.floats.len() + row.histograms.len()) as u64).sum()),
    }
}

/// Each value is a float that is NaN.
fn is_nan(value: &Value) -> bool {
    match value {
        Value::Scalar { value, .. } => value.is_nan(),
        Value::String { .. } => false,
        Value::Vector(rows) => rows.iter().all(|row| matches!(row.value, SampleValue::Float(value) if value.is_nan())),
        Value::Matrix(rows) => rows.iter().all(|row| row.histograms.is_empty() && row.floats.iter().all(|(_, value)| value.is_nan())),
    }
}
