//! Two vectors whose series can never find each other, since their labels differ.

use super::labels::{self, LabelSet, counts};
use super::shape::{binaries, metrics};
use super::{Known, Said, Subject};
use crate::model::number::quote;
use crate::promql::ast::{Binary, Matching};
use crate::promql::token::Operator;

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    binaries(subject.expr).into_iter().filter(|binary| binary.op != Operator::Or).filter_map(|binary| judge(binary, known)).collect()
}

fn judge(binary: &Binary, known: &Known) -> Option<Said> {
    let matching = binary.matching.as_ref()?;
    if matching.fill_left.is_some() || matching.fill_right.is_some() {
        return None;
    }
    let (left, right) = (labels::of(&binary.left, known), labels::of(&binary.right, known));
    let outcome = if binary.op == Operator::Unless { "unless takes nothing away" } else { "the result is always empty" };
    let sides = |names: [&str; 2]| format!("{} on the left, {} on the right", names[0], names[1]);
    let named = [name(binary, true), name(binary, false)];
    if let Some(label) = lonely(&left, &right, matching) {
        let message = format!("series never match: every one on the left has {label}, none on the right ({}): {outcome}", sides(named));
        return Some((message, way_out(matching, &label)));
    }
    if let Some(label) = lonely(&right, &left, matching) {
        let message = format!("series never match: every one on the right has {label}, none on the left ({}): {outcome}", sides(named));
        return Some((message, way_out(matching, &label)));
    }
    let (label, a, b) = left.must.iter().find_map(|(label, a)| {
        let (a, b) = (a.as_ref()?, right.must.get(label)?.as_ref()?);
        (a != b && counts(matching, label)).then_some((label, a, b))
    })?;
    let message = format!("series never match: {label} is {} on the left and {} on the right: {outcome}", quote(a), quote(b));
    Some((message, way_out(matching, label)))
}

/// A label that all series of one side have and none of the other, and that counts.
fn lonely(with: &LabelSet, without: &LabelSet, matching: &Matching) -> Option<String> {
    with.must.keys().find(|label| counts(matching, label) && without.lacks(label)).cloned()
}

fn way_out(matching: &Matching, label: &str) -> String {
    if matching.on {
        return format!("leave {label} out of on(...)");
    }
    format!("match without it: ignoring({label}), or on(...) the labels that both have")
}

fn name(binary: &Binary, left: bool) -> &str {
    let side = if left { &binary.left } else { &binary.right };
    metrics(side).first().copied().unwrap_or("an expression")
}
