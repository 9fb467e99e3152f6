//! Template text to tokens: plain text, and what stands between `{{` and `}}`.

use crate::model::number::quote;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Error,
    Bool,
    Char,
    CharConstant,
    Assign,
    Declare,
    End,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    Text,
    Quoted,
    Variable,
    Dot,
    Nil,
    Keyword,
}

/// One token; `at` is the byte offset of its start, `line` counts from 1.
#[derive(Clone, Debug)]
pub struct Token<'a> {
    pub kind: TokenKind,
    pub at: usize,
    pub line: usize,
    pub text: std::borrow::Cow<'a, str>,
}

impl Token<'_> {
    pub fn is_keyword(&self, word: &str) -> bool {
        self.kind == TokenKind::Keyword && self.text == word
    }

    /// As Go's parser shows it in messages.
    pub fn shown(&self) -> String {
        match self.kind {
            TokenKind::End => "EOF".to_owned(),
            TokenKind::Error => self.text.to_string(),
            TokenKind::Keyword | TokenKind::Dot | TokenKind::Nil => format!("<{}>", self.text),
            _ if self.text.len() > 10 => {
                let head: String = self.text.chars().take(10).collect();
                format!("{}...", quote(&head))
            }
            _ => quote(&self.text),
        }
    }
}

const KEYWORDS: [&str; 10] = ["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"];
const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    open_parens: usize,
    tokens: Vec<Token<'a>>,
}

/// All tokens; the last is `End` or `Error`.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { source, at: 0, line: 1, open_parens: 0, tokens: Vec::new() };
    if let Err(message) = lexer.run() {
        let (at, line) = (lexer.at, lexer.line);
        lexer.tokens.push(Token { kind: TokenKind::Error, at, line, text: message.into() });
    }
    lexer.tokens
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn emit(&mut self, kind: TokenKind, length: usize) {
        let text = &self.source[self.at..self.at + length];
        self.tokens.push(Token { kind, at: self.at, line: self.line, text: text.into() });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        self.line += self.source[self.at..self.at + length].matches('\n').count();
        self.at += length;
    }

    fn run(&mut self) -> Result<(), String> {
        loop {
            let rest = self.rest();
            let Some(found) = rest.find(LEFT) else {
                if !rest.is_empty() {
                    self.emit(TokenKind::Text, rest.len());
                }
                self.emit(TokenKind::End, 0);
                return Ok(());
            };
            let trims = has_left_trim(&rest[found + LEFT.len()..]);
            let text = if trims { rest[..found].trim_end_matches(SPACES) } else { &rest[..found] };
            if !text.is_empty() {
                self.emit(TokenKind::Text, text.len());
            }
            self.skip(found - text.len());
            self.action(trims)?;
        }
    }

    /// From the left delimiter to behind the right one.
    fn action(&mut self, trims: bool) -> Result<(), String> {
        let after = LEFT.len() + if trims { 2 } else { 0 };
        if self.rest()[after..].starts_with("/*") {
            self.skip(after);
            return self.comment();
        }
        self.emit(TokenKind::LeftDelim, LEFT.len());
        self.skip(after - LEFT.len());
        self.open_parens = 0;
        while !self.inside()? {}
        Ok(())
    }

    fn comment(&mut self) -> Result<(), String> {
        let end = self.rest().find("*/").ok_or("unclosed comment")?;
        self.skip(end + 2);
        match right_delim(self.rest()) {
            Some(trims) => {
                self.close(trims);
                Ok(())
            }
            None => Err("comment ends before closing delimiter".to_owned()),
        }
    }

    /// Skips the right delimiter and the space it trims.
    fn close(&mut self, trims: bool) {
        if trims {
            self.skip(2 + RIGHT.len());
            let rest = self.rest();
            self.skip(rest.len() - rest.trim_start_matches(SPACES).len());
        } else {
            self.skip(RIGHT.len());
        }
    }

    /// One token inside an action; true when the action is over.
    fn inside(&mut self) -> Result<bool, String> {
        let rest = self.rest();
        if let Some(trims) = right_delim(rest) {
            if self.open_parens > 0 {
                return Err("unclosed left paren".to_owned());
            }
            let at = if trims { 2 } else { 0 };
            let (start, line) = (self.at + at, self.line);
            self.tokens.push(Token { kind: TokenKind::RightDelim, at: start, line, text: RIGHT.into() });
            self.close(trims);
            return Ok(true);
        }
        let Some(first) = rest.chars().next() else { return Err("unclosed action".to_owned()) };
        match first {
            ' ' | '\t' | '\r' | '\n' => self.space(),
            '"' => self.quoted('"', TokenKind::Quoted, "unterminated quoted string")?,
            '\'' => self.quoted('\'', TokenKind::CharConstant, "unterminated character constant")?,
            '`' => {
                let end = rest[1..].find('`').ok_or("unterminated raw quoted string")?;
                self.emit(TokenKind::RawString, end + 2);
            }
            '$' => self.word(TokenKind::Variable)?,
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => self.word(TokenKind::Field)?,
            '+' | '-' | '.' | '0'..='9' => self.number()?,
            c if is_word(c) => self.word(TokenKind::Identifier)?,
            _ => self.punctuation(first)?,
        }
        Ok(false)
    }

    /// Space, but a ` -}}` at its end belongs to the delimiter.
    fn space(&mut self) {
        let rest = self.rest();
        let mut length = rest.len() - rest.trim_start_matches(SPACES).len();
        if rest[length..].starts_with("-}}") {
            length -= 1;
        }
        if length > 0 {
            self.emit(TokenKind::Space, length);
        }
    }

    fn punctuation(&mut self, first: char) -> Result<(), String> {
        match first {
            '=' => self.emit(TokenKind::Assign, 1),
            ':' if self.rest().starts_with(":=") => self.emit(TokenKind::Declare, 2),
            ':' => return Err("expected :=".to_owned()),
            '|' => self.emit(TokenKind::Pipe, 1),
            '(' => {
                self.open_parens += 1;
                self.emit(TokenKind::LeftParen, 1);
            }
            ')' => {
                self.open_parens = self.open_parens.checked_sub(1).ok_or("unexpected right paren")?;
                self.emit(TokenKind::RightParen, 1);
            }
            c if c.is_ascii_graphic() => self.emit(TokenKind::Char, 1),
            c => return Err(format!("unrecognized character in action: {}", code_point(c))),
        }
        Ok(())
    }

    fn quoted(&mut self, mark: char, kind: TokenKind, unterminated: &str) -> Result<(), String> {
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == mark => {
                    self.emit(kind, at + 1);
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(unterminated.to_owned())
    }

    /// `$name`, `.Name`, a lone `$` or `.`, a keyword, a constant or a function's name.
    fn word(&mut self, kind: TokenKind) -> Result<(), String> {
        let rest = self.rest();
        let sigil = usize::from(kind != TokenKind::Identifier);
        let length = sigil + rest[sigil..].find(|c| !is_word(c)).unwrap_or(rest.len() - sigil);
        self.check_terminator(length)?;
        if length == 1 && kind == TokenKind::Field {
            self.emit(TokenKind::Dot, 1);
            return Ok(());
        }
        let word = &rest[..length];
        let kind = match word {
            _ if kind != TokenKind::Identifier => kind,
            "true" | "false" => TokenKind::Bool,
            "nil" => TokenKind::Nil,
            word if KEYWORDS.contains(&word) => TokenKind::Keyword,
            _ => kind,
        };
        self.emit(kind, length);
        Ok(())
    }

    fn check_terminator(&self, length: usize) -> Result<(), String> {
        let rest = &self.rest()[length..];
        match rest.chars().next() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => Ok(()),
            Some(_) if rest.starts_with(RIGHT) => Ok(()),
            Some(c) => Err(format!("bad character {}", code_point(c))),
        }
    }

    fn number(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let mut length = number_length(rest);
        let bad = |end: usize| Err(format!("bad number syntax: {}", quote(&rest[..end])));
        let mut last = scan_end(rest, length);
        // `1+2i`: complex numbers are read so far as to be refused in one piece.
        if last == Ok(length) && rest[length..].starts_with(['+', '-']) {
            length += number_length(&rest[length..]);
            last = scan_end(rest, length);
            return bad(last.unwrap_or_else(|end| end));
        }
        if let Err(end) = last {
            return bad(end);
        }
        self.emit(TokenKind::Number, length);
        Ok(())
    }
}

