//! Events a second of what happens a few times a day, in a text: nobody reads 0.000278.

use super::hold_beyond_window::is_rare;
use super::shape::{value, windowed};
use super::unit_mismatch::actions;
use super::{Known, Said, Subject};
use crate::promql::{Expr, ExprKind};

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    let Some(alert) = subject.alert() else { return Vec::new() };
    let Some(name) = rate_of_rare(value(subject.expr)) else { return Vec::new() };
    let shows = alert.annotations.iter().find(|(_, text)| actions(text).iter().any(|action| action.names_value()));
    let Some((field, _)) = shows else { return Vec::new() };
    let message = format!("{field} says {name} as events a second: a few an hour read as 0.000833");
    vec![(message, format!("count them: increase({name}[1h]), with the threshold for an hour"))]
}

/// The counter of a rate, alone or added up.
fn rate_of_rare(expr: &Expr) -> Option<&str> {
    match &expr.unwrapped().kind {
        ExprKind::Aggregate(aggregate) if matches!(aggregate.op.as_str(), "sum" | "max" | "avg") => rate_of_rare(&aggregate.expr),
        ExprKind::Call(_) => {
            let part = windowed(expr.unwrapped()).filter(|part| matches!(part.function, "rate" | "irate"))?;
            part.selector.metric_name().filter(|name| is_rare(name))
        }
        _ => None,
    }
}
