//! A gauge of something that ends is exposed on: what is finished keeps its last value, and its alert.

use super::shape::{conditions, selectors};
use super::{Known, Said, Subject};
use crate::promql::ExprKind;

/// Labels that name things which end.
const ENDING: [&str; 4] = ["job_id", "run_id", "task_id", "experiment_id"];
/// More series than that at once, and some of them have surely ended.
const SERIES_MIN: usize = 20;

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    if subject.alert().is_none() {
        return Vec::new();
    }
    // Whoever asks for more than a level has thought of it.
    let [condition] = conditions(subject.expr)[..] else { return Vec::new() };
    let ExprKind::Selector(selector) = &condition.left.unwrapped().kind else { return Vec::new() };
    let Some(name) = selector.metric_name() else { return Vec::new() };
    let Some(metric) = known.metric(name).filter(|metric| selectors(subject.expr).len() == 1 && metric.series >= SERIES_MIN) else {
        return Vec::new();
    };
    let Some(label) = ENDING.into_iter().find(|label| metric.on_all.contains(*label)) else { return Vec::new() };
    let message = format!("{name} has {} series by {label}: those of finished ones keep their last value, and go on firing", metric.series);
    vec![(message, format!("ask that it still moves: ... and changes({name}[1h]) > 0"))]
}
