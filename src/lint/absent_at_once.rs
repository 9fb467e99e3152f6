//! `absent` without `for`: it holds at every start, before the first scrape, and whenever one is missed.

use super::shape::call;
use super::{Known, Said, Subject};
use crate::model::DurationMs;
use crate::promql::ExprKind;

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    if subject.alert().is_none_or(|alert| alert.hold != DurationMs::ZERO) {
        return Vec::new();
    }
    let mut value = subject.expr.unwrapped();
    while let ExprKind::Binary(binary) = &value.kind
        && super::shape::threshold(binary).is_some()
    {
        value = binary.left.unwrapped();
    }
    if call(value, "absent").is_none() {
        return Vec::new();
    }
    let message = "absent() holds at every start of the server, before the first scrape, and this fires at once".to_owned();
    vec![(message, "wait for a few scrapes: for: 5m".to_owned())]
}
