//! What follows a selector or subquery: brackets, `offset`, `@`, `anchored`, `smoothed`.

use super::{Parsed, Parser};
use crate::model::{Span, TimestampMs};
use crate::promql::ast::{At, Expr, ExprKind, Length, Modifiers, RangeSelector, Subquery};
use crate::promql::token::{Keyword, Kind, Operator};

impl Parser<'_> {
    pub(super) fn postfix(&mut self) -> Parsed<Expr> {
        let mut expr = self.primary()?;
        loop {
            expr = match self.peek().kind {
                Kind::LeftBracket => self.brackets(expr)?,
                Kind::Keyword(Keyword::Offset) => self.offset(expr)?,
                Kind::At => self.at_modifier(expr)?,
                Kind::Keyword(keyword @ (Keyword::Anchored | Keyword::Smoothed)) => self.extended(expr, keyword)?,
                _ => return Ok(expr),
            };
        }
    }

    fn brackets(&mut self, expr: Expr) -> Parsed<Expr> {
        self.next();
        let range = self.positive_length()?;
        if self.accept(&Kind::Colon).is_some() {
            let step = if self.peek().kind == Kind::RightBracket { None } else { Some(self.positive_length()?) };
            let close = self.expect(&Kind::RightBracket, "subquery selector", "\"]\"")?;
            let span = expr.span.to(close.span);
            return self.node(ExprKind::Subquery(Box::new(Subquery { expr, range, step, modifiers: Modifiers::default() })), span);
        }
        let close = self.expect(&Kind::RightBracket, "subquery or range", "\":\" or \"]\"")?;
        let span = expr.span.to(close.span);
        let selector_span = expr.span;
        let ExprKind::Selector(selector) = expr.kind else {
            return self.fail(span_of_brackets(selector_span, close.span), "ranges only allowed for vector selectors");
        };
        let brackets = span_of_brackets(selector_span, close.span);
        if selector.modifiers.offset != Length::default() {
            return self.fail(brackets, "no offset modifiers allowed before range");
        }
        if selector.modifiers.at.is_some() {
            return self.fail(brackets, "no @ modifiers allowed before range");
        }
        if selector.anchored || selector.smoothed {
            return self.fail(brackets, "no anchored or smoothed modifiers allowed before range");
        }
        self.node(ExprKind::Range(Box::new(RangeSelector { selector, selector_span, range })), span)
    }

    fn offset(&mut self, mut expr: Expr) -> Parsed<Expr> {
        self.next();
        let length = self.offset_length()?;
        let end = self.tokens[self.at - 1].span;
        let span = expr.span;
        let Some(modifiers) = modifiers_of(&mut expr) else {
            return self
                .fail(span, "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery");
        };
        if modifiers.offset != Length::default() {
            return self.fail(span, "offset may not be set multiple times");
        }
        modifiers.offset = length;
        expr.span = expr.span.to(end);
        Ok(expr)
    }

    fn at_modifier(&mut self, mut expr: Expr) -> Parsed<Expr> {
        self.next();
        let at = self.at_value(expr.span)?;
        let end = self.tokens[self.at - 1].span;
        let span = expr.span;
        let Some(modifiers) = modifiers_of(&mut expr) else {
            return self.fail(span, "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery");
        };
        if modifiers.at.is_some() {
            return self.fail(span, "@ <timestamp> may not be set multiple times");
        }
        modifiers.at = Some(at);
        expr.span = expr.span.to(end);
        Ok(expr)
    }

    fn at_value(&mut self, of: Span) -> Parsed<At> {
        let token = self.peek().clone();
        let preprocessor = match token.kind {
            Kind::Keyword(Keyword::Start) => Some(At::Start),
            Kind::Keyword(Keyword::End) => Some(At::End),
            _ => None,
        };
        if let Some(at) = preprocessor {
            self.next();
            self.expect(&Kind::LeftParen, "@", "timestamp")?;
            self.expect(&Kind::RightParen, "@", "timestamp")?;
            return Ok(at);
        }
        let negative = token.kind == Kind::Operator(Operator::Sub);
        if negative || token.kind == Kind::Operator(Operator::Add) {
            self.next();
        }
        if !matches!(self.peek().kind, Kind::Number | Kind::Duration) {
            return self.unexpected("@", "timestamp");
        }
        let number_token = self.next();
        let number = self.number_value(&number_token)?;
        let seconds = if negative { -number.value } else { number.value };
        if !seconds.is_finite() || seconds.abs() >= i64::MAX as f64 / 1000.0 {
            let shown = crate::model::number::format_general(seconds);
            return self.fail(of, format!("timestamp out of bounds for @ modifier: {shown}"));
        }
        Ok(At::Time(TimestampMs::from_seconds(seconds)))
    }

    fn extended(&mut self, mut expr: Expr, keyword: Keyword) -> Parsed<Expr> {
        let word = self.next();
        let name = if keyword == Keyword::Anchored { "anchored" } else { "smoothed" };
        if !self.features.extended_range_selectors {
            let message = format!("{name} modifier is experimental and not enabled");
            self.report(word.span, message);
        }
        let span = expr.span;
        let selector = match &mut expr.kind {
            ExprKind::Selector(selector) => selector,
            ExprKind::Range(range) => &mut range.selector,
            ExprKind::Subquery(_) => return self.fail(span, format!("{name} modifier is not supported for subqueries")),
            _ => return self.fail(span, format!("{name} modifier not implemented")),
        };
        if selector.anchored || selector.smoothed {
            return self.fail(span, "anchored and smoothed modifiers cannot be used together");
        }
        selector.anchored = keyword == Keyword::Anchored;
        selector.smoothed = keyword == Keyword::Smoothed;
        expr.span = expr.span.to(word.span);
        Ok(expr)
    }
}

fn span_of_brackets(before: Span, close: Span) -> Span {
    Span::new(before.end, close.end)
}

fn modifiers_of(expr: &mut Expr) -> Option<&mut Modifiers> {
    match &mut expr.kind {
        ExprKind::Selector(selector) => Some(&mut selector.modifiers),
        ExprKind::Range(range) => Some(&mut range.selector.modifiers),
        ExprKind::Subquery(subquery) => Some(&mut subquery.modifiers),
        _ => None,
    }
}
