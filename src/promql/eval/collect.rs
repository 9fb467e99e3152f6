//! Keeping series: for joins and sorting, and to see that no two results have the same labels.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::{Eval, Series, Sink};
use crate::model::{METRIC_NAME, MatchOp};
use crate::promql::ast::{Expr, ExprKind, ValueType};
use crate::promql::error::QueryError;
use crate::promql::functions::FunctionId;
use crate::storage::LabelPair;

/// Prometheus's sentence for two results with equal labels.
pub const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

/// Series by their labels. Two with equal labels become one if they never have a value at the same step.
#[derive(Default)]
pub struct Collected {
    pub series: Vec<Series>,
    places: HashMap<Box<[LabelPair]>, usize>,
}

impl Collected {
    pub fn add(&mut self, series: Series) -> Result<(), QueryError> {
        match self.places.entry(series.labels.clone().into_boxed_slice()) {
            Entry::Vacant(place) => {
                place.insert(self.series.len());
                self.series.push(series);
            }
            Entry::Occupied(place) => {
                let first = &mut self.series[*place.get()];
                if !first.column.merge(&series.column) {
                    return QueryError::execution(SAME_LABELS);
                }
                first.drop_name |= series.drop_name;
            }
        }
        Ok(())
    }
}

impl Eval<'_> {
    /// All series of a vector. What they hold counts against the limit until the query ends.
    pub fn collect(&self, expr: &Expr, steps: &super::Steps) -> Result<Vec<Series>, QueryError> {
        let mut all = Vec::new();
        self.vector(expr, steps, &mut |series| {
            self.guard.hold(series.column.len())?;
            all.push(std::mem::take(series));
            Ok(())
        })?;
        Ok(all)
    }

    /// The store gives series in no particular order.
    pub(super) fn put_in_order(&self, all: &mut [Series]) {
        all.sort_by_cached_key(|series| self.symbols.to_labels(&series.labels));
    }

    /// Runs an operator that drops names. Where that could make labels equal, its results are kept until all are there.
    pub fn unique(
        &self,
        input: &Expr,
        sink: &mut Sink<'_>,
        run: &mut dyn FnMut(&mut Sink<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        if self.features.delayed_name_removal || has_one_name(input) {
            return run(sink);
        }
        self.merged(sink, run)
    }

    /// Keeps all results of an operator, merges equal labels, then hands them on.
    pub fn merged(&self, sink: &mut Sink<'_>, run: &mut dyn FnMut(&mut Sink<'_>) -> Result<(), QueryError>) -> Result<(), QueryError> {
        let mut collected = Collected::default();
        run(&mut |series| {
            self.guard.hold(series.column.len())?;
            collected.add(std::mem::take(series))
        })?;
        for mut series in collected.series {
            let held = series.column.len();
            sink(&mut series)?;
            self.guard.release(held);
        }
        Ok(())
    }
}

/// Whether all series of an expression have the same metric name (or none), so that dropping it cannot make two alike.
pub(super) fn has_one_name(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) | ExprKind::Invariant(inner) => has_one_name(inner),
        ExprKind::Selector(selector) => selector.matchers.iter().any(|m| m.name == METRIC_NAME && m.op == MatchOp::Equal),
        ExprKind::Range(range) => range.selector.metric_name().is_some(),
        ExprKind::Subquery(subquery) => has_one_name(&subquery.expr),
        ExprKind::Unary(unary) => has_one_name(&unary.expr),
        ExprKind::Aggregate(aggregate) => !aggregate.op.has_parameter() && !aggregate.grouping.iter().any(|l| l == METRIC_NAME),
        ExprKind::Call(call) => match call.function.id {
            FunctionId::LabelReplace | FunctionId::LabelJoin | FunctionId::Info => false,
            _ => call.args.iter().find(|a| matches!(a.value_type(), ValueType::Vector | ValueType::Matrix)).is_none_or(has_one_name),
        },
        ExprKind::Binary(_) => false,
        ExprKind::Number(_) | ExprKind::Text(_) => true,
    }
}
