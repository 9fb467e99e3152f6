//! A hand-written precedence parser over tokens, with Prometheus's messages and positions.

mod aggregate;
mod binary;
mod length;
mod postfix;
mod selector;

use super::ast::{Call, Expr, ExprKind, Number, Text, Unary};
use super::error::ParseError;
use super::features::Features;
use super::functions::Function;
use super::lexer::{lex, literal};
use super::limits::{DEPTH_MAX, QUERY_BYTES_MAX};
use super::token::{Keyword, Kind, Operator, Token};
use crate::model::Span;

/// The error is in the parser's list.
pub(super) struct Stop;

pub(super) type Parsed<T> = Result<T, Stop>;

pub(super) struct Parser<'s> {
    source: &'s str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// How many aggregations are open.
    aggregations: usize,
    features: Features,
    errors: Vec<ParseError>,
}

/// Text to a tree, without looking at types. Runs on the caller's stack, whose use is bounded by `DEPTH_MAX`.
pub(super) fn parse_tree(source: &str, features: Features) -> (Option<Expr>, Vec<ParseError>) {
    if source.len() > QUERY_BYTES_MAX {
        let message = format!("query of {} bytes is longer than the limit of {QUERY_BYTES_MAX} bytes", source.len());
        return (None, vec![ParseError::new(source, Span::new(0, 0), message)]);
    }
    let mut parser = Parser { source, tokens: lex(source), at: 0, depth: 0, aggregations: 0, features, errors: Vec::new() };
    let expr = parser.whole().ok();
    (expr, parser.errors)
}

impl<'s> Parser<'s> {
    fn whole(&mut self) -> Parsed<Expr> {
        if self.peek().kind == Kind::Eof {
            return self.fail(Span::new(0, 0), "no expression found in input");
        }
        let expr = self.expr(0)?;
        if self.peek().kind != Kind::Eof {
            return self.unexpected("", "");
        }
        Ok(expr)
    }

    fn peek(&self) -> &Token {
        // The last token is the end or an error, and is never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn peek_kind(&self, ahead: usize) -> &Kind {
        &self.tokens[(self.at + ahead).min(self.tokens.len() - 1)].kind
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn accept(&mut self, kind: &Kind) -> Option<Token> {
        (self.peek().kind == *kind).then(|| self.next())
    }

    fn accept_keyword(&mut self, keyword: Keyword) -> Option<Token> {
        self.accept(&Kind::Keyword(keyword))
    }

    fn text(&self, token: &Token) -> &'s str {
        token.text(self.source)
    }

    /// Records an error and goes on.
    fn report(&mut self, span: Span, message: impl Into<String>) {
        self.errors.push(ParseError::new(self.source, span, message));
    }

    /// Records an error and stops.
    fn fail<T>(&mut self, span: Span, message: impl Into<String>) -> Parsed<T> {
        self.report(span, message);
        Err(Stop)
    }

    /// Stops at the next token with Prometheus's "unexpected ... in ..., expected ..." sentence.
    fn unexpected<T>(&mut self, context: &str, expected: &str) -> Parsed<T> {
        let token = self.peek().clone();
        if let Kind::Error(message) = token.kind {
            return self.fail(token.span, message);
        }
        // The grammar falls back to the aggregation around what it cannot read.
        let context = if context.is_empty() && expected.is_empty() && self.aggregations > 0 { "aggregation" } else { context };
        let mut message = format!("unexpected {}", token.describe(self.source));
        if !context.is_empty() {
            message.push_str(&format!(" in {context}"));
        }
        if !expected.is_empty() {
            message.push_str(&format!(", expected {expected}"));
        }
        self.fail(token.span, message)
    }

