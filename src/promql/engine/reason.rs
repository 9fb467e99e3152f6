//! Why nothing came out: descends to the first part that became empty though what it was given was not, and says why.

use std::collections::BTreeSet;

use super::explain::{Explainer, call, parts_of};
use crate::model::number::format_sample;
use crate::model::{DurationMs, Labels, METRIC_NAME};
use crate::promql::ast::{Binary, Call, Expr, ExprKind, RangeSelector};
use crate::promql::error::QueryError;
use crate::promql::eval::steps::Steps;
use crate::promql::explain::{Emptiness, Reason};
use crate::promql::functions::FunctionId;
use crate::promql::limits::EXPLAINED_VALUES_MAX;
use crate::promql::print;
use crate::promql::token::Operator;

impl Explainer<'_> {
    /// The place at which an expression that yields nothing became empty.
    pub(super) fn blame(&self, expr: &Expr, steps: &Steps) -> Result<Option<Emptiness>, QueryError> {
        let expr = expr.unwrapped();
        let (reason, text) = match &expr.kind {
            ExprKind::Number(_) | ExprKind::Text(_) => return Ok(None),
            ExprKind::Selector(selector) => self.of_selection(selector, None, steps)?,
            ExprKind::Range(range) => self.of_selection(&range.selector, Some(range.range.fixed()), steps)?,
            _ => {
                let inner = self.steps_of_parts(expr, steps);
                if let Some(guilty) = self.empty_part(expr, &inner)? {
                    return self.blame(guilty, &inner);
                }
                match &expr.kind {
                    ExprKind::Binary(binary) => self.of_binary(binary, steps)?,
                    ExprKind::Call(call) => self.of_call(call, steps)?,
                    ExprKind::Aggregate(_) => other("the aggregation keeps none of the series: is its parameter below 1?"),
                    ExprKind::Subquery(_) => {
                        other("no step of the subquery lies in the window: make the window longer or the step shorter")
                    }
                    _ => other("nothing is left of what goes in"),
                }
            }
        };
        Ok(Some(Emptiness { expr: print(expr), span: expr.span, reason, text }))
    }

    /// The part whose emptiness makes the whole empty.
    fn empty_part<'e>(&self, expr: &'e Expr, steps: &Steps) -> Result<Option<&'e Expr>, QueryError> {
        let parts = parts_of(expr);
        let wanted = match &expr.kind {
            ExprKind::Binary(binary) if binary.op == Operator::Unless => 1,
            _ => parts.len(),
        };
        for part in parts.into_iter().take(wanted) {
            if self.is_empty(part, steps)? {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }

    fn of_call(&self, call: &Call, steps: &Steps) -> Result<(Reason, String), QueryError> {
        use FunctionId as F;
        let arg = call.args.iter().map(Expr::unwrapped).find(|arg| !matches!(arg.kind, ExprKind::Number(_) | ExprKind::Text(_)));
        Ok(match (call.function.id, arg) {
            (F::Absent | F::AbsentOverTime, _) => (
                Reason::PresentAfterAll,
                format!("{} yields something only where there is nothing, and there is something", call.function.name),
            ),
            (F::HistogramQuantile | F::HistogramFraction | F::HistogramQuantiles, _) => (
                Reason::NoBuckets,
                "no series has a label \"le\" with a number: pass the _bucket series, and keep le when summing: sum by (le) (...)"
                    .to_owned(),
            ),
            (F::Clamp, _) => other("the least value is above the largest"),
            (_, Some(Expr { kind: ExprKind::Range(range), .. })) => self.of_window(call.function.name, range, steps)?,
            (_, Some(Expr { kind: ExprKind::Subquery(subquery), .. })) => (
                Reason::TooFewSamples,
                format!(
                    "{} needs two points in a window; the subquery's {} with its step give fewer",
                    call.function.name,
                    subquery.range.fixed()
                ),
            ),
            _ => other("the function takes all series away"),
        })
    }

    /// A window that holds something, but not enough.
    fn of_window(&self, function: &str, range: &RangeSelector, steps: &Steps) -> Result<(Reason, String), QueryError> {
        let window = range.range.fixed();
        let whole = Expr::new(ExprKind::Range(Box::new(range.clone())), range.selector_span);
        let most = self.most(&call("count_over_time", &whole), steps)?;
        let mut text = format!("{function} needs two samples in a window; {window} holds at most {most}");
        if let Some(apart) = self.samples_apart(range, steps)? {
            let better = DurationMs(apart.0.saturating_mul(4));
            text.push_str(&format!(": samples are about {apart} apart, so use [{better}] or longer"));
        }
        Ok((Reason::TooFewSamples, text))
    }

    /// About how far apart the samples of a selector are; none where too few can be found. Time in which nothing was scraped counts
    /// little: what came last is asked by itself, too.
    pub(super) fn samples_apart(&self, range: &RangeSelector, steps: &Steps) -> Result<Option<DurationMs>, QueryError> {
        let wide = range.range.fixed().0.saturating_mul(20);
        let mut least: Option<DurationMs> = None;
        for reach in [wide, wide.max(3_600_000)] {
            let apart = self.mean_apart(range, DurationMs(reach), steps)?;
            least = [least, apart].into_iter().flatten().min();
        }
        Ok(least)
    }

    /// The mean over so much time before the last step.
    fn mean_apart(&self, range: &RangeSelector, reach: DurationMs, steps: &Steps) -> Result<Option<DurationMs>, QueryError> {
        let mut wide = range.clone();
        wide.range = crate::promql::ast::Length::Fixed(reach);
        let wide = Expr::new(ExprKind::Range(Box::new(wide)), range.selector_span);
        let last = Steps { start: steps.end(), count: 1, ..*steps };
        let count = self.most(&call("count_over_time", &wide), &last)?;
        let spread = self.most(&Expr::new(difference_of_times(&wide), range.selector_span), &last)?;
        let seconds = spread / (count - 1.0);
        Ok((count >= 2.0 && seconds > 0.0).then(|| DurationMs(round_duration((seconds * 1000.0) as i64))))
    }

    fn most(&self, expr: &Expr, steps: &Steps) -> Result<f64, QueryError> {
        Ok(self.series(expr, steps)?.into_iter().flat_map(|(_, values)| values).fold(0.0, f64::max))
    }

    fn of_binary(&self, binary: &Binary, steps: &Steps) -> Result<(Reason, String), QueryError> {
        let (left, right) = (self.series(&binary.left, steps)?, self.series(&binary.right, steps)?);
        if binary.op == Operator::Unless {
            let text =
                format!("each of the {} series on the left has a partner on the right, and unless keeps only those without", left.len());
            return Ok((Reason::NoMatch, text));
        }
        if binary.op.is_comparison() && !binary.returns_bool {
            let mut with_bool = binary.clone();
            with_bool.returns_bool = true;
            let with_bool = Expr::new(ExprKind::Binary(Box::new(with_bool)), binary.op_span);
            if !self.is_empty(&with_bool, steps)? {
                return Ok((Reason::FilteredByComparison, filtered(binary, &left, &right)));
            }
        }
        Ok((Reason::NoMatch, unmatched(binary, &left, &right)))
    }
}

