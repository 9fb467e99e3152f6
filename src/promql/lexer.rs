//! Text to tokens, with nom. What a character means depends on whether it stands in braces, in brackets or outside both.

pub mod literal;

use nom::branch::alt;
use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::{char, satisfy};
use nom::combinator::recognize;
use nom::multi::many0_count;
use nom::sequence::pair;
use nom::{IResult, Parser};

use super::token::{Kind, Operator, Token};
use crate::model::Span;

/// A prefix that a piece of grammar accepts.
type Scan<'s> = IResult<&'s str, &'s str>;

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_word_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Go's `unicode` is not asked: Prometheus skips these four only.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn blank(input: &str) -> Scan<'_> {
    let comment = recognize(pair(char('#'), take_while(|c| c != '\n' && c != '\r')));
    recognize(many0_count(alt((take_while1(is_space), comment)))).parse(input)
}

fn word(input: &str) -> Scan<'_> {
    recognize(pair(satisfy(|c| is_word_start(c) || c == ':'), take_while(|c| is_word_part(c) || c == ':'))).parse(input)
}

fn label_word(input: &str) -> Scan<'_> {
    recognize(pair(satisfy(is_word_start), take_while(is_word_part))).parse(input)
}

/// Takes a number as Prometheus's scanner does: where it ended, and whether what it took is one.
fn scan_number(bytes: &[u8]) -> (usize, bool) {
    let is = |at: usize, set: &[u8]| bytes.get(at).is_some_and(|b| set.contains(b));
    let is_hex = is(0, b"0") && is(1, b"xX");
    let mut at = if is_hex { 2 + usize::from(is(2, b"_")) } else { 0 };
    let is_digit = |at: usize| bytes.get(at).is_some_and(|b| if is_hex { b.is_ascii_hexdigit() } else { b.is_ascii_digit() });
    // A leading zero is taken before anything else, then a point, then a digit.
    at += usize::from(!is_hex && is(0, b"0"));
    at += usize::from(is(at, b"."));
    at += usize::from(is_digit(at));
    let (mut dotted, mut raised) = (false, false);
    while is_digit(at) || is(at, b"._eE") {
        match bytes[at] {
            b'.' if dotted || is_hex => return (at + 1, false),
            b'.' => {
                dotted = true;
                at += 1;
                if is(at, b"_.") {
                    return (at + 1, false);
                }
            }
            b'e' | b'E' if raised => return (at + 1, false),
            b'e' | b'E' => {
                raised = true;
                at += 1;
                at += usize::from(is(at, b"+-"));
                // The end of the text does not do, though a parenthesis would.
                if at >= bytes.len() || is(at, b"._eE") {
                    return ((at + 1).min(bytes.len()), false);
                }
            }
            b'_' => {
                at += 1;
                if at >= bytes.len() || is(at, b"._eE") {
                    return ((at + 1).min(bytes.len()), false);
                }
            }
            _ => {
                while is_digit(at) {
                    at += 1;
                }
            }
        }
    }
    (at, at > 0 && !bytes.get(at).is_some_and(|b| is_word_part(char::from(*b))))
}

/// Goes on from where no number was found: units, each behind its digits; the year only first. The error is how many bytes to show.
fn scan_units(bytes: &[u8], start: usize) -> Result<usize, usize> {
    let is = |at: usize, set: &[u8]| bytes.get(at).is_some_and(|b| set.contains(b));
    let (mut at, mut units) = (start, b"smhdwy".as_slice());
    loop {
        if !is(at, units) {
            return Err(at);
        }
        at += 1;
        // `ms`; what else ends in `s` is named when the duration is read.
        at += usize::from(is(at, b"s"));
        let digits = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            break;
        }
        at += digits;
        units = b"smhdw";
    }
    if bytes.get(at).is_some_and(|b| is_word_part(char::from(*b))) { Err(at + 1) } else { Ok(at) }
}

/// The number or duration that the input starts with. The error is how many bytes to show.
fn number_or_duration(input: &str) -> Result<(Kind, usize), usize> {
    match scan_number(input.as_bytes()) {
        (end, true) => Ok((Kind::Number, end)),
        (end, false) => scan_units(input.as_bytes(), end).map(|end| (Kind::Duration, end)),
    }
}

/// Operators outside braces, the longer first.
const OPERATORS: [(&str, Operator); 14] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessEqual),
    (">=", Operator::GreaterEqual),
    ("</", Operator::TrimUpper),
    (">/", Operator::TrimLower),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("+", Operator::Add),
    ("-", Operator::Sub),
    ("*", Operator::Mul),
    ("/", Operator::Div),
    ("%", Operator::Mod),
    ("^", Operator::Pow),
];

/// Reads the whole text. The last token is the end of input or an error.
pub fn lex(source: &str) -> Vec<Token> {
    let mut lexer =
        Lexer { source, at: 0, tokens: Vec::new(), parens: 0, in_braces: false, in_brackets: false, brackets: Brackets::default() };
    loop {
        let done = lexer.step();
        if done {
            return lexer.tokens;
        }
    }
}

/// What has been seen since `[`.
#[derive(Default)]
struct Brackets {
    colon: bool,
    value: bool,
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
    tokens: Vec<Token>,
    parens: usize,
    in_braces: bool,
    in_brackets: bool,
    brackets: Brackets,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn push(&mut self, kind: Kind, length: usize) -> bool {
        let start = self.at;
        self.at += length;
        self.tokens.push(Token { kind, span: Span::new(start, self.at) });
        false
    }

    fn fail(&mut self, message: String) -> bool {
        self.fail_at(self.at, message)
    }

    fn fail_at(&mut self, start: usize, message: String) -> bool {
        self.tokens.push(Token { kind: Kind::Error(message), span: Span::new(start, self.source.len().max(start)) });
        true
    }

