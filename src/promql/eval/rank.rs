//! Aggregations that pick series and keep all their labels: topk, bottomk, limitk, limit_ratio.

use std::cmp::Ordering;

use super::group::Groups;
use super::quantile::nan_first;
use super::{Eval, Series, Sink, Steps, is_absent};
use crate::promql::annotation::Note;
use crate::promql::ast::{Aggregate, Expr};
use crate::promql::error::QueryError;
use crate::promql::token::Aggregator;

impl Eval<'_> {
    pub(super) fn pick(&self, aggregate: &Aggregate, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let parameters = self.parameter(aggregate, steps)?;
        let parameters = self.checked_parameters(aggregate, parameters)?;
        let all = self.collect(&aggregate.expr, steps)?;
        let held: usize = all.iter().map(|s| s.column.len()).sum();
        let mut groups = Groups::new(self, aggregate);
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (place, series) in all.iter().enumerate() {
            let group = groups.of(&series.labels, series.drop_name);
            if group == members.len() {
                members.push(Vec::new());
            }
            members[group].push(place);
        }
        let ranked = matches!(aggregate.op, Aggregator::Topk | Aggregator::Bottomk);
        if ranked && all.iter().any(|s| s.column.histograms.iter().any(Option::is_some)) {
            self.notes.inform(aggregate.expr.span, &Note::IgnoredInAggregation(aggregate.op.as_str()));
        }
        let mut kept: Vec<Vec<bool>> = all.iter().map(|s| vec![false; s.column.len()]).collect();
        let mut order: Vec<usize> = Vec::new();
        for group in members.iter().take(groups.len()) {
            self.guard.check()?;
            let mut ranks = if ranked { leaders(&all, group, &parameters, aggregate.op == Aggregator::Topk) } else { Vec::new() };
            for (step, parameter) in parameters.iter().enumerate() {
                let picked = match aggregate.op {
                    Aggregator::LimitRatio => self.by_ratio(&all, group, step, *parameter),
                    Aggregator::Limitk => {
                        group.iter().copied().filter(|m| all[*m].column.is_present(step)).take(count(*parameter)).collect()
                    }
                    _ if !ranks.is_empty() => std::mem::take(&mut ranks[step]),
                    op => ranked_first(&all, group, step, count(*parameter), op == Aggregator::Topk),
                };
                for place in &picked {
                    kept[*place][step] = true;
                }
                if steps.count == 1 {
                    order.extend(picked);
                }
            }
        }
        if steps.count > 1 {
            order = (0..all.len()).collect();
        }
        self.emit_picked(all, &kept, &order, sink)?;
        self.guard.release(held);
        Ok(())
    }

    fn emit_picked(&self, all: Vec<Series>, kept: &[Vec<bool>], order: &[usize], sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let mut all: Vec<Option<Series>> = all.into_iter().map(Some).collect();
        for place in order {
            let Some(mut series) = all[*place].take() else { continue };
            for (step, kept) in kept[*place].iter().enumerate() {
                if !kept {
                    series.column.remove(step);
                }
            }
            if !series.column.is_empty() {
                sink(&mut series)?;
            }
        }
        Ok(())
    }

    fn checked_parameters(&self, aggregate: &Aggregate, mut parameters: Vec<f64>) -> Result<Vec<f64>, QueryError> {
        let ratio = aggregate.op == Aggregator::LimitRatio;
        let span = aggregate.parameter.as_ref().map_or(aggregate.expr.span, |p: &Expr| p.span);
        for value in &mut parameters {
            if value.is_nan() {
                return QueryError::execution(if ratio { "Ratio value is NaN" } else { "Parameter value is NaN" });
            }
            if ratio {
                if value.abs() > 1.0 {
                    self.notes.warn(span, &Note::InvalidRatio { got: *value, used: value.signum() });
                    *value = value.signum();
                }
                continue;
            }
            let shown = crate::model::number::format_general(*value);
            if *value >= i64::MAX as f64 {
                return QueryError::execution(format!("Scalar value {shown} overflows int64"));
            }
            if *value <= i64::MIN as f64 {
                return QueryError::execution(format!("Scalar value {shown} underflows int64"));
            }
        }
        Ok(parameters)
    }

    /// Series whose label hash lies in the first (or, for a negative ratio, last) part of the hash space.
    fn by_ratio(&self, all: &[Series], group: &[usize], step: usize, ratio: f64) -> Vec<usize> {
        let is_in = |place: &usize| {
            let share = self.hash_share(&all[*place]);
            if ratio >= 0.0 { share < ratio } else { share >= 1.0 + ratio }
        };
        group.iter().copied().filter(|m| all[*m].column.is_present(step)).filter(is_in).collect()
    }

    /// Where a label set's hash lies between 0 and 1: xxhash64 over the labels, each text after its length.
    fn hash_share(&self, series: &Series) -> f64 {
        let mut bytes = Vec::new();
        for pair in &series.labels {
            for symbol in [pair.name, pair.value] {
                push_sized(&mut bytes, self.symbols.text(symbol).as_bytes());
            }
        }
        xxhash_rust::xxh64::xxh64(&bytes, 0) as f64 / u64::MAX as f64
    }
}

