//! Tokens to trees: the main text and each `define` and `block` in it. Same grammar and messages as Go's text/template.

mod expression;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{Branch, Node, Pipe, TemplateCall, Tree};
use super::lexer::{Token, TokenKind, tokens};
use super::limits::{NESTING_MAX, TEMPLATE_BYTES_MAX};
use super::literal::unquote;
use crate::model::number::quote;

pub(super) struct Parser<'a> {
    source_name: Arc<str>,
    source: Arc<str>,
    pub(super) tokens: Vec<Token<'a>>,
    /// The next token's index.
    next: usize,
    /// The furthest token read: its line is the one that messages name.
    furthest: usize,
    pub(super) is_function: &'a dyn Fn(&str) -> bool,
    pub(super) variables: Vec<String>,
    range_depth: usize,
    pub(super) nesting: usize,
    trees: BTreeMap<String, Tree>,
}

/// What ended a list of nodes.
enum Terminator {
    End,
    Else,
}

/// Everything one text defines, by name; the text itself under `name`. The error is Go's sentence.
pub fn parse(name: &str, source: &str, is_function: &dyn Fn(&str) -> bool) -> Result<BTreeMap<String, Tree>, String> {
    if source.len() > TEMPLATE_BYTES_MAX {
        return Err(format!("template: {name}: text of {} bytes is longer than the limit of {TEMPLATE_BYTES_MAX} bytes", source.len()));
    }
    let mut parser = Parser {
        source_name: Arc::from(name),
        source: Arc::from(source),
        tokens: tokens(source),
        next: 0,
        furthest: 0,
        is_function,
        variables: vec!["$".to_owned()],
        range_depth: 0,
        nesting: 0,
        trees: BTreeMap::new(),
    };
    let body = parser.top_level()?;
    parser.add(name.to_owned(), body)?;
    Ok(parser.trees)
}

impl<'a> Parser<'a> {
    pub(super) fn error<T>(&self, message: impl std::fmt::Display) -> Result<T, String> {
        let line = self.tokens.get(self.furthest).map_or(1, |token| token.line);
        Err(format!("template: {}:{line}: {message}", self.source_name))
    }

