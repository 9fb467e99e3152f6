//! Lengths of time in brackets and after `offset`: literals, or arithmetic on them.

use std::sync::Arc;

use super::{Parsed, Parser};
use crate::model::{DurationMs, Span};
use crate::promql::ast::{Length, LengthExpr, LengthKind, Number};
use crate::promql::limits::DEPTH_MAX;
use crate::promql::token::{Keyword, Kind, Operator};

const CONTEXT: &str = "subquery or range selector";
const EXPECTED: &str = "number, duration, step(), or range()";
/// Go keeps a duration in nanoseconds; more than this overflows it.
const SECONDS_MAX: f64 = 9_223_372_036.0;

impl Parser<'_> {
    /// A range or step: must be above zero.
    pub(super) fn positive_length(&mut self) -> Parsed<Length> {
        let expr = self.length_expr(0, CONTEXT)?;
        let span = expr.span;
        let length = self.length(expr)?;
        match &length {
            Length::Fixed(fixed) if fixed.0 <= 0 => self.fail(span, "duration must be greater than 0"),
            _ => Ok(length),
        }
    }

    /// After `offset`: a signed literal or function, or anything in parentheses; arithmetic outside them belongs to the expression.
    pub(super) fn offset_length(&mut self) -> Parsed<Length> {
        let expr = self.length_unary("offset")?;
        self.length(expr)
    }

    fn length(&mut self, expr: LengthExpr) -> Parsed<Length> {
        let Some(seconds) = literal_seconds(&expr) else {
            return Ok(Length::Computed(Arc::new(expr)));
        };
        if seconds.is_nan() || seconds.abs() >= SECONDS_MAX {
            return self.fail(expr.span, "duration out of range");
        }
        Ok(Length::Fixed(DurationMs((seconds * 1e9).round() as i64 / 1_000_000)))
    }

    fn length_expr(&mut self, min_precedence: u8, context: &str) -> Parsed<LengthExpr> {
        self.nested(|p| {
            let mut left = p.length_unary(context)?;
            while let Kind::Operator(op @ (Operator::Add | Operator::Sub | Operator::Mul | Operator::Div | Operator::Mod | Operator::Pow)) =
                p.peek().kind
            {
                if op.precedence() < min_precedence {
                    break;
                }
                let op_span = p.next().span;
                let right = p.length_expr(op.precedence() + u8::from(op != Operator::Pow), context)?;
                let zero = matches!(&right.kind, LengthKind::Number(Number { value, .. }) if *value == 0.0);
                match op {
                    Operator::Div if zero => p.report(op_span, "division by zero"),
                    Operator::Mod if zero => p.report(op_span, "modulo by zero"),
                    _ => {}
                }
                let span = left.span.to(right.span);
                left = p.length_node(LengthKind::Binary(op, Box::new(left), Box::new(right)), span)?;
            }
            Ok(left)
        })
    }

    fn length_node(&mut self, kind: LengthKind, span: Span) -> Parsed<LengthExpr> {
        let depth = 1 + match &kind {
            LengthKind::Number(_) | LengthKind::Step | LengthKind::Range => 0,
            LengthKind::Negative(a) | LengthKind::Positive(a) | LengthKind::Paren(a) => a.depth,
            LengthKind::Binary(_, a, b) | LengthKind::MinOf(a, b) | LengthKind::MaxOf(a, b) => a.depth.max(b.depth),
        };
        if depth > DEPTH_MAX {
            return self.fail(span, format!("expression is nested deeper than the limit of {DEPTH_MAX} levels"));
        }
        Ok(LengthExpr { kind, span, depth })
    }

    fn length_unary(&mut self, context: &str) -> Parsed<LengthExpr> {
        let sign = self.peek().clone();
        match sign.kind {
            Kind::Operator(op @ (Operator::Sub | Operator::Add)) => {
                self.next();
                // In brackets `^` binds tighter than the sign; after `offset` it belongs to the expression.
                let operand = if context == CONTEXT {
                    self.length_expr(Operator::Pow.precedence(), context)?
                } else {
                    self.nested(|p| p.length_unary(context))?
                };
                let span = sign.span.to(operand.span);
                let operand = Box::new(operand);
                self.length_node(if op == Operator::Sub { LengthKind::Negative(operand) } else { LengthKind::Positive(operand) }, span)
            }
            _ => self.length_primary(context),
        }
    }

    fn length_primary(&mut self, context: &str) -> Parsed<LengthExpr> {
        let token = self.peek().clone();
        match token.kind {
            Kind::Number | Kind::Duration => {
                self.next();
                let number = self.number_value(&token)?;
                self.length_node(LengthKind::Number(number), token.span)
            }
            Kind::LeftParen => {
                self.next();
                let inner = self.length_expr(0, CONTEXT)?;
                let close = self.expect(&Kind::RightParen, context, "\")\"")?;
                self.length_node(LengthKind::Paren(Box::new(inner)), token.span.to(close.span))
            }
            Kind::Keyword(word @ (Keyword::Step | Keyword::Range)) => {
                self.next();
                self.expect(&Kind::LeftParen, context, "\"(\"")?;
                let close = self.expect(&Kind::RightParen, context, "\")\"")?;
                let kind = if word == Keyword::Step { LengthKind::Step } else { LengthKind::Range };
                self.length_node(kind, token.span.to(close.span))
            }
            Kind::Identifier if matches!(self.text(&token), "min_of" | "max_of") => self.length_of_two(context),
            _ => self.unexpected(context, EXPECTED),
        }
    }

    fn length_of_two(&mut self, context: &str) -> Parsed<LengthExpr> {
        let name = self.next();
        self.expect(&Kind::LeftParen, context, "\"(\"")?;
        let a = Box::new(self.length_expr(0, CONTEXT)?);
        self.expect(&Kind::Comma, context, "\",\"")?;
        let b = Box::new(self.length_expr(0, CONTEXT)?);
        let close = self.expect(&Kind::RightParen, context, "\")\"")?;
        let kind = if self.text(&name) == "min_of" { LengthKind::MinOf(a, b) } else { LengthKind::MaxOf(a, b) };
        self.length_node(kind, name.span.to(close.span))
    }
}

/// The seconds of a plain literal, with a sign at most.
fn literal_seconds(expr: &LengthExpr) -> Option<f64> {
    match &expr.kind {
        LengthKind::Number(Number { value, .. }) => Some(*value),
        LengthKind::Negative(inner) => match &inner.kind {
            LengthKind::Number(Number { value, .. }) => Some(-value),
            _ => None,
        },
        LengthKind::Positive(inner) => match &inner.kind {
            LengthKind::Number(Number { value, .. }) => Some(*value),
            _ => None,
        },
        _ => None,
    }
}
