//! Backslashes.

use regex_syntax::hir::{Class, ClassUnicode, Hir, Look};

use super::super::class;
use super::{Parsed, Parser, fail};

impl Parser<'_> {
    /// An escape outside brackets.
    pub(super) fn escape(&mut self) -> Parsed<Hir> {
        let look = match self.rest().chars().nth(1) {
            Some('A') => Some(Look::Start),
            Some('z') => Some(Look::End),
            Some('b') => Some(Look::WordAscii),
            Some('B') => Some(Look::WordAsciiNegate),
            _ => None,
        };
        if let Some(look) = look {
            self.at += 2;
            return Ok(Hir::look(look));
        }
        if let Some(class) = self.class_escape()? {
            return Ok(Hir::class(Class::Unicode(class)));
        }
        let c = self.char_escape()?;
        Ok(self.literal(c))
    }

    /// `\d` and its kin, `\pL`, `\p{Greek}`.
    pub(super) fn class_escape(&mut self) -> Parsed<Option<ClassUnicode>> {
        let Some(letter) = self.rest().chars().nth(1) else { return Ok(None) };
        if let Some(class) = class::perl(letter) {
            self.at += 2;
            return Ok(Some(class));
        }
        if !matches!(letter, 'p' | 'P') {
            return Ok(None);
        }
        let start = self.at;
        self.at += 2;
        let name = match self.take() {
            Some('{') => {
                let Some(length) = self.rest().find('}') else {
                    return fail("invalid character class range", &self.pattern[start..]);
                };
                let name = &self.rest()[..length];
                self.at += length + 1;
                name.to_owned()
            }
            Some(c) => c.to_string(),
            None => return fail("invalid character class range", &self.pattern[start..]),
        };
        let (negated, name) = match name.strip_prefix('^') {
            Some(name) => (letter == 'p', name),
            None => (letter == 'P', name.as_str()),
        };
        let Some(mut class) = class::unicode(name) else {
            return fail("invalid character class range", &self.pattern[start..self.at]);
        };
        if self.flags.ignore_case {
            class.case_fold_simple();
        }
        if negated {
            class.negate();
        }
        Ok(Some(class))
    }

    /// An escape that stands for one character.
    pub(super) fn char_escape(&mut self) -> Parsed<char> {
        let start = self.at;
        self.take();
        let Some(c) = self.take() else {
            return fail("trailing backslash at end of expression", "");
        };
        let found = match c {
            '1'..='7' => {
                // A single digit would be a back-reference, which there is none of.
                if !self.peek().is_some_and(|d| ('0'..='7').contains(&d)) { None } else { Some(self.octal(c)) }
            }
            '0' => Some(self.octal(c)),
            'x' => self.hexadecimal(),
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
            _ => None,
        };
        match found {
            Some(c) => Ok(c),
            None => fail("invalid escape sequence", &self.pattern[start..self.at]),
        }
    }

    /// At most three digits.
    fn octal(&mut self, first: char) -> char {
        let mut value = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|d| d.to_digit(8)) else { break };
            value = value * 8 + digit;
            self.take();
        }
        char::from_u32(value).unwrap_or('\u{fffd}')
    }

    /// `\x41` or `\x{10FFFF}`, after the x.
    fn hexadecimal(&mut self) -> Option<char> {
        if self.accept("{") {
            let length = self.rest().find('}')?;
            let digits = &self.rest()[..length];
            self.at += length + 1;
            return u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        }
        let (high, low) = (self.take()?.to_digit(16)?, self.take()?.to_digit(16)?);
        char::from_u32(high * 16 + low)
    }
}
