//! Trees back to text, in Prometheus's canonical one-line form. Parsing what was printed gives the same tree.

use std::fmt::Write;

use super::ast::{
    Aggregate, At, Binary, Cardinality, Expr, ExprKind, Length, LengthExpr, LengthKind, Matching, Modifiers, Number, Selector, Subquery,
};
use crate::model::number::{format_fixed, quote};
use crate::model::{DurationMs, METRIC_NAME, MatchOp};

/// The canonical text of an expression.
pub fn print(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(&mut out, expr);
    out
}

/// Writing to a `String` cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{ let _ = write!($out, $($arg)*); }};
}

pub(super) fn write_expr(out: &mut String, expr: &Expr) {
    match &expr.kind {
        ExprKind::Number(number) => write_number(out, *number),
        ExprKind::Text(text) => out.push_str(&text.quoted()),
        ExprKind::Selector(selector) => {
            write_selector(out, selector);
            write_at(out, &selector.modifiers);
            write_extended(out, selector);
            write_offset(out, &selector.modifiers);
        }
        ExprKind::Range(range) => {
            write_selector(out, &range.selector);
            out.push('[');
            write_length(out, &range.range);
            out.push(']');
            write_extended(out, &range.selector);
            write_at(out, &range.selector.modifiers);
            write_offset(out, &range.selector.modifiers);
        }
        ExprKind::Subquery(subquery) => {
            write_expr(out, &subquery.expr);
            write_subquery_suffix(out, subquery);
        }
        ExprKind::Unary(unary) => {
            out.push(if unary.negative { '-' } else { '+' });
            write_expr(out, &unary.expr);
        }
        ExprKind::Binary(binary) => {
            write_expr(out, &binary.left);
            write_operator(out, binary);
            write_expr(out, &binary.right);
        }
        ExprKind::Aggregate(aggregate) => {
            write_aggregate_head(out, aggregate);
            out.push('(');
            if let Some(parameter) = &aggregate.parameter {
                write_expr(out, parameter);
                out.push_str(", ");
            }
            write_expr(out, &aggregate.expr);
            out.push(')');
        }
        ExprKind::Call(call) => {
            put!(out, "{}(", call.function.name);
            for (at, arg) in call.args.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write_expr(out, arg);
            }
            out.push(')');
        }
        ExprKind::Paren(inner) => {
            out.push('(');
            write_expr(out, inner);
            out.push(')');
        }
        ExprKind::Invariant(inner) => write_expr(out, inner),
    }
}

fn write_number(out: &mut String, number: Number) {
    if number.is_duration {
        put!(out, "{}", DurationMs((number.value * 1000.0).round() as i64));
    } else {
        out.push_str(&format_fixed(number.value));
    }
}

/// `[range:step]` and what follows.
pub(super) fn write_subquery_suffix(out: &mut String, subquery: &Subquery) {
    out.push('[');
    write_length(out, &subquery.range);
    out.push(':');
    if let Some(step) = &subquery.step {
        write_length(out, step);
    }
    out.push(']');
    write_at(out, &subquery.modifiers);
    write_offset(out, &subquery.modifiers);
}

/// ` + `, with `bool` and the matching clause.
pub(super) fn write_operator(out: &mut String, binary: &Binary) {
    put!(out, " {}", binary.op.as_str());
    if binary.returns_bool {
        out.push_str(" bool");
    }
    if let Some(matching) = &binary.matching {
        write_matching(out, matching);
    }
    out.push(' ');
}

fn write_matching(out: &mut String, matching: &Matching) {
    let grouped = matches!(matching.cardinality, Cardinality::ManyToOne | Cardinality::OneToMany);
    if matching.on || !matching.labels.is_empty() || grouped {
        put!(out, " {} ({})", if matching.on { "on" } else { "ignoring" }, names(&matching.labels));
    }
    let side = match matching.cardinality {
        Cardinality::ManyToOne => Some("left"),
        Cardinality::OneToMany => Some("right"),
        _ => None,
    };
    if let Some(side) = side {
        put!(out, " group_{side} ({})", names(&matching.include));
    }
    match (matching.fill_left, matching.fill_right) {
        (Some(left), Some(right)) if left.to_bits() == right.to_bits() => put!(out, " fill ({})", format_fixed(left)),
        (left, right) => {
            if let Some(left) = left {
                put!(out, " fill_left ({})", format_fixed(left));
            }
            if let Some(right) = right {
                put!(out, " fill_right ({})", format_fixed(right));
            }
        }
    }
}