/// The end of a number: behind an `i`, if there is one; an error with the end that is shown where a word goes on.
fn scan_end(text: &str, length: usize) -> Result<usize, usize> {
    let end = length + usize::from(text[length..].starts_with('i'));
    match text[end..].chars().next().filter(|c| is_word(*c)) {
        Some(c) => Err(end + c.len_utf8()),
        None if end > length => Err(end),
        None => Ok(end),
    }
}

/// `{{- ` trims the space before it.
fn has_left_trim(after: &str) -> bool {
    after.starts_with('-') && after[1..].starts_with(SPACES)
}

/// Whether the text begins with a right delimiter, and whether it trims.
fn right_delim(rest: &str) -> Option<bool> {
    if rest.starts_with(RIGHT) {
        return Some(false);
    }
    let mut chars = rest.chars();
    (chars.next().is_some_and(|c| SPACES.contains(&c)) && chars.as_str().starts_with("-}}")).then_some(true)
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Go's `%#U`.
fn code_point(c: char) -> String {
    if c.is_control() { format!("U+{:04X}", c as u32) } else { format!("U+{:04X} '{c}'", c as u32) }
}

/// The bytes of a Go number literal at the start of the text.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = usize::from(bytes[0] == b'+' || bytes[0] == b'-');
    let (digits, exponent): (&[u8], &[u8]) = match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'0'), Some(b'x' | b'X')) => (b"0123456789abcdefABCDEF_", b"pP"),
        (Some(b'0'), Some(b'o' | b'O')) => (b"01234567_", b""),
        (Some(b'0'), Some(b'b' | b'B')) => (b"01_", b""),
        _ => (b"0123456789_", b"eE"),
    };
    at += if digits.len() == 11 { 0 } else { 2 };
    let run = |from: usize, set: &[u8]| from + bytes[from..].iter().take_while(|b| set.contains(b)).count();
    at = run(at, digits);
    if bytes.get(at) == Some(&b'.') {
        at = run(at + 1, digits);
    }
    if bytes.get(at).is_some_and(|b| exponent.contains(b)) {
        at += 1;
        at += usize::from(bytes.get(at).is_some_and(|b| b"+-".contains(b)));
        at = run(at, b"0123456789_");
    }
    at
}
