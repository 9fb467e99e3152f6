//! `topk` and its kin in an alert: who is among them changes from one evaluation to the next, and each change ends one alert and begins another.

use super::{Known, Said, Subject};
use crate::promql::ExprKind;
use crate::promql::token::Aggregator;

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    if subject.alert().is_none() {
        return Vec::new();
    }
    let ExprKind::Aggregate(aggregate) = &super::shape::value(subject.expr).kind else { return Vec::new() };
    if !matches!(aggregate.op, Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk | Aggregator::LimitRatio) {
        return Vec::new();
    }
    let name = aggregate.op.as_str();
    let message = format!("who is in {name}() changes from one evaluation to the next: alerts flap, and for begins anew each time");
    vec![(message, "alert on the value, and leave the order to a dashboard".to_owned())]
}
