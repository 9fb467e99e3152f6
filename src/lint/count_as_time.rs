//! `time()` minus a count: the difference is always over fifty years.

use super::shape::{binaries, call, metrics};
use super::{Known, Said, Subject};
use crate::promql::token::Operator;

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    let differences = binaries(subject.expr).into_iter().filter(|binary| binary.op == Operator::Sub);
    let counts = differences.filter(|binary| call(&binary.left, "time").is_some()).filter_map(|binary| {
        let name = *metrics(&binary.right).first()?;
        let is_count = name.ends_with("_total") || name.ends_with("_count") || known.kind(name) == Some("counter");
        (is_count && !name.contains("seconds") && !name.contains("timestamp")).then_some(name)
    });
    let said = |name: &str| {
        let message = format!("time() minus {name} takes a count for a point in time: the difference is always huge");
        (message, "subtract a gauge that holds a Unix time, as ..._start_time_seconds or ..._timestamp_seconds".to_owned())
    };
    counts.map(said).collect()
}
