//! Labels to group by, to match on or to bring along that no series there has.

use super::labels::{self, LabelSet};
use super::shape::{braces, metrics};
use super::{Known, Said, Subject};
use crate::model::suggest::nearest;
use crate::promql::ast::{Aggregate, Binary, Cardinality};
use crate::promql::{Expr, ExprKind};

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    let mut said = Vec::new();
    subject.expr.walk(&mut |expr| match &expr.kind {
        ExprKind::Aggregate(aggregate) if !aggregate.without => said.extend(of_grouping(aggregate, known)),
        ExprKind::Binary(binary) => said.extend(of_matching(binary, known)),
        _ => {}
    });
    said
}

fn of_grouping(aggregate: &Aggregate, known: &Known) -> Vec<Said> {
    let set = labels::of(&aggregate.expr, known);
    let missing = aggregate.grouping.iter().filter(|label| set.lacks(label));
    let said = |label: &String| {
        let message = format!("groups by {label}, which no series of {} has: all of them fall into one group", name(&aggregate.expr));
        (message, way_out(label, &[&set]))
    };
    missing.map(said).collect()
}

fn of_matching(binary: &Binary, known: &Known) -> Vec<Said> {
    let Some(matching) = &binary.matching else { return Vec::new() };
    let (left, right) = (labels::of(&binary.left, known), labels::of(&binary.right, known));
    let mut said = Vec::new();
    for label in matching.labels.iter().filter(|label| matching.on && left.lacks(label) && right.lacks(label)) {
        let message =
            format!("matches on {label}, which neither {} nor {} has: it tells no series apart", name(&binary.left), name(&binary.right));
        said.push((message, way_out(label, &[&left, &right])));
    }
    let (one, named) = match matching.cardinality {
        Cardinality::OneToMany => (&left, name(&binary.left)),
        _ => (&right, name(&binary.right)),
    };
    for label in matching.include.iter().filter(|label| one.lacks(label)) {
        let message = format!("brings {label} along from {named}, which does not have it: the label is taken away");
        said.push((message, way_out(label, &[one])));
    }
    said
}

fn name(expr: &Expr) -> &str {
    metrics(expr).first().copied().unwrap_or("the expression")
}

/// The nearest label that is there, or all.
pub fn way_out(label: &str, sets: &[&LabelSet]) -> String {
    let there: Vec<&String> = sets.iter().filter_map(|set| set.may.as_ref()).flatten().collect();
    match nearest(label, there.iter().map(|label| label.as_str())) {
        Some(near) => format!("did you mean {near}?"),
        None if there.is_empty() => format!("keep {label} in the aggregation below, or leave it out"),
        None => format!("its labels are {}", braces(there)),
    }
}
