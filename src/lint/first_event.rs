//! A counter with labels begins with its first event, at one: what it gained then is in no rate and no increase.

use super::hold_beyond_window::is_rare;
use super::shape::{conditions, is_gain, windowed};
use super::{Known, Said, Subject};
use crate::promql::token::Operator;
use crate::promql::{Expr, ExprKind};

/// Labels that a target gives to all that it exposes.
pub const OF_TARGETS: [&str; 7] = ["job", "instance", "le", "namespace", "pod", "node", "cluster"];

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    if subject.alert().is_none() {
        return Vec::new();
    }
    // Whoever asks for more than any gain at all waits for a second event anyway.
    let any = conditions(subject.expr).into_iter().filter(|found| found.op == Operator::Greater && found.number == 0.0);
    let mut said = Vec::new();
    for name in any.filter_map(|found| gained(found.left)).filter(|name| is_rare(name)) {
        let Some(metric) = known.metric(name) else { continue };
        let Some(label) = metric.labels.keys().find(|label| !OF_TARGETS.contains(&label.as_str())) else { continue };
        let message = format!("{name} has a series for each {label}, which begins at 1 with the first event: that one is never seen here");
        let way_out =
            format!("begin each series at 0 where it is made, or also ask for what is new: ... or ({name} unless {name} offset 10m)");
        said.push((message, way_out));
    }
    said
}

fn gained(expr: &Expr) -> Option<&str> {
    match &expr.unwrapped().kind {
        ExprKind::Aggregate(aggregate) => gained(&aggregate.expr),
        _ => windowed(expr.unwrapped()).filter(|part| is_gain(part.function))?.selector.metric_name(),
    }
}
