//! Questions that several lints ask of a tree.

use crate::model::DurationMs;
use crate::promql::ast::{Binary, Call, Selector};
use crate::promql::token::Operator;
use crate::promql::{Expr, ExprKind};

/// Every selector, those with a range included.
pub fn selectors(expr: &Expr) -> Vec<&Selector> {
    let mut found = Vec::new();
    expr.walk(&mut |expr| match &expr.kind {
        ExprKind::Selector(selector) => found.push(selector),
        ExprKind::Range(range) => found.push(&range.selector),
        _ => {}
    });
    found
}

/// Names of the metrics that an expression reads.
pub fn metrics(expr: &Expr) -> Vec<&str> {
    selectors(expr).into_iter().filter_map(Selector::metric_name).collect()
}

/// A function over a window of one selector, as `rate(x[5m])`.
#[derive(Clone, Copy)]
pub struct Windowed<'e> {
    pub function: &'static str,
    pub selector: &'e Selector,
    pub window: DurationMs,
}

pub fn windowed(expr: &Expr) -> Option<Windowed<'_>> {
    let ExprKind::Call(call) = &expr.kind else { return None };
    let range = call.args.iter().find_map(|arg| match &arg.unwrapped().kind {
        ExprKind::Range(range) => Some(range),
        _ => None,
    })?;
    Some(Windowed { function: call.function.name, selector: &range.selector, window: range.range.fixed() })
}

/// Every one in a tree.
pub fn all_windowed(expr: &Expr) -> Vec<Windowed<'_>> {
    let mut found = Vec::new();
    expr.walk(&mut |expr| found.extend(windowed(expr)));
    found
}

/// Functions that see what counters gain.
pub fn is_gain(function: &str) -> bool {
    matches!(function, "rate" | "irate" | "increase")
}

pub fn call<'e>(expr: &'e Expr, name: &str) -> Option<&'e Call> {
    match &expr.unwrapped().kind {
        ExprKind::Call(call) if call.function.name == name => Some(call),
        _ => None,
    }
}

/// A number that is written as one.
pub fn number(expr: &Expr) -> Option<f64> {
    match &expr.unwrapped().kind {
        ExprKind::Number(number) => Some(number.value),
        ExprKind::Unary(unary) => number(&unary.expr).map(|value| if unary.negative { -value } else { value }),
        _ => None,
    }
}

/// Every binary operation of a tree.
pub fn binaries(expr: &Expr) -> Vec<&Binary> {
    let mut found = Vec::new();
    expr.walk(&mut |expr| {
        if let ExprKind::Binary(binary) = &expr.kind {
            found.push(&**binary);
        }
    });
    found
}

/// What is compared with a number, how, and with which: the number on the right.
#[derive(Clone, Copy)]
pub struct Threshold<'e> {
    pub left: &'e Expr,
    pub op: Operator,
    pub number: f64,
}

pub fn threshold(binary: &Binary) -> Option<Threshold<'_>> {
    if !binary.op.is_comparison() || binary.returns_bool {
        return None;
    }
    if let Some(number) = number(&binary.right) {
        return Some(Threshold { left: &binary.left, op: binary.op, number });
    }
    let number = number(&binary.left)?;
    let op = match binary.op {
        Operator::Greater => Operator::Less,
        Operator::Less => Operator::Greater,
        Operator::GreaterEqual => Operator::LessEqual,
        Operator::LessEqual => Operator::GreaterEqual,
        other => other,
    };
    Some(Threshold { left: &binary.right, op, number })
}

/// Comparisons with a number that must all hold for the expression to give anything.
pub fn conditions(expr: &Expr) -> Vec<Threshold<'_>> {
    let ExprKind::Binary(binary) = &expr.unwrapped().kind else { return Vec::new() };
    if binary.op == Operator::And {
        return [conditions(&binary.left), conditions(&binary.right)].concat();
    }
    if binary.op == Operator::Unless {
        return conditions(&binary.left);
    }
    match threshold(binary) {
        Some(found) => [vec![found], conditions(found.left)].concat(),
        None => Vec::new(),
    }
}

/// The comparison with a number that the value of an alert's expression has passed.
pub fn decisive(expr: &Expr) -> Option<Threshold<'_>> {
    let ExprKind::Binary(binary) = &expr.unwrapped().kind else { return None };
    match binary.op {
        Operator::And | Operator::Unless => decisive(&binary.left),
        _ => threshold(binary),
    }
}

/// The value that a condition lets through: below comparisons and the left sides of set operators.
pub fn value(expr: &Expr) -> &Expr {
    let inner = expr.unwrapped();
    let ExprKind::Binary(binary) = &inner.kind else { return inner };
    match binary.op {
        Operator::And | Operator::Unless => value(&binary.left),
        _ => threshold(binary).map_or(inner, |found| value(found.left)),
    }
}

/// A duration as rules write it.
pub fn long(duration: DurationMs) -> String {
    duration.to_string()
}

/// The last word of a counter's name: `failed` of `training_jobs_failed_total`.
pub fn event(metric: &str) -> &str {
    let stem = metric.strip_suffix("_total").or_else(|| metric.strip_suffix("_count")).unwrap_or(metric);
    stem.rsplit('_').next().unwrap_or(stem)
}

/// A list of names as a reader sees them: `{a, b}`.
pub fn braces<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    format!("{{{}}}", names.join(", "))
}
