//! What is odd about a query that has an answer: functions over the wrong type of metric, windows that are short, labels that no
//! series has, values that are all NaN.

use std::collections::{BTreeSet, HashMap};

use super::explain::{Explainer, Row};
use super::names::nearest_or_listed;
use super::reason::listed;
use crate::model::number::quote;
use crate::model::regex::AnchoredRegex;
use crate::model::{DurationMs, METRIC_NAME, MetricType, TimeRange};
use crate::promql::ast::{Aggregate, Call, Expr, ExprKind, RangeSelector};
use crate::promql::error::QueryError;
use crate::promql::eval::steps::Steps;
use crate::promql::explain::Node;
use crate::promql::functions::{Function, FunctionId};
use crate::promql::limits::{EXPLAINED_HINTS_MAX, EXPLAINED_PARTS_MAX};
use crate::promql::print;

impl Explainer<'_> {
    /// What the query would better be, though it is none that fails. What cannot be found out within the limits is left out.
    pub(super) fn hints(&self, tree: &Node, expr: &Expr, steps: &Steps, of_windows: bool) -> Result<Vec<String>, QueryError> {
        let mut parts = Vec::new();
        self.with_steps(expr, steps, &mut parts);
        parts.truncate(EXPLAINED_PARTS_MAX);
        let metadata = if parts.iter().any(|(part, _)| matches!(part.kind, ExprKind::Range(_))) {
            self.select.open(TimeRange::ALL)?.metadata()?
        } else {
            Vec::new()
        };
        let mut found: Vec<String> = Vec::new();
        for (part, steps) in parts {
            match &part.kind {
                ExprKind::Call(call) => {
                    for arg in &call.args {
                        let ExprKind::Range(range) = &arg.unwrapped().kind else { continue };
                        let family = range.selector.metric_name().and_then(|metric| metadata.iter().find(|(family, _)| family == metric));
                        found.extend(family.and_then(|(family, said)| of_wrong_type(call.function, family, said.metric_type)));
                        found.extend(if of_windows { self.short_window(call.function, range, &steps) } else { None });
                    }
                    found.extend(self.of_call_with_answer(call, &steps));
                }
                ExprKind::Aggregate(aggregate) => found.extend(self.of_grouping(aggregate, &steps).into_iter().flatten()),
                _ => {}
            }
        }
        found.extend(nan_from(tree));
        let mut seen = BTreeSet::new();
        found.retain(|hint| seen.insert(hint.clone()));
        found.truncate(EXPLAINED_HINTS_MAX);
        Ok(found)
    }

    /// All parts in the order of the text, each with the steps at which it is evaluated.
    fn with_steps<'e>(&self, expr: &'e Expr, steps: &Steps, found: &mut Vec<(&'e Expr, Steps)>) {
        let expr = expr.unwrapped();
        found.push((expr, *steps));
        let inner = self.steps_of_parts(expr, steps);
        for child in expr.children() {
            self.with_steps(child, &inner, found);
        }
    }

    /// `by` or `without` labels that no series has.
    fn of_grouping(&self, aggregate: &Aggregate, steps: &Steps) -> Option<Vec<String>> {
        if aggregate.grouping.is_empty() {
            return None;
        }
        let rows = self.series(&aggregate.expr, steps).ok()?;
        let names: BTreeSet<&str> = rows.iter().flat_map(|row| row.labels.iter().map(|(name, _)| name)).collect();
        if rows.is_empty() {
            return None;
        }
        let unknown = aggregate.grouping.iter().filter(|label| !names.contains(label.as_str()));
        let known: Vec<&str> = names.iter().copied().filter(|name| *name != METRIC_NAME).collect();
        let word = if aggregate.without { "without" } else { "by" };
        let hint = |label: &String| {
            let op = aggregate.op.as_str();
            format!("{op} {word} ({label}): no series that goes in has a label {}{}", quote(label), nearest_or_listed(label, &known))
        };
        Some(unknown.map(hint).collect())
    }

    fn of_call_with_answer(&self, call: &Call, steps: &Steps) -> Option<String> {
        match call.function.id {
            FunctionId::Scalar => {
                let arg = call.args.first()?;
                let rows = self.series(arg, steps).ok()?;
                let mut counts: HashMap<i64, usize> = HashMap::new();
                rows.iter().flat_map(Row::times).for_each(|at| *counts.entry(at).or_default() += 1);
                let most = counts.values().copied().max().unwrap_or(0);
                (most != 1)
                    .then(|| format!("{}: it needs exactly one series, and {} gives {most}", "scalar(...) is NaN", print(arg.unwrapped())))
            }
            FunctionId::LabelReplace => {
                let text = |at: usize| match &call.args.get(at)?.unwrapped().kind {
                    ExprKind::Text(text) => text.utf8().ok(),
                    _ => None,
                };
                let (source, pattern) = (text(3)?, text(4)?);
                let regex = AnchoredRegex::new(pattern).ok()?;
                let rows = self.series(call.args.first()?, steps).ok()?;
                let values: BTreeSet<&str> = rows.iter().map(|row| row.labels.get(source).unwrap_or("")).collect();
                let changes = values.is_empty() || values.iter().any(|value| regex.is_match(value));
                (!changes).then(|| {
                    let of = if values.iter().all(|v| v.is_empty()) {
                        format!("no series has a label {}", quote(source))
                    } else {
                        format!("no value of {source} matches {} as a whole: {source} is {}", quote(pattern), listed(&values))
                    };
                    format!("label_replace changes nothing: {of}")
                })
            }
            _ => None,
        }
    }

    /// A window in which a function that needs two samples finds them only now and then.
    fn short_window(&self, function: &Function, range: &RangeSelector, steps: &Steps) -> Option<String> {
        use FunctionId as F;
        let needs_two = [F::Rate, F::Increase, F::Irate, F::Delta, F::Idelta, F::Deriv, F::PredictLinear, F::DoubleExponentialSmoothing];
        if !needs_two.contains(&function.id) || range.selector.anchored || range.selector.smoothed {
            return None;
        }
        // Looking further back than the query itself may hit a limit: then nothing is said.
        let apart = self.samples_apart(range, steps).ok().flatten()?;
        let window = range.range.fixed();
        (window.0 < 2 * apart.0).then(|| {
            let (name, better) = (function.name, DurationMs(apart.0.saturating_mul(4)));
            format!("{name} needs two samples in a window, and {window} often holds fewer: they are about {apart} apart, so use [{better}] or longer")
        })
    }
}

