//! A group evaluated less often than a sample counts as current: what it records has gaps, and its alerts flap for others.

use super::{Known, Said, Subject};
use crate::model::DurationMs;
use crate::rules::options::RuleOptions;

/// How old a sample may be to count as current, unless `--query.lookback-delta` says otherwise.
const LOOKBACK: DurationMs = DurationMs(300_000);

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    let interval = subject.group.interval;
    if interval <= LOOKBACK {
        return Vec::new();
    }
    let what = match subject.rule() {
        RuleOptions::Recording { record, .. } => record.as_str(),
        RuleOptions::Alerting { .. } => "ALERTS",
    };
    let message = format!("evaluated every {interval}, but a sample counts for {LOOKBACK}: between evaluations {what} is gone");
    vec![(message, format!("evaluate at least every {LOOKBACK}"))]
}