/// `sum by (a, b) ` or `sum`.
pub(super) fn write_aggregate_head(out: &mut String, aggregate: &Aggregate) {
    out.push_str(aggregate.op.as_str());
    if aggregate.without {
        put!(out, " without ({}) ", names(&aggregate.grouping));
    } else if !aggregate.grouping.is_empty() {
        put!(out, " by ({}) ", names(&aggregate.grouping));
    }
}

fn names(labels: &[String]) -> String {
    labels.iter().map(|l| name(l)).collect::<Vec<_>>().join(", ")
}

/// Quoted unless it can stand bare.
fn name(label: &str) -> String {
    if is_bare(label, false) { label.to_owned() } else { quote(label) }
}

fn is_bare(text: &str, colons: bool) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
    !text.is_empty() && text.chars().all(ok) && !text.starts_with(|c: char| c.is_ascii_digit())
}

pub(super) fn write_selector(out: &mut String, selector: &Selector) {
    let mut parts: Vec<String> = Vec::new();
    let bare = selector.name.as_deref().filter(|n| is_bare(n, true));
    match (&selector.name, bare) {
        (_, Some(bare)) => out.push_str(bare),
        (Some(quoted), None) => parts.push(quote(quoted)),
        (None, None) => {}
    }
    for matcher in &selector.matchers {
        // The name before the braces is a matcher, too.
        if matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal && Some(&matcher.value) == selector.name.as_ref() {
            continue;
        }
        parts.push(format!("{}{}{}", name(&matcher.name), matcher.op.as_str(), quote(&matcher.value)));
    }
    parts.sort_unstable();
    if !parts.is_empty() || bare.is_none() {
        put!(out, "{{{}}}", parts.join(","));
    }
}

fn write_extended(out: &mut String, selector: &Selector) {
    if selector.anchored {
        out.push_str(" anchored");
    } else if selector.smoothed {
        out.push_str(" smoothed");
    }
}

fn write_at(out: &mut String, modifiers: &Modifiers) {
    match modifiers.at {
        Some(At::Time(at)) => put!(out, " @ {at}"),
        Some(At::Start) => out.push_str(" @ start()"),
        Some(At::End) => out.push_str(" @ end()"),
        None => {}
    }
}

fn write_offset(out: &mut String, modifiers: &Modifiers) {
    match &modifiers.offset {
        Length::Fixed(DurationMs(0)) => {}
        Length::Fixed(offset) => put!(out, " offset {offset}"),
        Length::Computed(expr) => {
            out.push_str(" offset ");
            write_length_expr(out, expr);
        }
    }
}

fn write_length(out: &mut String, length: &Length) {
    match length {
        Length::Fixed(fixed) => put!(out, "{fixed}"),
        Length::Computed(expr) => write_length_expr(out, expr),
    }
}

fn write_length_expr(out: &mut String, expr: &LengthExpr) {
    match &expr.kind {
        LengthKind::Number(number) => write_number(out, *number),
        LengthKind::Step => out.push_str("step()"),
        LengthKind::Range => out.push_str("range()"),
        LengthKind::Negative(inner) => {
            out.push('-');
            write_length_expr(out, inner);
        }
        LengthKind::Positive(inner) => write_length_expr(out, inner),
        LengthKind::Paren(inner) => {
            out.push('(');
            write_length_expr(out, inner);
            out.push(')');
        }
        LengthKind::Binary(op, left, right) => {
            write_length_expr(out, left);
            put!(out, " {} ", op.as_str());
            write_length_expr(out, right);
        }
        LengthKind::MinOf(a, b) | LengthKind::MaxOf(a, b) => {
            out.push_str(if matches!(expr.kind, LengthKind::MinOf(..)) { "min_of(" } else { "max_of(" });
            write_length_expr(out, a);
            out.push_str(", ");
            write_length_expr(out, b);
            out.push(')');
        }
    }
}