/// A function of counters over a gauge, or one of gauges over a counter.
fn of_wrong_type(function: &Function, metric: &str, metric_type: MetricType) -> Option<String> {
    use FunctionId as F;
    let name = function.name;
    match (metric_type, function.id) {
        (MetricType::Gauge, F::Rate | F::Increase | F::Irate | F::Resets) => {
            Some(format!("{metric} is a gauge, and {name} takes each fall for a reset: use delta or deriv"))
        }
        (MetricType::Counter, F::Delta | F::Idelta | F::Deriv | F::PredictLinear) => {
            Some(format!("{metric} is a counter, and {name} knows no resets: use increase or rate"))
        }
        _ => None,
    }
}

/// The part from which on all values are NaN, though those of what it looks at are not.
fn nan_from(tree: &Node) -> Option<String> {
    if !tree.is_nan {
        return None;
    }
    if let Some(deeper) = tree.parts.iter().find(|part| part.is_nan) {
        return nan_from(deeper);
    }
    // What a scalar() of several series is has been told.
    if tree.expr.starts_with("scalar(") {
        return None;
    }
    let why = if tree.expr.starts_with("histogram_quantile(") {
        ": there are no observations in the window, or no bucket with le=\"+Inf\""
    } else if tree.parts.is_empty() {
        ": such values were scraped"
    } else if tree.expr.contains(" / ") {
        ": 0 divided by 0"
    } else {
        ""
    };
    Some(format!("all values are NaN from {} on{why}", tree.expr))
}
