//! A text names a label that the expression's series cannot have: it stays empty there.

use std::collections::BTreeSet;

use super::labels;
use super::shape::braces;
use super::{Known, Said, Subject};
use crate::model::suggest::nearest;

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    let Some(alert) = subject.alert() else { return Vec::new() };
    let set = labels::of(subject.expr, known);
    let mut said = Vec::new();
    let mut seen = BTreeSet::new();
    for (field, text) in alert.annotations.iter().chain(alert.labels) {
        for label in named(text).into_iter().filter(|label| set.lacks(label)) {
            if !seen.insert(label.clone()) {
                continue;
            }
            let has = set.may.as_ref().map_or(String::new(), |may| format!(": they have {}", braces(may)));
            let message = format!("{field} names $labels.{label}, which the expression's series never have{has}");
            let near = nearest(&label, set.may.iter().flatten().map(String::as_str));
            let way_out = match near {
                Some(near) => format!("did you mean $labels.{near}?"),
                None => format!("keep {label} in the aggregation or the matching, or leave it out of the text"),
            };
            said.push((message, way_out));
        }
    }
    said
}

/// The labels behind `$labels.` inside actions.
fn named(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for action in super::unit_mismatch::actions(text) {
        for (at, _) in action.text.match_indices("$labels.") {
            let rest = &action.text[at + "$labels.".len()..];
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            found.insert(name);
        }
    }
    found
}
