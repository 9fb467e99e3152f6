//! The text's unit is not the value's: "15%" for 0.15 requests a second, or a ratio held against 80.

use super::shape::{Threshold, conditions, is_gain};
use super::unit::{self, Unit};
use super::{Known, Said, Subject};
use crate::model::number::format_fixed;
use crate::promql::token::Operator;
use crate::promql::{Expr, ExprKind};

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    let Some(alert) = subject.alert() else { return Vec::new() };
    let value = unit::of(subject.expr);
    let first = conditions(subject.expr).into_iter().next();
    let mut said: Vec<Said> = threshold(value, first.as_ref()).into_iter().collect();
    for (field, text) in alert.annotations {
        let wanted = actions(text).into_iter().filter_map(|action| Some((action.wants()?, action)));
        for (wants, action) in wanted {
            if let Some(found) = mismatch(field, action.text.trim(), wants, value, first.as_ref()) {
                said.push(found);
            }
        }
    }
    said.dedup();
    said
}

/// A ratio held against more than it can be, or a percentage against a fraction of one.
fn threshold(value: Option<Unit>, first: Option<&Threshold<'_>>) -> Option<Said> {
    let (unit, first) = (value?, first?);
    let number = format_fixed(first.number);
    let grows = matches!(first.op, Operator::Greater | Operator::GreaterEqual);
    match unit {
        // Seconds gained per second are a share of one clock only: eight cores gain eight.
        Unit::Ratio if first.number >= 5.0 && grows && unit::of(first.left) == Some(Unit::Ratio) && !has_rate_of_time(first.left) => {
            Some((format!("the value is {}, and the threshold {number} a percentage", unit.words()), "write 0.8 for 80 %".to_owned()))
        }
        Unit::Percent if first.number > 0.0 && first.number < 1.0 => {
            Some((format!("the value is {}, and the threshold {number} a ratio", unit.words()), "write 80 for 80 %".to_owned()))
        }
        _ => None,
    }
}

/// Whether the value is a rate of seconds itself, not a quotient of two.
fn has_rate_of_time(expr: &Expr) -> bool {
    match &expr.unwrapped().kind {
        ExprKind::Binary(binary) if binary.op == Operator::Div => false,
        ExprKind::Binary(binary) => has_rate_of_time(&binary.left) || has_rate_of_time(&binary.right),
        ExprKind::Aggregate(aggregate) => has_rate_of_time(&aggregate.expr),
        ExprKind::Call(call) => is_gain(call.function.name) || call.args.iter().any(has_rate_of_time),
        _ => false,
    }
}

fn mismatch(field: &str, action: &str, wants: Unit, value: Option<Unit>, first: Option<&Threshold<'_>>) -> Option<Said> {
    let shown = format!("{{{{ {action} }}}}");
    if let Some(value) = value.filter(|value| *value != wants) {
        let message = format!("{field} shows {shown} as {}, but the value is {}", wants.words(), value.words());
        return Some((message, way_out(value)));
    }
    let number = first.map(|first| first.number)?;
    let (is_share, is_percentage) = (number > 0.0 && number < 1.0, number >= 5.0);
    let message = match wants {
        Unit::Ratio if value.is_none() && is_percentage => {
            format!("{field} shows {shown} as {}, but the threshold is {}", wants.words(), format_fixed(number))
        }
        Unit::Percent if value.is_none() && is_share => {
            format!("{field} shows {shown} as {}, but the threshold is {}", wants.words(), format_fixed(number))
        }
        _ => return None,
    };
    let way_out = if wants == Unit::Ratio {
        "humanizePercentage takes 0.8 for 80 %: print the value and a %"
    } else {
        "use humanizePercentage, which takes 0.8 for 80 %"
    };
    Some((message, way_out.to_owned()))
}

fn way_out(value: Unit) -> String {
    match value {
        Unit::Ratio => "{{ $value | humanizePercentage }}",
        Unit::Percent => "{{ $value | humanize }}%",
        Unit::Seconds => "{{ $value | humanizeDuration }}",
        Unit::Bytes => "{{ $value | humanize1024 }}B",
        Unit::BytesPerSecond => "{{ $value | humanize1024 }}B/s",
        Unit::PerSecond => "{{ $value | humanize }}/s; divide by the rate of all for a share",
        Unit::Count => "{{ $value | humanize }}",
        Unit::Time => "{{ $value | humanizeTimestamp }}",
    }
    .to_owned()
}

/// What stands between double braces, and what follows.
pub struct Action<'t> {
    pub text: &'t str,
    after: &'t str,
}

pub fn actions(text: &str) -> Vec<Action<'_>> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((_, tail)) = rest.split_once("{{") {
        let Some((inner, after)) = tail.split_once("}}") else { break };
        found.push(Action { text: inner, after });
        rest = after;
    }
    found
}

impl Action<'_> {
    /// The value itself, not one of a query's.
    pub fn names_value(&self) -> bool {
        self.text.contains("$value") || self.text.contains(".Value")
    }

    /// The value comes out, whatever it is piped through; conditions on it do not count.
    pub fn prints_value(&self) -> bool {
        let words = self.text.trim_matches(|c: char| c == '-' || c.is_whitespace());
        self.names_value()
            && !["if", "else", "with", "range", "template"].iter().any(|word| words.starts_with(word))
            && !words.contains(":=")
    }

    /// The unit that the reader will see.
    fn wants(&self) -> Option<Unit> {
        if !self.prints_value() || self.text.contains("query") {
            return None;
        }
        let has = |word: &str| self.text.split(|c: char| !c.is_ascii_alphanumeric()).any(|found| found == word);
        let computed = self.text.contains("mul") || self.text.contains("div");
        match () {
            () if has("humanizePercentage") => Some(Unit::Ratio),
            () if has("humanizeDuration") => Some(Unit::Seconds),
            () if has("humanizeTimestamp") => Some(Unit::Time),
            () if computed || has("humanize") && !self.after.starts_with(['%', ' ']) => None,
            () if self.after.starts_with('%') || self.after.starts_with(" %") => Some(Unit::Percent),
            () => None,
        }
    }
}
