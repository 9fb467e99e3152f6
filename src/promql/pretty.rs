//! Trees over several lines, as Prometheus's prettifier lays them out: what is longer than a line is broken at its outermost
//! calls, operators and parentheses.

use super::ast::{Expr, ExprKind};
use super::printer::{print, write_aggregate_head, write_operator, write_subquery_suffix};

/// Characters of one line.
const LINE_MAX: usize = 100;
const INDENT: &str = "  ";

/// The text of an expression, laid out over lines.
pub fn prettify(expr: &Expr) -> String {
    pretty(expr, 0)
}

fn indent(level: usize) -> String {
    INDENT.repeat(level)
}

fn pretty(expr: &Expr, level: usize) -> String {
    let margin = indent(level);
    let line = print(expr);
    let fits = line.len() <= LINE_MAX;
    match &expr.kind {
        ExprKind::Invariant(inner) => pretty(inner, level),
        // A sign stands right before what it belongs to.
        ExprKind::Unary(unary) => {
            let sign = if unary.negative { '-' } else { '+' };
            format!("{margin}{sign}{}", pretty(&unary.expr, level).trim())
        }
        // Prometheus leaves the margin of a short subquery out.
        ExprKind::Subquery(_) if fits => line,
        ExprKind::Subquery(subquery) => {
            let mut out = pretty(&subquery.expr, level);
            write_subquery_suffix(&mut out, subquery);
            out
        }
        _ if fits => margin + &line,
        ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Selector(_) | ExprKind::Range(_) => margin + &line,
        ExprKind::Aggregate(aggregate) => {
            let mut head = String::new();
            write_aggregate_head(&mut head, aggregate);
            let args: Vec<&Expr> = aggregate.parameter.iter().chain([&aggregate.expr]).collect();
            enclosed(&format!("{margin}{head}"), &args, level)
        }
        ExprKind::Call(call) => enclosed(&format!("{margin}{}", call.function.name), &call.args.iter().collect::<Vec<_>>(), level),
        ExprKind::Paren(inner) => enclosed(&margin, &[inner], level),
        ExprKind::Binary(binary) => {
            let mut operator = String::new();
            write_operator(&mut operator, binary);
            let (left, right) = (pretty(&binary.left, level + 1), pretty(&binary.right, level + 1));
            format!("{left}\n{margin}{}\n{right}", operator.trim())
        }
    }
}

/// `head(`, each argument on its lines, `)`.
fn enclosed(head: &str, args: &[&Expr], level: usize) -> String {
    let args: Vec<String> = args.iter().map(|arg| pretty(arg, level + 1)).collect();
    format!("{head}(\n{}\n{})", args.join(",\n"), indent(level))
}
