//! The range of time whose samples a query can touch.

use crate::model::{TimeRange, TimestampMs};
use crate::promql::ast::{Expr, ExprKind};
use crate::promql::eval::reference;
use crate::promql::eval::steps::Steps;

/// Both ends included; a query that reads nothing asks for a single moment.
pub fn of(expr: &Expr, steps: &Steps, lookback: i64) -> TimeRange {
    let mut range = None;
    visit(expr, (steps.start, steps.end()), lookback, &mut range);
    let (min, max) = range.unwrap_or((steps.start, steps.start));
    TimeRange::new(TimestampMs(min), TimestampMs(max))
}

fn visit(expr: &Expr, (start, end): (i64, i64), lookback: i64, range: &mut Option<(i64, i64)>) {
    let mut grow = |min: i64, max: i64| {
        let (low, high) = range.unwrap_or((min, max));
        *range = Some((low.min(min), high.max(max)));
    };
    match &expr.kind {
        ExprKind::Selector(selector) => {
            let (start, end) = (reference(&selector.modifiers, start), reference(&selector.modifiers, end));
            // Smoothed selectors look past the end, too.
            let ahead = if selector.smoothed { lookback } else { 0 };
            grow(start.saturating_sub(lookback), end.saturating_add(ahead));
        }
        ExprKind::Range(inner) => {
            let selector = &inner.selector;
            let (start, end) = (reference(&selector.modifiers, start), reference(&selector.modifiers, end));
            let (behind, ahead) = match (selector.anchored, selector.smoothed) {
                (true, _) => (lookback, 0),
                (_, true) => (lookback, lookback),
                _ => (0, 0),
            };
            grow(start.saturating_sub(inner.range.fixed().0).saturating_sub(behind), end.saturating_add(ahead));
        }
        ExprKind::Subquery(subquery) => {
            let (start, end) = (reference(&subquery.modifiers, start), reference(&subquery.modifiers, end));
            visit(&subquery.expr, (start.saturating_sub(subquery.range.fixed().0), end), lookback, range);
        }
        _ => {
            for child in expr.children() {
                visit(child, (start, end), lookback, range);
            }
        }
    }
}