    fn expect(&mut self, kind: &Kind, context: &str, expected: &str) -> Parsed<Token> {
        match self.accept(kind) {
            Some(token) => Ok(token),
            None => self.unexpected(context, expected),
        }
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            let span = self.peek().span;
            return self.fail(span, format!("expression is nested deeper than the limit of {DEPTH_MAX} levels"));
        }
        self.depth += 1;
        let parsed = inner(self);
        self.depth -= 1;
        parsed
    }

    fn node(&mut self, kind: ExprKind, span: Span) -> Parsed<Expr> {
        let expr = Expr::new(kind, span);
        if expr.depth > DEPTH_MAX {
            return self.fail(span, format!("expression is nested deeper than the limit of {DEPTH_MAX} levels"));
        }
        Ok(expr)
    }

    fn expr(&mut self, min_precedence: u8) -> Parsed<Expr> {
        self.nested(|p| p.operators(min_precedence))
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let negative = match self.peek().kind {
            Kind::Operator(Operator::Sub) => true,
            Kind::Operator(Operator::Add) => false,
            _ => return self.postfix(),
        };
        let sign = self.next();
        // Binds as tightly as `*`, so that only `^` goes before it.
        let expr = self.expr(Operator::Pow.precedence())?;
        let span = sign.span.to(expr.span);
        if let ExprKind::Number(number) = expr.kind {
            let value = if negative { -number.value } else { number.value };
            return self.node(ExprKind::Number(Number { value, ..number }), span);
        }
        self.node(ExprKind::Unary(Box::new(Unary { negative, expr })), span)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let token = self.peek().clone();
        match &token.kind {
            Kind::Number | Kind::Duration => self.number(),
            Kind::Text => {
                self.next();
                let bytes = literal::unquote(self.text(&token)).into();
                self.node(ExprKind::Text(Text { bytes }), token.span)
            }
            Kind::LeftParen => {
                self.next();
                let inner = self.expr(0)?;
                let close = self.expect(&Kind::RightParen, "", "")?;
                self.node(ExprKind::Paren(Box::new(inner)), token.span.to(close.span))
            }
            Kind::LeftBrace => self.selector(),
            Kind::Aggregator(op) if self.starts_aggregate() => self.aggregate(*op),
            kind if kind.is_metric_word() && *self.peek_kind(1) == Kind::LeftParen && self.can_be_call(kind) => self.call(),
            kind if kind.is_metric_word() => self.selector(),
            _ => self.unexpected("", ""),
        }
    }

    fn can_be_call(&self, kind: &Kind) -> bool {
        matches!(kind, Kind::Identifier | Kind::Keyword(Keyword::Start | Keyword::End | Keyword::Step | Keyword::Range))
    }

    fn number(&mut self) -> Parsed<Expr> {
        let token = self.next();
        let number = self.number_value(&token)?;
        self.node(ExprKind::Number(number), token.span)
    }

    fn number_value(&mut self, token: &Token) -> Parsed<Number> {
        let text = self.text(token);
        let is_duration = token.kind == Kind::Duration;
        let parsed = if is_duration { literal::parse_duration(text) } else { literal::parse_number(text) };
        match parsed {
            Ok(value) => Ok(Number { value, is_duration }),
            Err(message) => self.fail(token.span, message),
        }
    }

    fn call(&mut self) -> Parsed<Expr> {
        let name = self.next();
        let text = self.text(&name);
        let known = Function::find(text).or_else(|| Function::find(&text.to_ascii_lowercase()).filter(|_| name.kind != Kind::Identifier));
        // What is wrong inside comes first.
        let (args, close) = self.arguments()?;
        let Some(function) = known else {
            return self.fail(name.span, format!("unknown function with name {}", crate::model::number::quote(text)));
        };
        if function.experimental && !self.features.experimental_functions {
            self.report(name.span, format!("function \"{}\" is not enabled", function.name));
        }
        self.node(ExprKind::Call(Box::new(Call { function, args })), name.span.to(close))
    }

    /// `(a, b)`; the span is that of the closing parenthesis.
    fn arguments(&mut self) -> Parsed<(Vec<Expr>, Span)> {
        self.expect(&Kind::LeftParen, "", "")?;
        let mut args = Vec::new();
        if let Some(close) = self.accept(&Kind::RightParen) {
            return Ok((args, close.span));
        }
        loop {
            args.push(self.expr(0)?);
            if let Some(close) = self.accept(&Kind::RightParen) {
                return Ok((args, close.span));
            }
            let Some(comma) = self.accept(&Kind::Comma) else {
                return self.unexpected("", "");
            };
            if !self.peek().kind.starts_expr() && !matches!(self.peek().kind, Kind::Error(_)) {
                return self.fail(comma.span, "trailing commas not allowed in function call args");
            }
        }
    }
}
