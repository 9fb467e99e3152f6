//! Windows and offsets that reach behind what the server keeps.

use super::{Known, Said, Subject};
use crate::model::DurationMs;
use crate::promql::ExprKind;

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    let Some(retention) = known.retention else { return Vec::new() };
    let mut longest = DurationMs::ZERO;
    subject.expr.walk(&mut |expr| {
        let reach = match &expr.kind {
            ExprKind::Selector(selector) => selector.modifiers.offset.fixed(),
            ExprKind::Range(range) => DurationMs(range.range.fixed().0.saturating_add(range.selector.modifiers.offset.fixed().0)),
            ExprKind::Subquery(subquery) => DurationMs(subquery.range.fixed().0.saturating_add(subquery.modifiers.offset.fixed().0)),
            _ => DurationMs::ZERO,
        };
        longest = longest.max(reach);
    });
    if longest <= retention {
        return Vec::new();
    }
    let message = format!("looks back {longest}, and the server keeps {retention}: the rest of the window is always empty");
    vec![(message, "record the figure and look back on that, or keep more: --storage.tsdb.retention.time".to_owned())]
}
