//! A rule that reads what a later rule of its group records sees the value of the evaluation before.

use super::{Known, Said, Subject};
use crate::promql::{Expr, ExprKind};
use crate::rules::options::RuleOptions;

/// Names of metrics whose newest value counts: in a window of many, one more or less does not.
fn read_now(expr: &Expr) -> Vec<&str> {
    let mut found = Vec::new();
    expr.walk(&mut |expr| {
        if let ExprKind::Selector(selector) = &expr.kind
            && selector.modifiers.offset.fixed().0 == 0
        {
            found.extend(selector.metric_name());
        }
    });
    found
}

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    let read = read_now(subject.expr);
    let recorded = |rule: &RuleOptions| match rule {
        RuleOptions::Recording { record, .. } => read.contains(&record.as_str()).then(|| record.clone()),
        RuleOptions::Alerting { .. } => None,
    };
    let before: Vec<String> = subject.group.rules[..=subject.place].iter().filter_map(recorded).collect();
    let mut after: Vec<String> = subject.group.rules[subject.place + 1..].iter().filter_map(recorded).collect();
    after.retain(|name| !before.contains(name));
    after.dedup();
    let said = |name: String| {
        let message = format!("reads {name}, which a later rule of the group records: it sees the value of the evaluation before");
        (message, format!("move the rule that records {name} before this one"))
    };
    after.into_iter().map(said).collect()
}
