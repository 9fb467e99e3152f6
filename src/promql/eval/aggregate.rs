//! Aggregations: those that fold series as they come, and those that look at a group's values together.

use super::fold::Fold;
use super::group::Groups;
use super::{Cell, Column, Eval, Series, Sink, Steps, Yield};
use crate::model::Span;
use crate::model::number::format_fixed;
use crate::promql::annotation::Note;
use crate::promql::ast::{Aggregate, Expr, ExprKind};
use crate::promql::error::QueryError;
use crate::promql::native;
use crate::promql::token::Aggregator;

impl Eval<'_> {
    pub(super) fn aggregate(&self, aggregate: &Aggregate, span: Span, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        match aggregate.op {
            Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk | Aggregator::LimitRatio => self.pick(aggregate, span, steps, sink),
            Aggregator::Quantile => self.quantiles(aggregate, steps, sink),
            Aggregator::CountValues => self.count_values(aggregate, steps, sink),
            _ => self.fold(aggregate, steps, sink),
        }
    }

    fn fold(&self, aggregate: &Aggregate, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let inner = aggregate.expr.span;
        let mergeable = !matches!(aggregate.op, Aggregator::Stddev | Aggregator::Stdvar);
        let parts = if mergeable { self.in_parts(&aggregate.expr, steps, &|eval| eval.folded(aggregate, steps))? } else { None };
        let mut parts = match parts {
            Some(parts) => parts.into_iter(),
            None => vec![self.folded(aggregate, steps)?].into_iter(),
        };
        let Some((mut groups, mut folds)) = parts.next() else { return Ok(()) };
        for (others, other_folds) in parts {
            for (number, fold) in other_folds.into_iter().enumerate() {
                let group = groups.of_key(&others.labels[number], others.drop_name[number]);
                if group == folds.len() {
                    folds.push(fold);
                } else {
                    folds[group].merge(fold);
                    self.guard.release(steps.count);
                }
            }
        }
        for (number, fold) in folds.into_iter().enumerate() {
            let column = fold.finish(self, inner, &self.symbols.metric_name_of(&groups.labels[number]));
            self.guard.release(steps.count);
            if column.is_empty() {
                continue;
            }
            let labels = std::mem::take(&mut groups.labels[number]);
            sink(&mut Series { labels, drop_name: groups.drop_name[number], column })?;
        }
        Ok(())
    }

    /// The groups of a vector and what was folded into each.
    fn folded(&self, aggregate: &Aggregate, steps: &Steps) -> Result<(Groups, Vec<Fold>), QueryError> {
        let mut groups = Groups::new(self, aggregate);
        let mut folds: Vec<Fold> = Vec::new();
        let mut add = |series: &mut Series| {
            let group = groups.of(&series.labels, series.drop_name);
            if group == folds.len() {
                self.guard.hold(steps.count)?;
                folds.push(Fold::new(aggregate.op, steps.count));
            }
            folds[group].add(&series.column, self, aggregate.expr.span);
            Ok(())
        };
        match &aggregate.expr.unwrapped().kind {
            // Nothing but the presence of samples counts.
            ExprKind::Selector(selector) if is_bare(&aggregate.expr) && !selector.smoothed && counts(aggregate.op) => {
                self.selector(selector, steps, Yield::Presence, &mut add)?;
            }
            _ => self.vector(&aggregate.expr, steps, &mut add)?,
        }
        Ok((groups, folds))
    }

    pub(super) fn parameter(&self, aggregate: &Aggregate, steps: &Steps) -> Result<Vec<f64>, QueryError> {
        match &aggregate.parameter {
            Some(parameter) => self.scalar(parameter, steps),
            None => QueryError::execution("internal: the aggregation takes a parameter"),
        }
    }

    fn quantiles(&self, aggregate: &Aggregate, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let phis = self.parameter(aggregate, steps)?;
        let span = aggregate.parameter.as_ref().map_or(aggregate.expr.span, |p: &Expr| p.unwrapped().span);
        // Of many bad ones the largest and the smallest are named.
        let (min, max) = super::rank::extremes(&phis);
        let nan = phis.iter().copied().find(|p| p.is_nan());
        for phi in nan.into_iter().chain((max > 1.0).then_some(max)).chain((min < 0.0).then_some(min)) {
            self.notes.warn_of(aggregate.expr.span, span, &Note::InvalidQuantile(phi));
        }
        let mut groups = Groups::new(self, aggregate);
        let mut members: Vec<Vec<Vec<f64>>> = Vec::new();
        let mut held = 0;
        self.vector(&aggregate.expr, steps, &mut |series| {
            let group = groups.of(&series.labels, series.drop_name);
            if group == members.len() {
                members.push(Vec::new());
            }
            if series.column.histograms.iter().any(Option::is_some) {
                self.notes.inform(aggregate.expr.span, &Note::IgnoredInAggregation("quantile"));
            }
            self.guard.hold(steps.count)?;
            held += steps.count;
            members[group].push(std::mem::take(&mut series.column.floats));
            Ok(())
        })?;
        for (number, members) in members.into_iter().enumerate() {
            let mut column = Column::of(steps.count);
            for (step, phi) in phis.iter().enumerate() {
                self.guard.work(members.len())?;
                let mut values: Vec<f64> = members.iter().map(|m| m[step]).filter(|v| !super::is_absent(*v)).collect();
                if !values.is_empty() {
                    column.floats[step] = super::quantile::quantile(*phi, &mut values);
                }
            }
            self.guard.check()?;
            let labels = std::mem::take(&mut groups.labels[number]);
            if !column.is_empty() {
                sink(&mut Series { labels, drop_name: groups.drop_name[number], column })?;
            }
        }
        self.guard.release(held);
        Ok(())
    }

    fn count_values(&self, aggregate: &Aggregate, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let Some(parameter) = &aggregate.parameter else {
            return QueryError::execution("internal: the aggregation takes a parameter");
        };
        let text = self.text(parameter)?;
        let Some(name) = text.utf8().ok().filter(|name| !name.is_empty()) else {
            return QueryError::execution(format!("invalid label name {}", text.quoted()));
        };
        let label = self.symbols.get(name);
        // The value is written first and then grouped: `without` takes its own label away again.
        let is_shown = !(aggregate.without && aggregate.grouping.iter().any(|dropped| dropped == name));
        let mut groups = Groups::new(self, aggregate);
        // Overwriting a grouping label with the value is allowed: counts of equal labels add up.
        let mut counts = hashbrown::HashMap::<Vec<crate::storage::LabelPair>, usize>::new();
        let mut results: Vec<Series> = Vec::new();
        self.vector(&aggregate.expr, steps, &mut |series| {
            let group = groups.of(&series.labels, series.drop_name);
            self.guard.work(steps.count)?;
            for step in 0..steps.count {
                let value = match series.column.cell(step) {
                    Cell::Nothing => continue,
                    Cell::Float(value) => format_fixed(value),
                    Cell::Histogram(histogram) => native::text(histogram),
                };
                let mut labels = groups.labels[group].clone();
                if is_shown {
                    self.symbols.set(&mut labels, label, &value);
                }
                let place = match counts.get(&labels) {
                    Some(place) => *place,
                    None => {
                        self.guard.hold(steps.count)?;
                        counts.insert(labels.clone(), results.len());
                        results.push(Series { labels, drop_name: groups.drop_name[group], column: Column::of(steps.count) });
                        results.len() - 1
                    }
                };
                let count = &mut results[place].column.floats[step];
                *count = if super::is_absent(*count) { 1.0 } else { *count + 1.0 };
            }
            Ok(())
        })?;
        results.iter_mut().try_for_each(sink)
    }
}

fn counts(op: Aggregator) -> bool {
    matches!(op, Aggregator::Count | Aggregator::Group)
}

/// Nothing but parentheses around.
fn is_bare(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => is_bare(inner),
        ExprKind::Selector(_) => true,
        _ => false,
    }
}
