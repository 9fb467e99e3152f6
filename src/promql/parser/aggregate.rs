//! Aggregations and the label lists that they and matching clauses have.

use super::{Parsed, Parser};
use crate::model::number::quote;
use crate::promql::ast::{Aggregate, Expr, ExprKind};
use crate::promql::lexer::literal;
use crate::promql::token::{Aggregator, Keyword, Kind};

impl Parser<'_> {
    /// An aggregator's word is a metric name unless a parenthesis or a grouping follows.
    pub(super) fn starts_aggregate(&self) -> bool {
        matches!(self.peek_kind(1), Kind::LeftParen | Kind::Keyword(Keyword::By | Keyword::Without))
    }

    pub(super) fn aggregate(&mut self, op: Aggregator) -> Parsed<Expr> {
        let name = self.next();
        if op.is_experimental() && !self.features.experimental_functions {
            let message =
                format!("{}() is experimental and must be enabled with --enable-feature=promql-experimental-functions", op.as_str());
            self.report(name.span, message);
        }
        let before = self.grouping()?;
        if self.peek().kind != Kind::LeftParen {
            return self.unexpected("aggregation", "");
        }
        self.aggregations += 1;
        let (mut args, close) = self.arguments()?;
        self.aggregations -= 1;
        let mut span = name.span.to(close);
        let mut grouping = before;
        if grouping.is_none() {
            grouping = self.grouping()?;
            if grouping.is_some() {
                span = name.span.to(self.tokens[self.at - 1].span);
            }
        }
        let wanted = if op.has_parameter() { 2 } else { 1 };
        if args.is_empty() {
            return self.fail(span, "no arguments for aggregate expression provided");
        }
        if args.len() != wanted {
            let message = format!("wrong number of arguments for aggregate expression provided, expected {wanted}, got {}", args.len());
            return self.fail(span, message);
        }
        let (without, grouping) = grouping.unwrap_or_default();
        let Some(expr) = args.pop() else { return self.unexpected("aggregation", "") };
        let parameter = args.pop();
        self.node(ExprKind::Aggregate(Box::new(Aggregate { op, expr, parameter, without, grouping })), span)
    }

    /// `by (...)` or `without (...)`, if it is there.
    fn grouping(&mut self) -> Parsed<Option<(bool, Vec<String>)>> {
        let without = match self.peek().kind {
            Kind::Keyword(Keyword::By) => false,
            Kind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.next();
        Ok(Some((without, self.grouping_labels()?)))
    }

    pub(super) fn grouping_labels(&mut self) -> Parsed<Vec<String>> {
        self.expect(&Kind::LeftParen, "grouping opts", "\"(\"")?;
        let mut labels = Vec::new();
        if self.accept(&Kind::RightParen).is_some() {
            return Ok(labels);
        }
        loop {
            labels.push(self.grouping_label()?);
            if self.accept(&Kind::RightParen).is_some() {
                return Ok(labels);
            }
            self.expect(&Kind::Comma, "grouping opts", "\",\" or \")\"")?;
            if self.accept(&Kind::RightParen).is_some() {
                return Ok(labels);
            }
        }
    }

    fn grouping_label(&mut self) -> Parsed<String> {
        let token = self.peek().clone();
        if token.kind == Kind::Text {
            self.next();
            let bytes = literal::unquote(self.text(&token));
            return match String::from_utf8(bytes) {
                Ok(name) if !name.is_empty() => Ok(name),
                other => {
                    let shown = other.unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned());
                    self.fail(token.span, format!("invalid label name for grouping: {}", quote(&shown)))
                }
            };
        }
        if token.kind.is_label_word() {
            self.next();
            return Ok(self.text(&token).to_owned());
        }
        self.unexpected("grouping opts", "label")
    }
}
