//! `[...]`: ranges, names, negation. There are no set operations, and `[` inside is text.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::super::class;
use super::{Parsed, Parser, fail};

impl Parser<'_> {
    pub(super) fn bracket(&mut self) -> Parsed<ClassUnicode> {
        let start = self.at;
        self.take();
        let negated = self.accept("^");
        let mut class = ClassUnicode::empty();
        let mut first = true;
        loop {
            let Some(c) = self.peek() else {
                return fail("missing closing ]", &self.pattern[start..]);
            };
            // A bracket right at the start is text.
            if c == ']' && !first {
                self.take();
                break;
            }
            first = false;
            if !self.named_class(&mut class)? {
                let range = self.range(start)?;
                class.push(range);
            }
        }
        if self.flags.ignore_case {
            class.case_fold_simple();
        }
        if negated {
            class.negate();
        }
        Ok(class)
    }

    /// `[:alpha:]`, `\d`, `\pL`.
    fn named_class(&mut self, class: &mut ClassUnicode) -> Parsed<bool> {
        if let Some(body) = self.rest().strip_prefix("[:")
            && let Some(length) = body.find(":]")
        {
            let piece = &self.rest()[..length + 4];
            let (negated, name) = body[..length].strip_prefix('^').map_or((false, &body[..length]), |name| (true, name));
            let Some(mut named) = class::posix(name) else { return fail("invalid character class range", piece) };
            if negated {
                named.negate();
            }
            self.at += length + 4;
            class.union(&named);
            return Ok(true);
        }
        if self.peek() == Some('\\')
            && let Some(named) = self.class_escape()?
        {
            class.union(&named);
            return Ok(true);
        }
        Ok(false)
    }

    fn range(&mut self, start: usize) -> Parsed<ClassUnicodeRange> {
        let from = self.at;
        let low = self.bracket_char(start)?;
        let is_range = self.rest().starts_with('-') && !self.rest().starts_with("-]") && self.rest().len() > 1;
        if !is_range {
            return Ok(ClassUnicodeRange::new(low, low));
        }
        self.take();
        let high = self.bracket_char(start)?;
        if high < low {
            return fail("invalid character class range", &self.pattern[from..self.at]);
        }
        Ok(ClassUnicodeRange::new(low, high))
    }

    fn bracket_char(&mut self, start: usize) -> Parsed<char> {
        match self.peek() {
            Some('\\') => self.char_escape(),
            Some(c) => {
                self.take();
                Ok(c)
            }
            None => fail("missing closing ]", &self.pattern[start..]),
        }
    }
}
