//! Rules that read more at every evaluation than a server bears for long: with the numbers of series that it has now.

use super::{Known, Said, Subject};
use crate::model::DurationMs;
use crate::promql::ast::Selector;
use crate::promql::{Expr, ExprKind};

/// Samples of one evaluation: a tenth of what `--query.max-samples` allows one query by default.
const SAMPLES_MAX: u64 = 5_000_000;
/// Series of one evaluation.
const SERIES_MAX: u64 = 100_000;
/// Between samples, where it is not known.
const USUAL_INTERVAL: DurationMs = DurationMs(15_000);
/// Of a subquery that states none: the global evaluation interval.
const USUAL_STEP: DurationMs = DurationMs(60_000);

#[derive(Default)]
struct Read {
    series: u64,
    samples: u64,
}

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    let mut read = Read::default();
    add(subject.expr, 1, known, &mut read);
    if read.samples < SAMPLES_MAX && read.series < SERIES_MAX {
        return Vec::new();
    }
    let interval = subject.group.interval;
    let message = format!("reads about {} samples of {} series, every {interval}", rounded(read.samples), rounded(read.series));
    let way_out = if read.samples / 10 > read.series {
        "a long window over a recorded sum costs a fraction: record the sum, and look back on that"
    } else {
        "choose fewer series by labels, or evaluate less often"
    };
    vec![(message, way_out.to_owned())]
}

/// Adds what an expression reads when it is evaluated `times` times.
fn add(expr: &Expr, times: u64, known: &Known, read: &mut Read) {
    let mut count = |selector: &Selector, each: u64| {
        let series = known.count(selector);
        read.series = read.series.saturating_add(series);
        read.samples = read.samples.saturating_add(series.saturating_mul(each).saturating_mul(times));
    };
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Text(_) => {}
        ExprKind::Selector(selector) => count(selector, 1),
        ExprKind::Range(range) => {
            let asked = range.selector.metric_name().and_then(|name| known.metric(name)?.interval);
            count(&range.selector, quotient(range.range.fixed(), asked.unwrap_or(USUAL_INTERVAL)));
        }
        ExprKind::Subquery(subquery) => {
            let step = subquery.step.as_ref().map_or(USUAL_STEP, |step| step.fixed());
            add(&subquery.expr, times.saturating_mul(quotient(subquery.range.fixed(), step)), known, read);
        }
        ExprKind::Unary(unary) => add(&unary.expr, times, known, read),
        ExprKind::Paren(inner) | ExprKind::Invariant(inner) => add(inner, times, known, read),
        ExprKind::Aggregate(aggregate) => add(&aggregate.expr, times, known, read),
        ExprKind::Call(call) => call.args.iter().for_each(|arg| add(arg, times, known, read)),
        ExprKind::Binary(binary) => {
            add(&binary.left, times, known, read);
            add(&binary.right, times, known, read);
        }
    }
}

/// A number as a reader takes it in.
fn rounded(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{} thousand", number / 1_000),
        1_000_000..1_000_000_000 => format!("{} million", number / 1_000_000),
        _ => format!("{} billion", number / 1_000_000_000),
    }
}

/// How many times the one goes into the other, at least once.
fn quotient(length: DurationMs, step: DurationMs) -> u64 {
    u64::try_from(length.0 / step.0.max(1)).unwrap_or(0).max(1)
}
