//! Conditions that exclude each other, and values that cannot be.

use super::shape::{Threshold, binaries, conditions, number};
use super::{Known, Said, Subject};
use crate::model::number::format_fixed;
use crate::promql::token::Operator;
use crate::promql::{ExprKind, print};

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    let mut said = Vec::new();
    for binary in binaries(subject.expr).into_iter().filter(|binary| binary.op.is_comparison()) {
        if [&binary.left, &binary.right].into_iter().any(|side| number(side).is_some_and(f64::is_nan)) && binary.op != Operator::NotEqual {
            let message = "nothing equals NaN, and nothing is less or greater: this never holds".to_owned();
            said.push((message, "x != x holds where x is NaN".to_owned()));
        }
    }
    let all = conditions(subject.expr);
    for (at, a) in all.iter().enumerate() {
        if let ExprKind::Selector(selector) = &a.left.unwrapped().kind
            && selector.metric_name() == Some("up")
            && ![0.0, 1.0].iter().any(|value| holds(*value, a))
        {
            said.push((
                format!("up is 0 or 1: {} {} never holds", a.op.as_str(), format_fixed(a.number)),
                "up == 0 finds what is down".to_owned(),
            ));
        }
        for b in &all[at + 1..] {
            if same(a, b) && excludes(a, b) {
                let (x, y) = (format_fixed(a.number), format_fixed(b.number));
                let message =
                    format!("{} {x} and {} {y} of the same value exclude each other: this never holds", a.op.as_str(), b.op.as_str());
                said.push((message, "use or, or swap the bounds".to_owned()));
            }
        }
    }
    said
}

fn holds(value: f64, condition: &Threshold<'_>) -> bool {
    let bound = condition.number;
    match condition.op {
        Operator::Greater => value > bound,
        Operator::GreaterEqual => value >= bound,
        Operator::Less => value < bound,
        Operator::LessEqual => value <= bound,
        Operator::Equal => value == bound,
        Operator::NotEqual => value != bound,
        _ => true,
    }
}

/// Comparisons of the same expression, also one on top of the other.
fn same(a: &Threshold<'_>, b: &Threshold<'_>) -> bool {
    let value = |found: &Threshold<'_>| print(super::shape::value(found.left));
    value(a) == value(b)
}

fn excludes(a: &Threshold<'_>, b: &Threshold<'_>) -> bool {
    let candidates = [a.number, b.number, (a.number + b.number) / 2.0, a.number.min(b.number) - 1.0, a.number.max(b.number) + 1.0];
    !candidates.iter().any(|value| holds(*value, a) && holds(*value, b))
}
