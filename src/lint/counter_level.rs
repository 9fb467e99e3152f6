//! A counter held against a number: it only grows, so that the alert stays until a restart, and then says nothing of what happens.

use super::shape::{binaries, threshold};
use super::{Known, Said, Subject};
use crate::model::number::format_fixed;
use crate::promql::ExprKind;
use crate::promql::token::Operator;

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    if subject.alert().is_none() {
        return Vec::new();
    }
    let grows = binaries(subject.expr).into_iter().filter_map(threshold);
    let mut said = Vec::new();
    for found in grows.filter(|found| matches!(found.op, Operator::Greater | Operator::GreaterEqual)) {
        let ExprKind::Selector(selector) = &found.left.unwrapped().kind else { continue };
        let Some(name) = selector.metric_name() else { continue };
        let is_counter = known.kind(name).map_or_else(|| name.ends_with("_total"), |kind| kind == "counter");
        if is_counter {
            let bound = format_fixed(found.number);
            let message = format!("{name} only grows: once above {bound} it fires until the process restarts");
            said.push((message, format!("ask what came lately: increase({name}[1h]) > {bound}")));
        }
    }
    said
}
