//! A gauge that is set many times between two scrapes: single NaNs and spikes are not seen.

use super::shape::binaries;
use super::{Known, Said, Subject};
use crate::model::DurationMs;
use crate::promql::token::Operator;
use crate::promql::{ExprKind, print};

/// Words of gauges that a trainer sets with every batch.
const PER_BATCH: [&str; 5] = ["loss", "reward", "grad", "gradient", "perplexity"];
/// Scraped as often as this a step is likely seen.
const OFTEN: DurationMs = DurationMs(5_000);

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    let mut said = Vec::new();
    for binary in binaries(subject.expr).into_iter().filter(|binary| binary.op == Operator::NotEqual) {
        let ExprKind::Selector(selector) = &binary.left.unwrapped().kind else { continue };
        let Some(name) = selector.metric_name().filter(|name| name.split('_').any(|word| PER_BATCH.contains(&word))) else { continue };
        let interval = known.metric(name).and_then(|metric| metric.interval).filter(|interval| *interval > OFTEN);
        if let Some(interval) = interval.filter(|_| print(&binary.left) == print(&binary.right)) {
            let message =
                format!("{name} is set with every batch and scraped every {interval}: a NaN that the next batch overwrites is not seen");
            said.push((message, "count values that are not finite where it is set, or scrape the trainer every second or two".to_owned()));
        }
    }
    said
}
