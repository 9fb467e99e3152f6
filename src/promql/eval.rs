//! Evaluation: series after series over all steps. Operators hand each series on as soon as it is computed, so that an
//! aggregation folds it at once; only joins, sorting and functions that look at several series keep what they read.

mod absent;
mod aggregate;
mod binary;
mod calls;
mod classic;
mod collect;
mod dates;
mod fold;
mod group;
pub mod guard;
mod info;
mod join;
mod labels;
mod math;
mod over;
mod parallel;
mod quantile;
mod rank;
mod repeats;
pub mod resolve;
mod select;
mod series;
mod set;
mod smooth;
mod sort;
pub mod steps;
mod subquery;
mod sum;
pub mod symbols;
mod tally;
mod window;

use super::annotation::Annotations;
use super::ast::{Expr, ExprKind, Text};
use super::error::QueryError;
use super::features::Features;
use crate::storage::{LabelPair, Snapshot};
pub use classic::Ask;
pub use collect::Collected;
use guard::Guard;
pub(super) use over::with_edges;
use parallel::Part;
pub use repeats::Repeats;
use resolve::Bounds;
pub use select::{Yield, reference};
pub use series::{ABSENT, Cell, Column, Series, is_absent};
use steps::Steps;
pub use sum::Sum;
use symbols::Symbols;
pub use tally::Tally;
pub use window::RangeSeries;

/// Takes one series after the other.
pub type Sink<'s> = dyn FnMut(&mut Series) -> Result<(), QueryError> + 's;

/// Everything that the evaluation of one query shares.
#[derive(Clone, Copy)]
pub struct Eval<'q> {
    pub snapshot: &'q dyn Snapshot,
    pub symbols: &'q Symbols<'q>,
    pub notes: &'q Annotations,
    pub guard: &'q Guard,
    pub bounds: Bounds,
    /// Milliseconds.
    pub lookback: i64,
    /// Milliseconds.
    pub subquery_step: i64,
    pub features: Features,
    /// Most threads that one query may use.
    pub threads: usize,
    /// The function right around the selector, as a hint to the store.
    pub function: Option<&'static str>,
    /// The share of the only selector's series that this evaluation is to read; none means all.
    pub part: Option<&'q Part<'q>>,
    pub repeats: &'q Repeats,
    /// Where samples are counted step by step, if anybody asks.
    pub tally: Option<&'q Tally>,
}

impl Eval<'_> {
    /// Evaluates an instant vector, whether it was evaluated before or not. Each label set comes once.
    fn vector_anew(&self, expr: &Expr, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        match &expr.kind {
            ExprKind::Paren(inner) => self.vector(inner, steps, sink),
            ExprKind::Invariant(inner) => self.counted_at_each(steps.count, |once| {
                once.vector(inner, &steps.first(), &mut |series| {
                    series.column.broadcast(steps.count);
                    sink(series)
                })
            }),
            ExprKind::Selector(selector) if selector.smoothed => self.smoothed_selector(selector, expr.span, steps, sink),
            ExprKind::Selector(selector) => self.selector(selector, steps, Yield::Value, sink),
            ExprKind::Unary(unary) if !unary.negative => self.vector(&unary.expr, steps, sink),
            ExprKind::Unary(unary) => self.negated(&unary.expr, steps, sink),
            ExprKind::Binary(binary) => self.binary_vector(binary, expr.span, steps, sink),
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate, expr.span, steps, sink),
            ExprKind::Call(call) => self.call(call, expr, steps, sink),
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Range(_) | ExprKind::Subquery(_) => {
                QueryError::execution("internal: an instant vector was expected")
            }
        }
    }

    /// Evaluates a scalar: one value a step.
    pub fn scalar(&self, expr: &Expr, steps: &Steps) -> Result<Vec<f64>, QueryError> {
        match &expr.kind {
            ExprKind::Paren(inner) => self.scalar(inner, steps),
            ExprKind::Invariant(inner) => {
                let mut value = Vec::new();
                self.counted_at_each(steps.count, |once| {
                    value = once.scalar(inner, &steps.first())?;
                    Ok(())
                })?;
                Ok(vec![value.first().copied().unwrap_or(f64::NAN); steps.count])
            }
            ExprKind::Number(number) => Ok(vec![number.value; steps.count]),
            ExprKind::Unary(unary) => {
                let mut values = self.scalar(&unary.expr, steps)?;
                if unary.negative {
                    values.iter_mut().for_each(|v| *v = -*v);
                }
                Ok(values)
            }
            ExprKind::Binary(binary) => self.binary_scalar(binary, steps),
            ExprKind::Call(call) => self.scalar_call(call, steps),
            _ => QueryError::execution("internal: a scalar was expected"),
        }
    }

    /// The literal that a string argument is.
    pub fn text<'e>(&self, expr: &'e Expr) -> Result<&'e Text, QueryError> {
        match &expr.unwrapped().kind {
            ExprKind::Text(text) => Ok(text),
            _ => QueryError::execution("internal: a string was expected"),
        }
    }

    /// Evaluates a range vector.
    pub fn ranges(
        &self,
        expr: &Expr,
        steps: &Steps,
        each: &mut dyn FnMut(&RangeSeries<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        match &expr.kind {
            ExprKind::Paren(inner) | ExprKind::Invariant(inner) => self.ranges(inner, steps, each),
            ExprKind::Range(range) => self.range_selector(range, steps, each),
            ExprKind::Subquery(subquery) => self.subquery(subquery, steps, each),
            _ => QueryError::execution("internal: a range vector was expected"),
        }
    }

    /// What dropping the metric's name means now: marked for the end of the query, or done at once.
    pub fn drop_name(&self, series: &mut Series) {
        if self.features.delayed_name_removal {
            series.drop_name = true;
        } else {
            self.remove_name(&mut series.labels);
        }
    }

    /// Removes `__name__`, and `__type__` and `__unit__` where they belong to it.
    pub fn remove_name(&self, labels: &mut Vec<LabelPair>) {
        labels.retain(|p| !self.is_name_label(p));
    }

    fn is_name_label(&self, pair: &LabelPair) -> bool {
        let symbols = &self.symbols;
        pair.name == symbols.metric_name
            || (self.features.type_and_unit_labels && (pair.name == symbols.metric_type || pair.name == symbols.metric_unit))
    }

    fn negated(&self, expr: &Expr, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        self.unique(expr, sink, &mut |unique| {
            self.vector(expr, steps, &mut |series| {
                for value in series.column.floats.iter_mut().filter(|v| !is_absent(**v)) {
                    *value = -*value;
                }
                for histogram in series.column.histograms.iter_mut().flatten() {
                    *histogram = crate::promql::native::scaled(histogram, -1.0);
                }
                self.drop_name(series);
                unique(series)
            })
        })
    }
}
