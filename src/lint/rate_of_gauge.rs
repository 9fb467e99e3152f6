//! Functions for counters on gauges, and for gauges on counters.

use super::shape::{all_windowed, is_gain};
use super::{Known, Said, Subject};
use crate::promql::token::Aggregator;
use crate::promql::{Expr, ExprKind};

/// Ends of names that only gauges have.
const GAUGES: [&str; 15] = [
    "_percent",
    "_percentage",
    "_ratio",
    "_celsius",
    "_temperature",
    "_utilization",
    "_active",
    "_limit",
    "_info",
    "_usd",
    "_resident_memory_bytes",
    "_virtual_memory_bytes",
    "_free_bytes",
    "_available_bytes",
    "_usage_bytes",
];

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    let mut said = Vec::new();
    for part in all_windowed(subject.expr) {
        let Some(name) = part.selector.metric_name() else { continue };
        let (is_gauge, is_counter) = match known.kind(name) {
            Some(kind) => (kind == "gauge", kind == "counter"),
            None => (GAUGES.iter().any(|end| name.ends_with(end)), name.ends_with("_total")),
        };
        let function = part.function;
        if is_gauge && (is_gain(function) || function == "resets") {
            let message =
                format!("{function}() takes every fall of {name} for a restart from zero, but it is a gauge: the result is too large");
            said.push((message, "use deriv() or delta(), which take gauges".to_owned()));
        }
        if is_counter && matches!(function, "deriv" | "delta" | "idelta" | "predict_linear") {
            let message = format!("{function}() of the counter {name} takes a restart for a fall to zero");
            said.push((message, "use rate() or increase(), which know restarts".to_owned()));
        }
        if known.kind(name) == Some("gauge") && name.ends_with("_total") {
            let message = format!("{name} is a gauge with a counter's name: people and tools will take its rate");
            said.push((message, "leave _total to counters where the metric is made".to_owned()));
        }
    }
    subject.expr.walk(&mut |expr| said.extend(of_sum(expr)));
    said
}

/// `rate(sum(counter)[5m:])`: one restart makes the sum fall, which looks like a restart of all.
fn of_sum(expr: &Expr) -> Option<Said> {
    let ExprKind::Call(call) = &expr.kind else { return None };
    if !is_gain(call.function.name) {
        return None;
    }
    let ExprKind::Subquery(subquery) = &call.args.first()?.unwrapped().kind else { return None };
    let ExprKind::Aggregate(aggregate) = &subquery.expr.unwrapped().kind else { return None };
    if aggregate.op != Aggregator::Sum || !matches!(aggregate.expr.unwrapped().kind, ExprKind::Selector(_)) {
        return None;
    }
    let message =
        format!("{}() of a sum of counters: one that restarts makes the sum fall, and all of it counts again", call.function.name);
    Some((message, "take the rate first, then the sum: sum(rate(...[5m]))".to_owned()))
}
