//! `for` at least as long as the window of a rare event: one event holds the condition no longer than the window, so that it never fires.

use super::shape::{Threshold, all_windowed, conditions, is_gain, long, windowed};
use super::{Known, Said, Subject};
use crate::promql::token::Operator;
use crate::promql::{Expr, ExprKind};

/// Things that happen now and then, as names of counters have them.
const RARE: [&str; 21] = [
    "job",
    "jobs",
    "run",
    "runs",
    "backup",
    "backups",
    "reload",
    "reloads",
    "compaction",
    "compactions",
    "checkpoint",
    "checkpoints",
    "restart",
    "restarts",
    "crash",
    "crashes",
    "oom",
    "kills",
    "deploys",
    "snapshots",
    "migrations",
];

/// Whether a counter's name is that of something that happens now and then.
pub fn is_rare(name: &str) -> bool {
    name.split('_').any(|word| RARE.contains(&word))
}

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    let Some(alert) = subject.alert() else { return Vec::new() };
    let windows = all_windowed(subject.expr);
    let counters = windows.iter().filter(|part| is_gain(part.function) || matches!(part.function, "changes" | "resets"));
    // With a longer window beside it, it is that one which holds.
    let Some(longest) = counters.max_by_key(|part| part.window) else { return Vec::new() };
    let Some(name) = longest.selector.metric_name().filter(|name| is_rare(name)) else {
        return Vec::new();
    };
    if alert.hold < longest.window || alert.hold.0 == 0 || asks_for_several(subject) {
        return Vec::new();
    }
    let (hold, window) = (long(alert.hold), long(longest.window));
    let message = format!(
        "for: {hold} is not shorter than the window of {window}: a single event of {name} is seen for {window} at most, so this fires only \
         while they keep coming"
    );
    vec![(message, format!("use a window longer than {hold}, as increase({name}[1h]), or a shorter for"))]
}

/// More than one event in the window: whoever asks for that wants to hear while they keep coming.
fn asks_for_several(subject: &Subject<'_>) -> bool {
    let counted = |expr| windowed(inner(expr)).is_some_and(|part| matches!(part.function, "increase" | "changes" | "resets"));
    let several = |found: &Threshold<'_>| match found.op {
        Operator::Greater => found.number >= 1.0,
        Operator::GreaterEqual => found.number > 1.0,
        _ => false,
    };
    conditions(subject.expr).iter().any(|found| several(found) && counted(found.left))
}

/// Below aggregations.
fn inner(expr: &Expr) -> &Expr {
    match &expr.unwrapped().kind {
        ExprKind::Aggregate(aggregate) => inner(&aggregate.expr),
        _ => expr.unwrapped(),
    }
}