    fn end(&mut self) -> bool {
        let at = self.source.len();
        self.tokens.push(Token { kind: Kind::Eof, span: Span::new(at, at) });
        true
    }

    /// Takes one token; true at the end.
    fn step(&mut self) -> bool {
        if let Ok((rest, _)) = blank(self.rest()) {
            self.at = self.source.len() - rest.len();
        }
        let Some(c) = self.rest().chars().next() else {
            return self.at_end();
        };
        match c {
            ',' => self.push(Kind::Comma, 1),
            '"' | '\'' | '`' if self.in_brackets && !self.in_braces => {
                self.fail(format!("unexpected character in duration expression: {}", literal::quote_char(Some(c))))
            }
            '"' | '\'' | '`' => self.text(c),
            _ if self.in_braces => self.step_in_braces(c),
            _ => self.step_outside(c),
        }
    }

    fn at_end(&mut self) -> bool {
        if self.in_braces {
            return self.fail("unexpected end of input inside braces".to_owned());
        }
        if self.in_brackets {
            let message = match (self.brackets.value, self.parens) {
                (false, _) => "unexpected end of input in duration expression",
                (true, 0) => "unclosed left bracket",
                (true, _) => "unclosed left parenthesis",
            };
            return self.fail(message.to_owned());
        }
        if self.parens > 0 {
            return self.fail("unclosed left parenthesis".to_owned());
        }
        self.end()
    }

    fn step_in_braces(&mut self, c: char) -> bool {
        let next = self.rest()[c.len_utf8()..].chars().next();
        match (c, next) {
            ('=', Some('~')) => self.push(Kind::RegexMatch, 2),
            ('=', _) => self.push(Kind::Assign, 1),
            ('!', Some('~')) => self.push(Kind::RegexNotMatch, 2),
            ('!', Some('=')) => self.push(Kind::Operator(Operator::NotEqual), 2),
            ('!', other) => {
                let message = format!("unexpected character after '!' inside braces: {}", literal::quote_char(other));
                self.fail(message)
            }
            ('{', _) => self.fail("unexpected left brace '{'".to_owned()),
            ('}', _) => {
                self.in_braces = false;
                self.push(Kind::RightBrace, 1)
            }
            _ => match label_word(self.rest()) {
                Ok((_, found)) => self.push(Kind::Identifier, found.len()),
                Err(_) => self.fail(format!("unexpected character inside braces: {}", literal::quote_char(Some(c)))),
            },
        }
    }

    fn step_outside(&mut self, c: char) -> bool {
        let next = self.rest()[c.len_utf8()..].chars().next();
        match c {
            '(' => {
                self.parens += 1;
                self.push(Kind::LeftParen, 1)
            }
            // Prometheus sees this and some others only after the character.
            ')' if self.parens == 0 => self.fail_at(self.at + 1, "unexpected right parenthesis ')'".to_owned()),
            ')' => {
                self.parens -= 1;
                self.push(Kind::RightParen, 1)
            }
            '{' => {
                self.in_braces = true;
                self.push(Kind::LeftBrace, 1)
            }
            '[' if self.in_brackets => self.fail("unexpected character in duration expression: '['".to_owned()),
            '[' => {
                self.in_brackets = true;
                self.brackets = Brackets::default();
                self.push(Kind::LeftBracket, 1)
            }
            ']' if !self.in_brackets => self.fail("unexpected right bracket ']'".to_owned()),
            ']' => {
                self.in_brackets = false;
                self.push(Kind::RightBracket, 1)
            }
            ':' if self.in_brackets => self.colon(),
            '@' => self.push(Kind::At, 1),
            '=' if next != Some('=') && next != Some('~') => self.push(Kind::Assign, 1),
            '=' if next == Some('~') => self.fail("unexpected character after '=': '~'".to_owned()),
            '!' if next != Some('=') => {
                let message = format!("unexpected character after '!': {}", literal::quote_char(next));
                self.fail(message)
            }
            _ => self.operator_number_or_word(c, next),
        }
    }

    fn colon(&mut self) -> bool {
        if !self.brackets.value {
            return self.fail_at(self.at + 1, "unexpected colon before duration in duration expression".to_owned());
        }
        if self.brackets.colon {
            return self.fail("unexpected colon ':'".to_owned());
        }
        self.brackets.colon = true;
        self.push(Kind::Colon, 1)
    }

    fn operator_number_or_word(&mut self, c: char, next: Option<char>) -> bool {
        if let Some((text, operator)) = OPERATORS.iter().find(|(text, _)| self.rest().starts_with(text)) {
            return self.push(Kind::Operator(*operator), text.len());
        }
        if c.is_ascii_digit() || (c == '.' && next.is_some_and(|n| n.is_ascii_digit())) {
            self.brackets.value = true;
            return match number_or_duration(self.rest()) {
                Ok((kind, length)) => self.push(kind, length),
                Err(length) => {
                    let shown: String = self.rest().chars().take(length).collect();
                    self.fail(format!("bad number or duration syntax: {}", crate::model::number::quote(&shown)))
                }
            };
        }
        // A colon inside brackets parts range from step, so words there do not hold one.
        let scan = if self.in_brackets { label_word } else { word };
        match scan(self.rest()) {
            Ok((_, found)) => {
                self.brackets.value = true;
                self.push(Kind::of_word(found), found.len())
            }
            Err(_) => self.fail(format!("unexpected character: {}", literal::quote_char(Some(c)))),
        }
    }

    /// A quoted string; escapes are checked here and read later.
    fn text(&mut self, quote: char) -> bool {
        match literal::scan(self.rest(), quote) {
            Ok(length) => self.push(Kind::Text, length),
            Err(message) => self.fail(message),
        }
    }
}
