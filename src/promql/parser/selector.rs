//! Vector selectors: `name`, `name{...}`, `{"quoted.name", a="b"}`.

use super::{Parsed, Parser};
use crate::model::{METRIC_NAME, MatchOp, Matcher, Span};
use crate::promql::ast::{Expr, ExprKind, Modifiers, Selector};
use crate::promql::lexer::literal;
use crate::promql::token::{Kind, Operator, Token};

impl Parser<'_> {
    pub(super) fn selector(&mut self) -> Parsed<Expr> {
        let start = self.peek().span;
        let mut name = None;
        if self.peek().kind != Kind::LeftBrace {
            let token = self.next();
            name = Some(self.text(&token).to_owned());
        }
        let mut span = start;
        let mut matchers = Vec::new();
        if self.peek().kind == Kind::LeftBrace {
            let (found, close) = self.matchers()?;
            span = start.to(close);
            matchers = found;
        }
        if let Some(name) = &name {
            matchers.push(Matcher::equal(METRIC_NAME, name));
        }
        let selector =
            Selector { name, matchers, modifiers: Modifiers::default(), anchored: false, smoothed: false, statistics_only: false };
        self.node(ExprKind::Selector(selector), span)
    }

    /// What stands in braces; the span is the closing brace. A name that is set twice is found by the checks, after all that cannot
    /// be read.
    fn matchers(&mut self) -> Parsed<(Vec<Matcher>, Span)> {
        self.next();
        let mut matchers = Vec::new();
        loop {
            if let Some(close) = self.accept(&Kind::RightBrace) {
                return Ok((matchers, close.span));
            }
            self.matcher(&mut matchers)?;
            if let Some(close) = self.accept(&Kind::RightBrace) {
                return Ok((matchers, close.span));
            }
            if self.accept(&Kind::Comma).is_none() {
                return self.unexpected("label matching", "\",\" or \"}\"");
            }
        }
    }

    fn matcher(&mut self, matchers: &mut Vec<Matcher>) -> Parsed<()> {
        let token = self.peek().clone();
        let label = match &token.kind {
            Kind::Text => {
                self.next();
                let label = self.utf8(&token)?;
                let is_compared =
                    matches!(self.peek().kind, Kind::Assign | Kind::RegexMatch | Kind::RegexNotMatch | Kind::Operator(Operator::NotEqual));
                if !is_compared {
                    matchers.push(Matcher::equal(METRIC_NAME, &label));
                    return Ok(());
                }
                label
            }
            kind if kind.is_label_word() => {
                self.next();
                self.text(&token).to_owned()
            }
            _ => return self.unexpected("label matching", "identifier or \"}\""),
        };
        let op = match self.peek().kind {
            Kind::Assign => MatchOp::Equal,
            Kind::Operator(Operator::NotEqual) => MatchOp::NotEqual,
            Kind::RegexMatch => MatchOp::Regex,
            Kind::RegexNotMatch => MatchOp::NotRegex,
            _ => return self.unexpected("label matching", "label matching operator"),
        };
        self.next();
        if self.peek().kind != Kind::Text {
            return self.unexpected("label matching", "string");
        }
        let value_token = self.next();
        let value = self.utf8(&value_token)?;
        match Matcher::new(label, op, value) {
            Ok(matcher) => matchers.push(matcher),
            Err(message) => return self.fail(token.span.to(value_token.span), message),
        }
        Ok(())
    }

    fn utf8(&mut self, token: &Token) -> Parsed<String> {
        match String::from_utf8(literal::unquote(self.text(token))) {
            Ok(text) => Ok(text),
            Err(_) => self.fail(token.span, "invalid UTF-8 rune"),
        }
    }
}
