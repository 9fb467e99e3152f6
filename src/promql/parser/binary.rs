//! Binary operators with `bool`, `on`, `ignoring`, `group_left`, `group_right` and `fill`.

use super::{Parsed, Parser};
use crate::model::Span;
use crate::promql::ast::{Binary, Cardinality, Expr, ExprKind, Matching};
use crate::promql::token::{Keyword, Kind, Operator};

/// What stands between an operator and its right side.
struct OperatorModifiers {
    returns_bool: bool,
    matching: Matching,
}

impl Parser<'_> {
    pub(super) fn operators(&mut self, min_precedence: u8) -> Parsed<Expr> {
        let mut left = self.unary()?;
        while let Kind::Operator(op) = self.peek().kind {
            let precedence = op.precedence();
            if precedence < min_precedence {
                break;
            }
            let op_span = self.next().span;
            let modifiers = self.operator_modifiers()?;
            // Only the power is right-associative.
            let right = self.expr(if op == Operator::Pow { precedence } else { precedence + 1 })?;
            let span = left.span.to(right.span);
            left = self.binary(
                Binary { op, op_span, left, right, returns_bool: modifiers.returns_bool, matching: Some(modifiers.matching) },
                span,
            )?;
        }
        Ok(left)
    }

    fn binary(&mut self, mut binary: Binary, span: Span) -> Parsed<Expr> {
        if let Some(matching) = &mut binary.matching
            && binary.op.is_set()
            && matching.cardinality == Cardinality::OneToOne
        {
            matching.cardinality = Cardinality::ManyToMany;
        }
        self.node(ExprKind::Binary(Box::new(binary)), span)
    }

    fn operator_modifiers(&mut self) -> Parsed<OperatorModifiers> {
        let returns_bool = self.accept_keyword(Keyword::Bool).is_some();
        let mut matching = Matching::default();
        let on = self.peek().kind == Kind::Keyword(Keyword::On);
        if on || self.peek().kind == Kind::Keyword(Keyword::Ignoring) {
            self.next();
            matching.on = on;
            matching.labels = self.grouping_labels()?;
            self.group_modifier(&mut matching)?;
        }
        self.fill_modifiers(&mut matching)?;
        Ok(OperatorModifiers { returns_bool, matching })
    }

    fn group_modifier(&mut self, matching: &mut Matching) -> Parsed<()> {
        matching.cardinality = match self.peek().kind {
            Kind::Keyword(Keyword::GroupLeft) => Cardinality::ManyToOne,
            Kind::Keyword(Keyword::GroupRight) => Cardinality::OneToMany,
            _ => return Ok(()),
        };
        self.next();
        if self.peek().kind == Kind::LeftParen {
            matching.include = self.grouping_labels()?;
        } else if !self.peek().kind.starts_expr() {
            return self.unexpected("grouping opts", "\"(\"");
        }
        Ok(())
    }

    fn fill_modifiers(&mut self, matching: &mut Matching) -> Parsed<()> {
        while let Kind::Keyword(keyword @ (Keyword::Fill | Keyword::FillLeft | Keyword::FillRight)) = self.peek().kind {
            // A metric may bear the word as its name: only a parenthesis makes it a modifier.
            if *self.peek_kind(1) != Kind::LeftParen {
                break;
            }
            let word = self.next();
            if !self.features.fill_modifiers {
                self.report(word.span, "binop fill modifiers are experimental and not enabled");
            }
            let value = self.fill_value()?;
            let (left, right) = (keyword != Keyword::FillRight, keyword != Keyword::FillLeft);
            if (left && matching.fill_left.is_some()) || (right && matching.fill_right.is_some()) {
                return self.fail(word.span, format!("unexpected <{}>", word.text(self.source)));
            }
            if left {
                matching.fill_left = Some(value);
            }
            if right {
                matching.fill_right = Some(value);
            }
        }
        Ok(())
    }

    fn fill_value(&mut self) -> Parsed<f64> {
        self.next();
        let sign = match self.peek().kind {
            Kind::Operator(Operator::Sub) => -1.0,
            Kind::Operator(Operator::Add) => 1.0,
            _ => 0.0,
        };
        if sign != 0.0 {
            self.next();
        }
        if !matches!(self.peek().kind, Kind::Number | Kind::Duration) {
            return self.unexpected("fill modifier", "number");
        }
        let token = self.next();
        let number = self.number_value(&token)?;
        self.expect(&Kind::RightParen, "fill modifier", "\")\"")?;
        Ok(if sign < 0.0 { -number.value } else { number.value })
    }
}
