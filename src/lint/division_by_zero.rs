//! A quotient of two kinds of events: where the second did not happen in the window, it is infinite, and the alert fires.

use super::shape::{Threshold, all_windowed, binaries, event, is_gain, metrics, threshold};
use super::{Known, Said, Subject};
use crate::promql::token::Operator;
use crate::promql::{Expr, ExprKind};

/// Events that need not come with the others: of all requests every error is one, of started jobs not every failed one.
pub const SEPARATE: [&str; 14] = [
    "created",
    "started",
    "submitted",
    "queued",
    "scheduled",
    "launched",
    "completed",
    "succeeded",
    "successful",
    "finished",
    "admitted",
    "accepted",
    "opened",
    "success",
];

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    if subject.alert().is_none() {
        return Vec::new();
    }
    let all = binaries(subject.expr);
    let grows = |found: &Threshold<'_>| matches!(found.op, Operator::Greater | Operator::GreaterEqual);
    let mut said = Vec::new();
    for found in all.iter().filter_map(|binary| threshold(binary)).filter(grows) {
        let ExprKind::Binary(quotient) = &found.left.unwrapped().kind else { continue };
        if quotient.op != Operator::Div {
            continue;
        }
        let Some(below) = all_windowed(&quotient.right).into_iter().find(|part| is_gain(part.function)) else { continue };
        let Some(name) = below.selector.metric_name() else { continue };
        let same = metrics(&quotient.left).contains(&name);
        if same || !SEPARATE.contains(&event(name)) || is_guarded(subject.expr, &quotient.right, name) {
            continue;
        }
        let message = format!(
            "the division may be by zero: where {name} does not grow within {}, the quotient is infinite and this fires, or is no number and \
             this is silent",
            below.window
        );
        let way_out = "divide by all that ended, or ask for some of them as well: ... and increase(...) > 0".to_owned();
        said.push((message, way_out));
    }
    said
}

/// Whether the expression asks that there be something to divide by, or the divisor has a floor.
fn is_guarded(expr: &Expr, divisor: &Expr, name: &str) -> bool {
    let has_floor = binaries(divisor).iter().any(|binary| binary.op.is_comparison() || matches!(binary.op, Operator::Or | Operator::Add));
    let conditions = binaries(expr).into_iter().filter_map(threshold);
    let mut asked = conditions.filter(|found| {
        matches!(found.op, Operator::Greater | Operator::GreaterEqual | Operator::NotEqual)
            && !matches!(&found.left.unwrapped().kind, ExprKind::Binary(binary) if binary.op == Operator::Div)
            && metrics(found.left).contains(&name)
    });
    has_floor || asked.next().is_some()
}
