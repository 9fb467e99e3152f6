//! Types, argument counts and matching clauses: what the grammar lets through and Prometheus refuses.

use super::ast::{Aggregate, Binary, Call, Cardinality, Expr, ExprKind, Selector, ValueType};
use super::error::ParseError;
use super::functions::{Function, FunctionId};
use super::token::Aggregator;
use crate::model::number::quote;
use crate::model::{METRIC_NAME, Span};

/// Adds what is wrong with the tree to the list, in Prometheus's order, and drops matching clauses that mean nothing.
pub(super) fn check(source: &str, expr: &mut Expr, errors: &mut Vec<ParseError>) {
    Checker { source, errors }.expr(expr);
}

struct Checker<'c> {
    source: &'c str,
    errors: &'c mut Vec<ParseError>,
}

impl Checker<'_> {
    fn report(&mut self, span: Span, message: impl Into<String>) {
        self.errors.push(ParseError::new(self.source, span, message));
    }

    fn expect(&mut self, expr: &mut Expr, wanted: ValueType, context: &str) {
        let found = self.expr(expr);
        if found != wanted {
            let message = format!("expected type {} in {context}, got {}", wanted.documented(), found.documented());
            self.report(expr.span, message);
        }
    }

    fn expr(&mut self, expr: &mut Expr) -> ValueType {
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::Number(_) | ExprKind::Text(_) => {}
            ExprKind::Paren(inner) | ExprKind::Invariant(inner) => {
                self.expr(inner);
            }
            ExprKind::Selector(selector) => self.selector(selector, span),
            ExprKind::Range(range) => {
                let selector_span = range.selector_span;
                self.selector(&range.selector, selector_span);
            }
            ExprKind::Subquery(subquery) => {
                let found = self.expr(&mut subquery.expr);
                if found != ValueType::Vector {
                    let message = format!("subquery is only allowed on instant vector, got {} instead", found.as_str());
                    self.report(span, message);
                }
            }
            ExprKind::Unary(unary) => {
                let found = self.expr(&mut unary.expr);
                if !matches!(found, ValueType::Scalar | ValueType::Vector) {
                    let got = quote(found.documented());
                    self.report(span, format!("unary expression only allowed on expressions of type scalar or instant vector, got {got}"));
                }
            }
            ExprKind::Binary(binary) => self.binary(binary, span),
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate),
            ExprKind::Call(call) => self.call(call, span),
        }
        expr.value_type()
    }

    fn selector(&mut self, selector: &Selector, span: Span) {
        if let Some(name) = &selector.name {
            let others = &selector.matchers[..selector.matchers.len() - 1];
            if let Some(second) = others.iter().find(|m| m.name == METRIC_NAME) {
                self.report(span, format!("metric name must not be set twice: {} or {}", quote(name), quote(&second.value)));
            }
            return;
        }
        if selector.matchers.iter().all(crate::model::Matcher::matches_empty) {
            self.report(span, "vector selector must contain at least one non-empty matcher");
        }
    }

    fn aggregate(&mut self, aggregate: &mut Aggregate) {
        self.expect(&mut aggregate.expr, ValueType::Vector, "aggregation expression");
        let wanted = if aggregate.op == Aggregator::CountValues { ValueType::Text } else { ValueType::Scalar };
        if let Some(parameter) = &mut aggregate.parameter {
            self.expect(parameter, wanted, "aggregation parameter");
        }
    }

    fn binary(&mut self, binary: &mut Binary, span: Span) {
        let left = self.expr(&mut binary.left);
        let right = self.expr(&mut binary.right);
        let between = Span::new(binary.left.span.end, binary.right.span.start);
        let op_span = operator_span(self.source, between, binary.op_span);
        if binary.returns_bool && !binary.op.is_comparison() {
            self.report(op_span, "bool modifier can only be used on comparison operators");
        }
        let scalars = left == ValueType::Scalar && right == ValueType::Scalar;
        if binary.op.is_comparison() && !binary.returns_bool && scalars {
            self.report(op_span, "comparisons between scalars must use BOOL modifier");
        }
        if let Some(matching) = &binary.matching
            && matching.on
        {
            for label in matching.labels.iter().filter(|l| matching.include.contains(l)) {
                let message = format!("label {} must not occur in ON and GROUP clause at once", quote(label));
                self.errors.push(ParseError::new(self.source, op_span, message));
            }
        }
        for (found, side) in [(left, &binary.left), (right, &binary.right)] {
            if !matches!(found, ValueType::Scalar | ValueType::Vector) {
                self.errors.push(ParseError::new(
                    self.source,
                    side.span,
                    "binary expression must contain only scalar and instant vector types",
                ));
            }
        }
        self.matching(binary, span, left == ValueType::Vector && right == ValueType::Vector);
        if binary.op.is_set() && (left == ValueType::Scalar || right == ValueType::Scalar) {
            self.report(span, format!("set operator {} not allowed in binary scalar expression", quote(binary.op.as_str())));
        }
    }

    fn matching(&mut self, binary: &mut Binary, span: Span, vectors: bool) {
        let Some(matching) = &binary.matching else { return };
        let filled = matching.fill_left.is_some() || matching.fill_right.is_some();
        if !vectors {
            if !matching.labels.is_empty() {
                self.report(span, "vector matching only allowed between instant vectors");
            } else if filled {
                self.report(span, "filling in missing series only allowed between instant vectors");
            }
            binary.matching = None;
            return;
        }
        if !binary.op.is_set() {
            return;
        }
        if matches!(matching.cardinality, Cardinality::OneToMany | Cardinality::ManyToOne) {
            self.report(span, format!("no grouping allowed for {} operation", quote(binary.op.as_str())));
        } else if filled {
            self.report(span, "filling in missing series not allowed for set operators");
        }
    }

    fn call(&mut self, call: &mut Call, span: Span) {
        let function = call.function;
        let count = call.args.len();
        if let Some(message) = wrong_count(function, count) {
            self.report(span, message);
        }
        if function.id == FunctionId::Info && count > 1 {
            self.info_argument(&call.args[1]);
        }
        let context = format!("call to function {}", quote(function.name));
        for (at, arg) in call.args.iter_mut().enumerate() {
            let Some(wanted) = function.args.get(at).or(if function.variadic == 0 { None } else { function.args.last() }) else {
                break;
            };
            // The data labels of `info` need not select anything by themselves.
            if function.id == FunctionId::Info && at == 1 {
                continue;
            }
            self.expect(arg, *wanted, &context);
        }
    }

    fn info_argument(&mut self, arg: &Expr) {
        let ExprKind::Selector(selector) = &arg.kind else {
            return self.report(arg.span, "expected label selectors only");
        };
        if selector.name.is_some() {
            self.report(arg.span, "expected label selectors only, got vector selector instead");
        }
    }
}

fn wrong_count(function: &Function, count: usize) -> Option<String> {
    let name = quote(function.name);
    let listed = function.args.len();
    if function.variadic == 0 {
        return (count != listed).then(|| format!("expected {listed} argument(s) in call to {name}, got {count}"));
    }
    let least = listed - 1;
    if count < least {
        return Some(format!("expected at least {least} argument(s) in call to {name}, got {count}"));
    }
    let most = least + usize::try_from(function.variadic).ok()?;
    (count > most).then(|| format!("expected at most {most} argument(s) in call to {name}, got {count}"))
}

/// Prometheus finds the operator again by skipping spaces between the sides.
fn operator_span(source: &str, between: Span, found: Span) -> Span {
    let text = source.get(between.start..between.end).unwrap_or("");
    let skipped = text.len() - text.trim_start().len();
    if text.is_empty() { found } else { Span::new(between.start + skipped, between.start + text.trim_end().len()) }
}
