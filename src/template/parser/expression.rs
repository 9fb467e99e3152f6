//! The part of the grammar inside an action: pipelines, commands, operands.

use std::sync::Arc;

use super::Parser;
use crate::model::number::quote;
use crate::template::ast::{Command, Operand, Pipe};
use crate::template::lexer::TokenKind;
use crate::template::limits::NESTING_MAX;
use crate::template::literal::{number, unquote};

impl Parser<'_> {
    /// `declarations? command ('|' command)*`, up to `end`, which is consumed.
    pub(super) fn pipeline(&mut self, context: &str, end: TokenKind) -> Result<Pipe, String> {
        let at = self.peek_word().at;
        let mut pipe = Pipe { at, assigns: false, variables: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.take_word();
            match token.kind {
                kind if kind == end => {
                    self.check(&pipe, context)?;
                    return Ok(pipe);
                }
                TokenKind::Bool
                | TokenKind::CharConstant
                | TokenKind::Dot
                | TokenKind::Field
                | TokenKind::Identifier
                | TokenKind::Number
                | TokenKind::Nil
                | TokenKind::RawString
                | TokenKind::Quoted
                | TokenKind::Variable
                | TokenKind::LeftParen => {
                    self.back();
                    pipe.commands.push(self.command()?);
                }
                _ => return self.unexpected(&token, context),
            }
        }
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<(), String> {
        while self.peek_word().kind == TokenKind::Variable {
            let place = self.place();
            let variable = self.take();
            let next = self.peek_word().clone();
            let is_comma = next.kind == TokenKind::Char && next.text == ",";
            if !is_comma && !matches!(next.kind, TokenKind::Assign | TokenKind::Declare) {
                self.return_to(place);
                return Ok(());
            }
            self.take_word();
            pipe.variables.push(variable.text.to_string());
            self.variables.push(variable.text.to_string());
            if !is_comma {
                pipe.assigns = next.kind == TokenKind::Assign;
                return Ok(());
            }
            if context != "range" || pipe.variables.len() >= 2 {
                return self.error(format!("too many declarations in {context}"));
            }
            if !matches!(self.peek_word().kind, TokenKind::Variable | TokenKind::RightDelim | TokenKind::RightParen) {
                return self.error("range can only initialize variables");
            }
        }
        Ok(())
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Result<(), String> {
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let is_constant = matches!(
                command.args.first(),
                Some(Operand::Bool { .. } | Operand::Dot { .. } | Operand::Nil { .. } | Operand::Number { .. } | Operand::Text { .. })
            );
            if is_constant {
                return self.error(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command, String> {
        let at = self.peek_word().at;
        let mut args = Vec::new();
        loop {
            self.skip_space();
            if let Some(operand) = self.operand()? {
                args.push(operand);
            }
            let token = self.take();
            match token.kind {
                TokenKind::Space => continue,
                TokenKind::RightDelim | TokenKind::RightParen => self.back(),
                TokenKind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if args.is_empty() {
            return self.error("empty command");
        }
        Ok(Command { at, args })
    }

    /// A term and the fields behind it.
    fn operand(&mut self) -> Result<Option<Operand>, String> {
        let Some(term) = self.term()? else { return Ok(None) };
        if self.peek().kind != TokenKind::Field {
            return Ok(Some(term));
        }
        let at = self.peek().at;
        let mut fields = Vec::new();
        while self.peek().kind == TokenKind::Field {
            fields.push(self.take().text[1..].to_owned());
        }
        match term {
            Operand::Field { mut names, .. } => {
                names.extend(fields);
                Ok(Some(Operand::Field { at, names }))
            }
            Operand::Variable { mut names, .. } => {
                names.extend(fields);
                Ok(Some(Operand::Variable { at, names }))
            }
            Operand::Bool { .. } | Operand::Text { .. } | Operand::Number { .. } | Operand::Nil { .. } | Operand::Dot { .. } => {
                self.error(format!("unexpected . after term {}", quote(&term.to_string())))
            }
            node => Ok(Some(Operand::Chain { at, node: Box::new(node), names: fields })),
        }
    }

    fn term(&mut self) -> Result<Option<Operand>, String> {
        let token = self.take_word();
        let at = token.at;
        let operand = match token.kind {
            TokenKind::Identifier => {
                if !(self.is_function)(&token.text) {
                    return self.error(format!("function {} not defined", quote(&token.text)));
                }
                Operand::Identifier { at, name: token.text.to_string() }
            }
            TokenKind::Dot => Operand::Dot { at },
            TokenKind::Nil => Operand::Nil { at },
            TokenKind::Variable => {
                if !self.variables.iter().any(|name| *name == token.text) {
                    return self.error(format!("undefined variable {}", quote(&token.text)));
                }
                Operand::Variable { at, names: vec![token.text.to_string()] }
            }
            TokenKind::Field => Operand::Field { at, names: vec![token.text[1..].to_owned()] },
            TokenKind::Bool => Operand::Bool { at, value: token.text == "true" },
            TokenKind::CharConstant | TokenKind::Number => match number(&token.text) {
                Ok(number) => Operand::Number { at, number },
                Err(message) => return self.error(message),
            },
            TokenKind::LeftParen => {
                self.nesting += 1;
                if self.nesting > NESTING_MAX {
                    return self.error("max expression depth exceeded");
                }
                let pipe = self.pipeline("parenthesized pipeline", TokenKind::RightParen)?;
                self.nesting -= 1;
                Operand::Pipe(Box::new(pipe))
            }
            TokenKind::Quoted | TokenKind::RawString => match unquote(&token.text) {
                Ok(text) => Operand::Text { at, quoted: token.text.to_string(), text: Arc::from(text) },
                Err(message) => return self.error(message),
            },
            _ => {
                self.back();
                return Ok(None);
            }
        };
        Ok(Some(operand))
    }
}
