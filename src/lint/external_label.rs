//! External labels that the server does not have, and labels of rules that hide those that it has.

use std::collections::BTreeSet;

use super::{Known, Said, Subject};

/// How texts name an external label.
const WAYS: [&str; 2] = ["$externalLabels.", ".ExternalLabels."];

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    let (Some(external), Some(alert)) = (&known.external_labels, subject.alert()) else { return Vec::new() };
    let (mut said, mut seen) = (Vec::new(), BTreeSet::new());
    for (field, text) in alert.annotations.iter().chain(alert.labels) {
        for label in named(text).into_iter().filter(|label| !external.contains(label)) {
            if seen.insert(label.clone()) {
                let message = format!("{field} names the external label {label}, which the server does not have: it stays empty");
                said.push((message, format!("set global.external_labels.{label}, or leave it out of the text")));
            }
        }
    }
    for (label, _) in alert.labels.iter().chain(&subject.group.labels).filter(|(label, _)| external.iter().any(|one| one == label)) {
        if seen.insert(label.to_owned()) {
            let message = format!("the label {label} hides the external label {label}: whoever is told cannot see where it comes from");
            said.push((message, "name the rule's label otherwise".to_owned()));
        }
    }
    said
}

fn named(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for action in super::unit_mismatch::actions(text) {
        for way in WAYS {
            for (at, _) in action.text.match_indices(way) {
                let rest = &action.text[at + way.len()..];
                found.insert(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
            }
        }
    }
    found
}