/// A text after its length; lengths from 255 on take four bytes.
fn push_sized(out: &mut Vec<u8>, text: &[u8]) {
    if text.len() < 255 {
        out.push(text.len() as u8);
    } else {
        out.push(255);
        out.extend_from_slice(&(text.len() as u32).to_le_bytes()[..3]);
    }
    out.extend_from_slice(text);
}

fn count(parameter: f64) -> usize {
    if parameter < 1.0 { 0 } else { parameter as usize }
}

/// Most places for which the best are kept in order while the series go by.
const LEADERS_MAX: usize = 32;

/// The best of a group at each step, best first, in one pass over the series; empty where too many are asked for.
fn leaders(all: &[Series], group: &[usize], parameters: &[f64], largest: bool) -> Vec<Vec<usize>> {
    if parameters.iter().any(|k| count(*k) > LEADERS_MAX) {
        return Vec::new();
    }
    let worse = |a: f64, b: f64| if largest { a < b } else { a > b } || (a.is_nan() && !b.is_nan());
    let mut leaders: Vec<Vec<usize>> = parameters.iter().map(|k| Vec::with_capacity(count(*k))).collect();
    for place in group {
        for (step, value) in all[*place].column.floats.iter().enumerate().filter(|(_, v)| !is_absent(**v)) {
            let best = &mut leaders[step];
            let k = count(parameters[step]);
            let is_full = best.len() == k;
            let last_is_worse = best.last().is_some_and(|last| worse(all[*last].column.floats[step], *value));
            if is_full && !last_is_worse {
                continue;
            }
            // Behind all that are as good.
            let at = best.partition_point(|other| !worse(all[*other].column.floats[step], *value));
            if is_full {
                best.pop();
            }
            best.insert(at, *place);
        }
    }
    leaders
}

/// The k best of a group, best first; of equal values those that came first. NaN is worst either way.
fn ranked_first(all: &[Series], group: &[usize], step: usize, k: usize, largest: bool) -> Vec<usize> {
    let value = |place: &usize| all[*place].column.floats[step];
    let better = |a: &usize, b: &usize| -> Ordering {
        let (x, y) = (value(a), value(b));
        let order = match (x.is_nan(), y.is_nan()) {
            (false, false) if largest => nan_first(y, x),
            (false, false) => nan_first(x, y),
            (x, y) => x.cmp(&y),
        };
        order.then_with(|| a.cmp(b))
    };
    if k == 0 {
        return Vec::new();
    }
    let mut present: Vec<usize> = group.iter().copied().filter(|m| !is_absent(value(m))).collect();
    if present.len() > k {
        present.select_nth_unstable_by(k - 1, better);
        present.truncate(k);
    }
    present.sort_unstable_by(better);
    present
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::promql::eval::Column;
    use crate::promql::eval::series::ABSENT;

    proptest! {
        #[test]
        fn one_pass_agrees_with_sorting(
            values in prop::collection::vec(prop::collection::vec(prop_oneof![6 => (-3i32..3).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(ABSENT)], 3), 0..20),
            k in 0.0..6.0f64,
            largest: bool,
        ) {
            let all: Vec<Series> =
                values.into_iter().map(|floats| Series { column: Column { floats, histograms: Vec::new() }, ..Series::default() }).collect();
            let group: Vec<usize> = (0..all.len()).collect();
            let leaders = leaders(&all, &group, &[k; 3], largest);
            for (step, leaders) in leaders.into_iter().enumerate() {
                prop_assert_eq!(leaders, ranked_first(&all, &group, step, count(k), largest));
            }
        }
    }
}
