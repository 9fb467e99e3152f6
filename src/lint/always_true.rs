//! An alert without a condition fires for every series that there is.

use super::first_event::OF_TARGETS;
use super::shape::metrics;
use super::{Known, Said, Subject};
use crate::model::METRIC_NAME;
use crate::promql::token::Operator;
use crate::promql::{Expr, ExprKind};

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    if subject.alert().is_none() || filters(subject.expr) {
        return Vec::new();
    }
    // A constant is a heartbeat, and the alerts of others fire or not.
    let read = metrics(subject.expr);
    if read.is_empty() || read.iter().any(|name| name.starts_with("ALERTS")) {
        return Vec::new();
    }
    if is_picked(subject.expr) {
        return Vec::new();
    }
    if returns_bool(subject.expr) {
        let message = "the comparison is made with bool, which gives 0 and 1: both fire".to_owned();
        return vec![(message, "leave bool out, so that only what holds remains".to_owned())];
    }
    let message = "nothing in the expression is a condition: it fires for every series there is, whatever the value".to_owned();
    vec![(message, "compare with a threshold: ... > 5".to_owned())]
}

/// A metric by the value of a label that is not its target's: that there is such a series is the condition.
fn is_picked(expr: &Expr) -> bool {
    let ExprKind::Selector(selector) = &expr.unwrapped().kind else { return false };
    selector.matchers.iter().any(|matcher| matcher.name != METRIC_NAME && !OF_TARGETS.contains(&matcher.name.as_str()))
}

/// Whether something may make the answer smaller.
fn filters(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| {
        found |= match &expr.kind {
            ExprKind::Binary(binary) => {
                matches!(binary.op, Operator::And | Operator::Unless) || (binary.op.is_comparison() && !binary.returns_bool)
            }
            ExprKind::Call(call) => call.function.name.starts_with("absent"),
            _ => false,
        };
    });
    found
}

fn returns_bool(expr: &Expr) -> bool {
    matches!(&expr.unwrapped().kind, ExprKind::Binary(binary) if binary.returns_bool)
}
