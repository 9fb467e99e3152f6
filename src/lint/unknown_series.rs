//! Metrics and labels that no series of the running server has.

use std::collections::BTreeSet;

use super::shape::{braces, selectors};
use super::{Known, Said, Subject};
use crate::model::{METRIC_NAME, MatchOp, suggest::nearest};

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    if known.names.is_empty() {
        return Vec::new();
    }
    let (mut said, mut seen) = (Vec::new(), BTreeSet::new());
    for selector in selectors(subject.expr) {
        let Some(name) = selector.metric_name() else { continue };
        let Some(metric) = known.metric(name) else {
            if seen.insert(name) && !name.starts_with("ALERTS") {
                let asks_quantile = selector.matchers.iter().any(|matcher| matcher.name == "quantile");
                said.push(if asks_quantile && known.kind(name) == Some("summary") {
                    without_quantiles(name)
                } else {
                    missing(name, known)
                });
            }
            continue;
        };
        if metric.is_sample {
            continue;
        }
        for matcher in selector.matchers.iter().filter(|matcher| matcher.name != METRIC_NAME && !matcher.matches_empty()) {
            match metric.labels.get(&matcher.name) {
                None => {
                    let message = format!("no series of {name} has a label {}: {matcher} finds nothing", matcher.name);
                    let all = || format!("its labels are {}", braces(metric.labels.keys()));
                    said.push((message, did_you_mean(&matcher.name, metric.labels.keys()).unwrap_or_else(all)));
                }
                Some(values) if !values.iter().any(|value| matcher.matches(value)) => {
                    let some: Vec<&String> = values.iter().take(10).collect();
                    let near = Some(values)
                        .filter(|_| matcher.op == MatchOp::Equal && matcher.value.parse::<f64>().is_err())
                        .and_then(|values| did_you_mean(&matcher.value, values));
                    let all = || format!("{} has the values {}", matcher.name, braces(some));
                    said.push((format!("no series of {name} matches {matcher} now"), near.unwrap_or_else(all)));
                }
                Some(_) => {}
            }
        }
    }
    said
}

fn did_you_mean<'n>(written: &str, there: impl IntoIterator<Item = &'n String>) -> Option<String> {
    nearest(written, there.into_iter().map(String::as_str)).map(|near| format!("did you mean {near}?"))
}

/// Its sum and count are there.
fn without_quantiles(name: &str) -> Said {
    let message = format!("the summary {name} has no quantiles: clients such as Python's give it a sum and a count only");
    (message, "make it a histogram, and ask histogram_quantile()".to_owned())
}

fn missing(name: &str, known: &Known) -> Said {
    let message = format!("there is no series of {name} on the server now");
    let with = |end: &str| known.names.iter().find(|other| **other == format!("{name}{end}")).cloned();
    let near = ["_total", "_count", "_bucket"].iter().find_map(|end| with(end));
    let way_out = match near.or_else(|| nearest(name, known.names.iter().map(String::as_str)).map(str::to_owned)) {
        Some(near) => format!("did you mean {near}?"),
        None => "it may come with the first event; if not, look at what the target exposes".to_owned(),
    };
    (message, way_out)
}