fn other(text: &str) -> (Reason, String) {
    (Reason::Other, text.to_owned())
}

/// `ts_of_last_over_time(x) - ts_of_first_over_time(x)`, in seconds.
fn difference_of_times(range: &Expr) -> ExprKind {
    let (left, right) = (call("ts_of_last_over_time", range), call("ts_of_first_over_time", range));
    let binary = Binary {
        op: Operator::Sub,
        op_span: range.span,
        left,
        right,
        returns_bool: false,
        matching: Some(crate::promql::ast::Matching::default()),
    };
    ExprKind::Binary(Box::new(binary))
}

/// To whole seconds from a second on.
fn round_duration(millis: i64) -> i64 {
    if millis < 1000 { millis.max(1) } else { (millis + 500) / 1000 * 1000 }
}

type Rows = [(Labels, Vec<f64>)];

fn extent(rows: &Rows) -> String {
    let values = || rows.iter().flat_map(|(_, values)| values).copied().filter(|v| !v.is_nan());
    let (min, max) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), v| (min.min(v), max.max(v)));
    match (min > max, min == max) {
        (true, _) => "NaN".to_owned(),
        (_, true) => format_sample(min),
        _ => format!("{} to {}", format_sample(min), format_sample(max)),
    }
}

fn filtered(binary: &Binary, left: &Rows, right: &Rows) -> String {
    let op = binary.op.as_str();
    format!(
        "the comparison is true nowhere: the left is {}, the right is {}, and {op} keeps only where it holds",
        extent(left),
        extent(right)
    )
}

/// The labels that keep two sides apart.
fn unmatched(binary: &Binary, left: &Rows, right: &Rows) -> String {
    let matching = binary.matching.clone().unwrap_or_default();
    let names =
        |rows: &Rows| -> BTreeSet<String> { rows.iter().flat_map(|(labels, _)| labels.iter().map(|(n, _)| n.to_owned())).collect() };
    let values = |rows: &Rows, name: &str| -> BTreeSet<String> {
        rows.iter().map(|(labels, _)| labels.get(name).unwrap_or("").to_owned()).collect()
    };
    let compared = |name: &String| name != METRIC_NAME && matching.labels.contains(name) == matching.on;
    let mut all: BTreeSet<String> = names(left).union(&names(right)).cloned().collect();
    all.extend(matching.labels.iter().filter(|_| matching.on).cloned());
    let (mut differ, mut common) = (Vec::new(), Vec::new());
    for name in all.iter().filter(|name| *name != METRIC_NAME) {
        let (on_left, on_right) = (values(left, name), values(right, name));
        let meet = on_left.intersection(&on_right).any(|value| !value.is_empty());
        if meet {
            common.push(name.as_str());
        } else if compared(name) {
            differ.push(match (on_left.iter().all(String::is_empty), on_right.iter().all(String::is_empty)) {
                (true, true) => format!("{name} is on neither side"),
                (true, false) => format!("{name} is on the right only"),
                (false, true) => format!("{name} is on the left only"),
                _ => format!("{name} is {} on the left and {} on the right", listed(&on_left), listed(&on_right)),
            });
        }
    }
    let mut text = "no series of the left has a partner on the right".to_owned();
    if differ.is_empty() {
        text.push_str(": each label has values on both sides, but no series have all of them in common");
    } else {
        text.push_str(&format!(": {}", differ.join("; ")));
    }
    if !common.is_empty() && !differ.is_empty() {
        text.push_str(&format!("; match by what they share: on ({})", common.join(", ")));
    }
    text
}

/// At most [`EXPLAINED_VALUES_MAX`] of them, quoted.
pub(super) fn listed<'v>(values: impl IntoIterator<Item = &'v String>) -> String {
    let mut quoted: Vec<String> = values.into_iter().map(|value| crate::model::number::quote(value)).collect();
    let more = quoted.len().saturating_sub(EXPLAINED_VALUES_MAX);
    quoted.truncate(EXPLAINED_VALUES_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", quoted.join(", "))
}
