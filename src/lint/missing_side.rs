//! `a / (a + b)`: empty where one of the two counters has no series yet, just when the ratio matters.

use super::division_by_zero::SEPARATE;
use super::shape::{all_windowed, binaries, decisive, event, is_gain};
use super::{Known, Said, Subject};
use crate::promql::token::Operator;
use crate::promql::{Expr, ExprKind};

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    let mut said = Vec::new();
    for quotient in binaries(subject.expr).into_iter().filter(|binary| binary.op == Operator::Div) {
        let ExprKind::Binary(sum) = &quotient.right.unwrapped().kind else { continue };
        if sum.op != Operator::Add {
            continue;
        }
        let (Some(part), Some(a), Some(b)) = (counter(&quotient.left), counter(&sum.left), counter(&sum.right)) else { continue };
        if a == b || (part != a && part != b) {
            continue;
        }
        let other = if part == a { b } else { a };
        // An alert above a share of the one needs the other only: without it nothing would be counted at all.
        if rises(subject) && !SEPARATE.contains(&event(other)) {
            continue;
        }
        let message =
            format!("empty where {part} or {other} has no series yet: a counter with labels does not exist before its first event");
        let way_out = format!("give each side zeros of the other: (... {part} ... or 0 * ... {other} ...)");
        said.push((message, way_out));
    }
    said
}

fn rises(subject: &Subject<'_>) -> bool {
    let bound = decisive(subject.expr).filter(|_| subject.alert().is_some());
    bound.is_some_and(|found| matches!(found.op, Operator::Greater | Operator::GreaterEqual))
}

/// The counter whose gain a side is, without anything to fall back to.
fn counter(expr: &Expr) -> Option<&str> {
    if binaries(expr).iter().any(|binary| matches!(binary.op, Operator::Or | Operator::Add)) {
        return None;
    }
    match all_windowed(expr).as_slice() {
        [part] if is_gain(part.function) => part.selector.metric_name(),
        _ => None,
    }
}
