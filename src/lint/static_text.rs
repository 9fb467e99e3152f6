//! A text that repeats the threshold and hides the value.

use super::shape::conditions;
use super::unit_mismatch::actions;
use super::{Known, Said, Subject};
use crate::model::number::format_fixed;

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    let Some(alert) = subject.alert() else { return Vec::new() };
    let tells = alert.annotations.iter().any(|(_, text)| actions(text).iter().any(|action| action.names_value()));
    if tells {
        return Vec::new();
    }
    let numbers = conditions(subject.expr).into_iter().map(|found| found.number).filter(|number| *number != 0.0);
    for number in numbers {
        let spelt = [format_fixed(number), format_fixed((number * 100.0 * 1e6).round() / 1e6)];
        let repeats = |text: &str| spelt.iter().find(|spelt| has_number(text, spelt)).cloned();
        if let Some((field, spelt)) = alert.annotations.iter().find_map(|(field, text)| Some((field, repeats(text)?))) {
            let message = format!("{field} repeats the threshold ({spelt}) and no text says what the value is");
            return vec![(message, "say it: {{ $value | humanize }}".to_owned())];
        }
    }
    Vec::new()
}

/// The number as a word with a unit behind it, outside actions.
fn has_number(text: &str, number: &str) -> bool {
    let mut plain = text.to_owned();
    for action in actions(text) {
        plain = plain.replace(&format!("{{{{{}}}}}", action.text), " ");
    }
    plain.match_indices(number).any(|(at, _)| {
        let before = plain[..at].chars().next_back();
        let after = &plain[at + number.len()..];
        let alone =
            !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.') && !after.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        alone && ["%", " %", "s ", " s", "ms", " percent"].iter().any(|unit| after.starts_with(unit))
    })
}
