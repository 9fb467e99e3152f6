//! A label that takes a new value with every step: each value is a series of its own, and old ones linger.

use super::shape::selectors;
use super::{Known, Said, Subject};
use crate::promql::ExprKind;

const ENDLESS: [&str; 9] = ["epoch", "step", "global_step", "iteration", "batch", "request_id", "trace_id", "span_id", "timestamp"];

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    let way_out = |label: &str| format!("make {label} a gauge of its own, and leave it out here");
    let mut said = Vec::new();
    subject.expr.walk(&mut |expr| {
        let ExprKind::Aggregate(aggregate) = &expr.kind else { return };
        let listed = aggregate.grouping.iter().filter(|label| !aggregate.without && ENDLESS.contains(&label.as_str()));
        said.extend(listed.map(|label| {
            let message = format!("groups by {label}, which begins a new series with every value: an alert or a recording for each");
            (message, way_out(label))
        }));
    });
    for name in selectors(subject.expr).iter().filter_map(|selector| selector.metric_name()) {
        let Some(metric) = known.metric(name) else { continue };
        for (label, values) in metric.labels.iter().filter(|(label, values)| ENDLESS.contains(&label.as_str()) && values.len() > 1) {
            let message = format!("{name} has a label {label} with {} values at once: series of the past are still there", values.len());
            said.push((message, way_out(label)));
        }
    }
    said
}