    pub(super) fn peek(&mut self) -> &Token<'a> {
        let at = self.next.min(self.tokens.len() - 1);
        self.furthest = self.furthest.max(at);
        &self.tokens[at]
    }

    pub(super) fn take(&mut self) -> Token<'a> {
        let token = self.peek().clone();
        self.next = (self.next + 1).min(self.tokens.len());
        token
    }

    pub(super) fn back(&mut self) {
        self.next -= 1;
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().kind == TokenKind::Space {
            self.take();
        }
    }

    pub(super) fn take_word(&mut self) -> Token<'a> {
        self.skip_space();
        self.take()
    }

    pub(super) fn peek_word(&mut self) -> &Token<'a> {
        self.skip_space();
        self.peek()
    }

    pub(super) fn place(&self) -> usize {
        self.next
    }

    pub(super) fn return_to(&mut self, place: usize) {
        self.next = place;
    }

    pub(super) fn unexpected<T>(&self, token: &Token<'_>, context: &str) -> Result<T, String> {
        if token.kind != TokenKind::Error {
            return self.error(format!("unexpected {} in {context}", token.shown()));
        }
        let action = self.tokens.iter().rev().find(|t| t.kind == TokenKind::LeftDelim && t.at <= token.at);
        let started = match action {
            Some(open) if open.line != token.line && self.is_inside_action(token) => {
                let word = if token.text.ends_with(" action") { "" } else { " in action" };
                format!("{word} started at {}:{}", self.source_name, open.line)
            }
            _ => String::new(),
        };
        self.error(format!("{}{started}", token.text))
    }

    fn is_inside_action(&self, token: &Token<'_>) -> bool {
        let delimiter =
            self.tokens.iter().rev().find(|t| t.at <= token.at && matches!(t.kind, TokenKind::LeftDelim | TokenKind::RightDelim));
        delimiter.is_some_and(|t| t.kind == TokenKind::LeftDelim)
    }

    fn expect(&mut self, kind: TokenKind, context: &str) -> Result<(), String> {
        let token = self.take_word();
        if token.kind == kind { Ok(()) } else { self.unexpected(&token, context) }
    }

    fn add(&mut self, name: String, body: Vec<Node>) -> Result<(), String> {
        let tree = Tree { name: name.clone(), source_name: self.source_name.clone(), source: self.source.clone(), body };
        match self.trees.get(&name) {
            Some(present) if !present.is_empty() => {
                if !tree.is_empty() {
                    return self.error(format!("template: multiple definition of template {}", quote(&name)));
                }
            }
            _ => {
                self.trees.insert(name, tree);
            }
        }
        Ok(())
    }

    fn top_level(&mut self) -> Result<Vec<Node>, String> {
        let mut body = Vec::new();
        loop {
            match self.peek().kind {
                TokenKind::End => return Ok(body),
                TokenKind::LeftDelim => {
                    let place = self.place();
                    self.take();
                    if self.peek_word().is_keyword("define") {
                        self.take_word();
                        self.definition()?;
                        continue;
                    }
                    self.return_to(place);
                }
                _ => {}
            }
            match self.text_or_action()? {
                Ok(node) => body.push(node),
                Err(Terminator::End) => return self.error("unexpected {{end}}"),
                Err(Terminator::Else) => return self.error("unexpected {{else}}"),
            }
        }
    }

    /// `{{define "name"}} … {{end}}`, the keyword is past.
    fn definition(&mut self) -> Result<(), String> {
        let token = self.take_word();
        let name = self.template_name(&token, "define clause")?;
        self.expect(TokenKind::RightDelim, "define clause")?;
        let body = self.own_body("define clause")?;
        self.add(name, body)
    }

    /// The body of a definition: it sees no variables and no `range` of what is around it.
    fn own_body(&mut self, context: &str) -> Result<Vec<Node>, String> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let range_depth = std::mem::take(&mut self.range_depth);
        let (body, end) = self.list()?;
        self.variables = variables;
        self.range_depth = range_depth;
        match end {
            Terminator::End => Ok(body),
            Terminator::Else => self.error(format!("unexpected {{{{else}}}} in {context}")),
        }
    }

    fn template_name(&mut self, token: &Token<'_>, context: &str) -> Result<String, String> {
        match token.kind {
            TokenKind::Quoted | TokenKind::RawString => match unquote(&token.text) {
                Ok(name) => Ok(name),
                Err(message) => self.error(message),
            },
            _ => self.unexpected(token, context),
        }
    }

    /// Nodes up to `end` or `else`.
    fn list(&mut self) -> Result<(Vec<Node>, Terminator), String> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return self.error(format!("nesting is deeper than the limit of {NESTING_MAX} blocks"));
        }
        let mut nodes = Vec::new();
        while self.peek_word().kind != TokenKind::End {
            match self.text_or_action()? {
                Ok(node) => nodes.push(node),
                Err(terminator) => {
                    self.nesting -= 1;
                    return Ok((nodes, terminator));
                }
            }
        }
        self.error("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Result<Result<Node, Terminator>, String> {
        let token = self.take_word();
        match token.kind {
            TokenKind::Text => Ok(Ok(Node::Text(Arc::from(token.text.as_ref())))),
            TokenKind::LeftDelim => self.action(),
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Result<Result<Node, Terminator>, String> {
        let place = self.place();
        let token = self.take_word();
        let word = if token.kind == TokenKind::Keyword { token.text.as_ref() } else { "" };
        let node = match word {
            "block" => self.block()?,
            "break" => self.jump("{{break}}", Node::Break)?,
            "continue" => self.jump("{{continue}}", Node::Continue)?,
            "else" => {
                let after = self.peek_word();
                if !after.is_keyword("if") && !after.is_keyword("with") {
                    self.expect(TokenKind::RightDelim, "else")?;
                }
                return Ok(Err(Terminator::Else));
            }
            "end" => {
                self.expect(TokenKind::RightDelim, "end")?;
                return Ok(Err(Terminator::End));
            }
            "if" => Node::If(self.control("if")?),
            "range" => Node::Range(self.control("range")?),
            "with" => Node::With(self.control("with")?),
            "template" => Node::Call(self.template_call()?),
            _ => {
                self.return_to(place);
                Node::Action(self.pipeline("command", TokenKind::RightDelim)?)
            }
        };
        Ok(Ok(node))
    }

    fn jump(&mut self, shown: &str, node: Node) -> Result<Node, String> {
        let token = self.take_word();
        if token.kind != TokenKind::RightDelim {
            return self.unexpected(&token, shown);
        }
        if self.range_depth == 0 {
            return self.error(format!("{shown} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    fn control(&mut self, context: &str) -> Result<Branch, String> {
        let scope = self.variables.len();
        let pipe = self.pipeline(context, TokenKind::RightDelim)?;
        let is_range = usize::from(context == "range");
        self.range_depth += is_range;
        let (then, end) = self.list()?;
        self.range_depth -= is_range;
        let otherwise = match end {
            Terminator::End => None,
            Terminator::Else => Some(self.otherwise(context)?),
        };
        self.variables.truncate(scope);
        Ok(Branch { pipe, then, otherwise })
    }

    /// After `else`: `else if` and `else with` end with the outer block's `end`.
    fn otherwise(&mut self, context: &str) -> Result<Vec<Node>, String> {
        let chained = context != "range" && self.peek().is_keyword(context);
        if !chained {
            return match self.list()? {
                (nodes, Terminator::End) => Ok(nodes),
                (_, Terminator::Else) => self.error("expected end; found {{else}}"),
            };
        }
        self.take();
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return self.error(format!("nesting is deeper than the limit of {NESTING_MAX} blocks"));
        }
        let branch = self.control(context)?;
        self.nesting -= 1;
        Ok(vec![if context == "if" { Node::If(branch) } else { Node::With(branch) }])
    }

    fn block(&mut self) -> Result<Node, String> {
        let token = self.take_word();
        let name = self.template_name(&token, "block clause")?;
        let pipe = self.pipeline("block clause", TokenKind::RightDelim)?;
        let body = self.own_body("block clause")?;
        self.add(name.clone(), body)?;
        Ok(Node::Call(TemplateCall { at: token.at, name, pipe: Some(pipe) }))
    }

    fn template_call(&mut self) -> Result<TemplateCall, String> {
        let token = self.take_word();
        let name = self.template_name(&token, "template clause")?;
        if self.take_word().kind == TokenKind::RightDelim {
            return Ok(TemplateCall { at: token.at, name, pipe: None });
        }
        self.back();
        let pipe: Pipe = self.pipeline("template clause", TokenKind::RightDelim)?;
        Ok(TemplateCall { at: token.at, name, pipe: Some(pipe) })
    }
}
