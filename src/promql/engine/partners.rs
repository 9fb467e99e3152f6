//! Why the two sides of an operator do not meet: which labels keep them apart, or that they have values at other times.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::explain::Row;
use super::reason::listed;
use crate::model::number::quote;
use crate::model::{METRIC_NAME, TimestampMs};
use crate::promql::ast::Matching;
use crate::promql::limits::EXPLAINED_PAIRS_MAX;
use crate::promql::token::Operator;

type Signature<'r> = Vec<(&'r str, &'r str)>;

fn signature<'r>(row: &'r Row, counts: &dyn Fn(&str) -> bool) -> Signature<'r> {
    row.labels.iter().filter(|(name, _)| counts(name)).collect()
}

/// The values of a label, the empty one where a series lacks it.
fn values<'r>(rows: &'r [Row], name: &str) -> BTreeSet<&'r str> {
    rows.iter().map(|row| row.labels.get(name).unwrap_or("")).collect()
}

/// What keeps two sides apart, neither of which is empty; none where partners meet.
pub(super) fn unmatched(op: Operator, matching: &Matching, left: &[Row], right: &[Row]) -> Option<String> {
    let compared = |name: &str| if matching.on { matching.labels.iter().any(|l| l == name) } else { is_compared(matching, name) };
    match meeting(left, right, &compared) {
        Meeting::Meet => return None,
        Meeting::AtOtherTimes(text) => return Some(text),
        Meeting::Apart => {}
    }
    let mut names: BTreeSet<&str> = left.iter().chain(right).flat_map(|row| row.labels.iter().map(|(name, _)| name)).collect();
    names.extend(matching.labels.iter().filter(|_| matching.on).map(String::as_str));
    names.remove(METRIC_NAME);
    let (mut differ, mut common) = (Vec::new(), Vec::new());
    for name in names {
        let (on_left, on_right) = (values(left, name), values(right, name));
        if on_left.intersection(&on_right).any(|value| !value.is_empty()) {
            common.push(name);
        } else if compared(name) {
            differ.push(difference(name, &on_left, &on_right));
        }
    }
    let mut text = "no series of the left has a partner on the right".to_owned();
    if differ.is_empty() {
        text.push_str(": each label has values on both sides, but no series have all of them in common");
        if let Some(nearest) = nearest_pair(left, right, &compared) {
            text.push_str(&format!("; the nearest pair differs in {nearest}"));
        }
    } else {
        text.push_str(&format!(": {}", differ.join("; ")));
    }
    if !common.is_empty() && !differ.is_empty() {
        text.push_str(&format!("; match by what they share: on ({}){}", common.join(", "), cardinality(op, left, right, &common)));
    }
    Some(text)
}

fn is_compared(matching: &Matching, name: &str) -> bool {
    name != METRIC_NAME && !matching.labels.iter().any(|l| l == name)
}

/// Whether series have partners.
enum Meeting {
    Meet,
    /// With a sentence that says when each side has values.
    AtOtherTimes(String),
    Apart,
}

fn meeting(left: &[Row], right: &[Row], compared: &dyn Fn(&str) -> bool) -> Meeting {
    let mut times: HashMap<Signature<'_>, HashSet<i64>> = HashMap::new();
    for row in right {
        times.entry(signature(row, compared)).or_default().extend(row.times());
    }
    let (mut of_left, mut of_right) = (Vec::new(), Vec::new());
    for row in left {
        let Some(partners) = times.get(&signature(row, compared)) else { continue };
        if row.times().any(|at| partners.contains(&at)) {
            return Meeting::Meet;
        }
        of_left.extend(row.times());
        of_right.extend(partners.iter().copied());
    }
    let span = |times: &[i64]| {
        Some(format!("from {} to {}", TimestampMs(*times.iter().min()?).rfc3339(), TimestampMs(*times.iter().max()?).rfc3339()))
    };
    match (span(&of_left), span(&of_right)) {
        (Some(on_left), Some(on_right)) => Meeting::AtOtherTimes(format!(
            "series have partners, but never at the same time: the left has values {on_left}, the right {on_right}"
        )),
        _ => Meeting::Apart,
    }
}

fn difference(name: &str, on_left: &BTreeSet<&str>, on_right: &BTreeSet<&str>) -> String {
    let mut text = match (on_left.iter().all(|v| v.is_empty()), on_right.iter().all(|v| v.is_empty())) {
        (true, true) => return format!("{name} is on neither side"),
        (true, false) => return format!("{name} is on the right only"),
        (false, true) => return format!("{name} is on the left only"),
        _ => format!("{name} is {} on the left and {} on the right", listed(on_left), listed(on_right)),
    };
    let has_port = |long: &BTreeSet<&str>, short: &BTreeSet<&str>| {
        long.iter().any(|value| value.rsplit_once(':').is_some_and(|(host, _)| !host.is_empty() && short.contains(host)))
    };
    for (side, long, short) in [("left", on_left, on_right), ("right", on_right, on_left)] {
        if has_port(long, short) {
            text.push_str(&format!(" (cut the port on the {side}: label_replace(..., \"{name}\", \"$1\", \"{name}\", \"(.*):.*\"))"));
        }
    }
    text
}

/// What has to stand behind `on (...)`, if anything.
fn cardinality(op: Operator, left: &[Row], right: &[Row], common: &[&str]) -> String {
    if op.is_set() {
        return String::new();
    }
    let most = |rows: &[Row]| {
        let mut counts: HashMap<Signature<'_>, usize> = HashMap::new();
        for row in rows {
            *counts.entry(signature(row, &|name| common.contains(&name))).or_default() += 1;
        }
        counts.values().copied().max().unwrap_or(0)
    };
    match (most(left) > 1, most(right) > 1) {
        (false, false) => String::new(),
        (true, false) => " group_left ()".to_owned(),
        (false, true) => " group_right ()".to_owned(),
        (true, true) => format!(", with one side aggregated first: sum by ({}) (...)", common.join(", ")),
    }
}

/// The labels in which the two series differ that differ in fewest.
fn nearest_pair(left: &[Row], right: &[Row], compared: &dyn Fn(&str) -> bool) -> Option<String> {
    let mut best: Option<Vec<String>> = None;
    for one in left.iter().take(EXPLAINED_PAIRS_MAX) {
        for other in right.iter().take(EXPLAINED_PAIRS_MAX) {
            let names: BTreeSet<&str> =
                one.labels.iter().chain(other.labels.iter()).map(|(name, _)| name).filter(|name| compared(name)).collect();
            let value = |row: &Row, name: &str| quote(row.labels.get(name).unwrap_or(""));
            let differ: Vec<String> = names
                .into_iter()
                .filter(|name| one.labels.get(name).unwrap_or("") != other.labels.get(name).unwrap_or(""))
                .map(|name| format!("{name} ({} on the left, {} on the right)", value(one, name), value(other, name)))
                .collect();
            if best.as_ref().is_none_or(|known| differ.len() < known.len()) {
                best = Some(differ);
            }
        }
    }
    best.filter(|differ| !differ.is_empty()).map(|differ| differ.join(" and "))
}
