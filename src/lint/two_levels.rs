//! A warning with an upper bound where a critical alert begins: crossing it says "resolved" before the critical one fires.

use super::shape::{conditions, value};
use super::{Known, Said, Subject};
use crate::model::number::format_fixed;
use crate::promql::token::Operator;
use crate::promql::{Expr, print};
use crate::rules::options::RuleOptions;

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    if subject.alert().is_none() {
        return Vec::new();
    }
    let all = conditions(subject.expr);
    let rises = |op: Operator| matches!(op, Operator::Greater | Operator::GreaterEqual);
    let caps = |op: Operator| matches!(op, Operator::Less | Operator::LessEqual);
    let own = print(value(subject.expr));
    let Some(upper) = all.iter().find(|found| caps(found.op) && print(value(found.left)) == own) else { return Vec::new() };
    let is_range = all.iter().any(|found| rises(found.op) && found.number < upper.number && print(value(found.left)) == own);
    let above = |expr: &Expr| {
        let found = conditions(expr);
        matches!(found[..], [one] if rises(one.op) && one.number == upper.number && print(value(one.left)) == own)
    };
    let mut others = subject.parsed.iter().zip(&subject.group.rules).enumerate().filter(|(place, _)| *place != subject.place);
    let next = others.find_map(|(_, (parsed, rule))| match rule {
        RuleOptions::Alerting { alert, .. } if parsed.as_ref().is_some_and(|parsed| above(&parsed.expr)) => Some(alert),
        _ => None,
    });
    let Some(next) = next.filter(|_| is_range) else { return Vec::new() };
    let bound = format_fixed(upper.number);
    let message = format!("crossing {bound} announces this one as resolved, before {next} fires");
    vec![(message, format!("leave the upper bound out, and let {next} mute this alert by an inhibit rule"))]
}
