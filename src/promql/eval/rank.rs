//! Aggregations that pick series and keep all their labels: topk, bottomk, limitk, limit_ratio.

use std::cmp::Ordering;

use super::group::Groups;
use super::quantile::nan_first;
use super::{Eval, Series, Sink, Steps, is_absent};
use crate::model::Span;
use crate::promql::annotation::Note;
use crate::promql::ast::{Aggregate, Expr};
use crate::promql::error::QueryError;
use crate::promql::token::Aggregator;

impl Eval<'_> {
    pub(super) fn pick(&self, aggregate: &Aggregate, span: Span, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let parameters = self.parameter(aggregate, steps)?;
        let parameters = self.checked_parameters(aggregate, parameters)?;
        let mut all = self.collect(&aggregate.expr, steps)?;
        // Which of equal values is picked must not hang on where the store has them.
        self.put_in_order(&mut all);
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
        let asked = |step: usize| parameters.get(step).is_some_and(|parameter| count(*parameter) > 0);
        let ignored = |s: &Series| s.column.histograms.iter().enumerate().any(|(step, h)| h.is_some() && asked(step));
        if ranked && all.iter().any(ignored) {
            self.notes.inform(span, &Note::IgnoredInAggregation(aggregate.op.as_str()));
        }
        let mut kept: Vec<Vec<bool>> = all.iter().map(|s| vec![false; s.column.len()]).collect();
        let mut order: Vec<usize> = Vec::new();
        for group in members.iter().take(groups.len()) {
            self.guard.check()?;
            for (step, parameter) in parameters.iter().enumerate() {
                self.guard.work(group.len())?;
                let picked = match aggregate.op {
                    Aggregator::LimitRatio => self.by_ratio(&all, group, step, *parameter),
                    Aggregator::Limitk => {
                        group.iter().copied().filter(|m| all[*m].column.is_present(step)).take(count(*parameter)).collect()
                    }
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

    /// What is wrong with the parameters of any step; of several the largest and the smallest are named.
    fn checked_parameters(&self, aggregate: &Aggregate, mut parameters: Vec<f64>) -> Result<Vec<f64>, QueryError> {
        let ratio = aggregate.op == Aggregator::LimitRatio;
        if parameters.iter().any(|value| value.is_nan()) {
            return QueryError::execution(if ratio { "Ratio value is NaN" } else { "Parameter value is NaN" });
        }
        let (min, max) = extremes(&parameters);
        if ratio {
            let span = aggregate.parameter.as_ref().map_or(aggregate.expr.span, |p: &Expr| p.span);
            for (got, used) in [(max, 1.0), (min, -1.0)] {
                if got * used > 1.0 {
                    self.notes.warn(span, &Note::InvalidRatio { got, used });
                }
            }
            parameters.iter_mut().for_each(|value| *value = value.clamp(-1.0, 1.0));
            return Ok(parameters);
        }
        let shown = crate::model::number::format_general;
        if min <= i64::MIN as f64 {
            return QueryError::execution(format!("Scalar value {} underflows int64", shown(min)));
        }
        if max >= i64::MAX as f64 {
            return QueryError::execution(format!("Scalar value {} overflows int64", shown(max)));
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

/// The smallest and the largest; NaN, twice, where there is any.
pub(super) fn extremes(values: &[f64]) -> (f64, f64) {
    if values.iter().any(|value| value.is_nan()) {
        return (f64::NAN, f64::NAN);
    }
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(*value), max.max(*value)))
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

/// The k best of a group, best first. NaN is worst either way. Among equal values it picks as Prometheus does: by the heap
/// of Go's `container/heap`, with the series in order of their labels.
fn ranked_first(all: &[Series], group: &[usize], step: usize, k: usize, largest: bool) -> Vec<usize> {
    if k == 0 {
        return Vec::new();
    }
    let value = |place: &usize| all[*place].column.floats[step];
    let is_worse = |a: &usize, b: &usize| {
        let (x, y) = (value(a), value(b));
        x.is_nan() || (if largest { x < y } else { x > y })
    };
    let mut heap: Vec<usize> = Vec::new();
    for place in group.iter().filter(|m| !is_absent(value(m))) {
        if heap.len() < k {
            heap.push(*place);
            sift_up(&mut heap, is_worse);
        } else if !value(place).is_nan() && is_worse(&heap[0], place) {
            heap[0] = *place;
            sift_down(&mut heap, is_worse);
        }
    }
    let better = |a: &usize, b: &usize| -> Ordering {
        let (x, y) = (value(a), value(b));
        let order = match (x.is_nan(), y.is_nan()) {
            (false, false) if largest => nan_first(y, x),
            (false, false) => nan_first(x, y),
            (x, y) => x.cmp(&y),
        };
        order.then_with(|| a.cmp(b))
    };
    heap.sort_unstable_by(better);
    heap
}

/// The last element moves up past those that are better.
fn sift_up(heap: &mut [usize], is_worse: impl Fn(&usize, &usize) -> bool) {
    let mut child = heap.len() - 1;
    while child > 0 {
        let parent = (child - 1) / 2;
        if !is_worse(&heap[child], &heap[parent]) {
            break;
        }
        heap.swap(child, parent);
        child = parent;
    }
}

/// The first element moves down past those that are worse.
fn sift_down(heap: &mut [usize], is_worse: impl Fn(&usize, &usize) -> bool) {
    let mut parent = 0;
    loop {
        let mut child = 2 * parent + 1;
        if child >= heap.len() {
            break;
        }
        if child + 1 < heap.len() && is_worse(&heap[child + 1], &heap[child]) {
            child += 1;
        }
        if !is_worse(&heap[child], &heap[parent]) {
            break;
        }
        heap.swap(parent, child);
        parent = child;
    }
}
