//! The same case asked at another time: every selector gets `@` the case's own time.

use crate::model::TimestampMs;
use crate::promql::ast::{At, Expr, ExprKind, Modifiers};
use crate::promql::{Features, depends_on_time, parse, print};

/// The rewritten expression and the times to ask it at; none where the answer depends on the evaluation time.
pub fn with_at(source: &str, features: Features, at: TimestampMs) -> Option<(String, Vec<TimestampMs>)> {
    let mut expr = parse(source, features).ok()?;
    let mut unsafe_call = false;
    expr.walk(&mut |e| {
        if let ExprKind::Call(call) = &e.kind {
            unsafe_call |= depends_on_time(call.function.id);
        }
    });
    if unsafe_call {
        return None;
    }
    pin(&mut expr, at);
    let times = if at.0 == 0 { vec![-1000, 0, 1000] } else { vec![-10 * at.0, 0, at.0 / 5, at.0, 10 * at.0] };
    Some((print(&expr), times.into_iter().map(TimestampMs).collect()))
}

fn pin(expr: &mut Expr, at: TimestampMs) {
    let set = |modifiers: &mut Modifiers| {
        modifiers.at.get_or_insert(At::Time(at));
    };
    match &mut expr.kind {
        ExprKind::Number(_) | ExprKind::Text(_) => {}
        ExprKind::Selector(selector) => set(&mut selector.modifiers),
        ExprKind::Range(range) => set(&mut range.selector.modifiers),
        // Selectors inside follow the subquery.
        ExprKind::Subquery(subquery) => set(&mut subquery.modifiers),
        ExprKind::Unary(unary) => pin(&mut unary.expr, at),
        ExprKind::Binary(binary) => {
            pin(&mut binary.left, at);
            pin(&mut binary.right, at);
        }
        ExprKind::Aggregate(aggregate) => {
            pin(&mut aggregate.expr, at);
            aggregate.parameter.iter_mut().for_each(|p| pin(p, at));
        }
        ExprKind::Call(call) => call.args.iter_mut().for_each(|arg| pin(arg, at)),
        ExprKind::Paren(inner) | ExprKind::Invariant(inner) => pin(inner, at),
    }
}
