//! Windows that are too short: for two scrapes, or for what the histogram measures.

use super::shape::{all_windowed, is_gain, long};
use super::{Known, Said, Subject};
use crate::model::DurationMs;

/// Where no server was asked: the interval of most configurations.
const USUAL_INTERVAL: DurationMs = DurationMs(15_000);

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    let mut said = Vec::new();
    for part in all_windowed(subject.expr) {
        let name = part.selector.metric_name().unwrap_or("the metric");
        let metric = known.metric(name);
        let asked = metric.and_then(|metric| metric.interval);
        let interval = asked.unwrap_or(USUAL_INTERVAL);
        let needs_two = is_gain(part.function) || matches!(part.function, "delta" | "idelta" | "deriv" | "predict_linear" | "changes");
        if needs_two && part.window.0 > 0 && part.window.0 < interval.0.saturating_mul(2) {
            let (window, interval) = (long(part.window), long(interval));
            let said_by = if asked.is_some() { "is scraped" } else { "is usually scraped" };
            let message =
                format!("{}() needs two samples within {window}, but {name} {said_by} every {interval}: gaps, or nothing", part.function);
            said.push((message, format!("use a window of four scrapes: {name}[{}]", long(DurationMs(4 * interval_of(asked).0)))));
        }
        let bounds = metric.and_then(|metric| metric.labels.get("le")).filter(|_| is_gain(part.function));
        let largest = bounds.into_iter().flatten().filter_map(|bound| bound.parse::<f64>().ok()).filter(|bound| bound.is_finite());
        let largest = largest.fold(0.0, f64::max);
        if name.contains("seconds") && largest * 1000.0 >= part.window.0 as f64 {
            let window = long(part.window);
            let message =
                format!("{name} measures what lasts up to {largest} s, and the window is {window}: it holds one observation or none");
            said.push((message, format!("use a window of several times {largest} s")));
        }
    }
    said
}

fn interval_of(asked: Option<DurationMs>) -> DurationMs {
    asked.unwrap_or(USUAL_INTERVAL)
}
