//! Parentheses: captures, names and flags.

use regex_syntax::hir::Hir;

use super::{Parsed, Parser, fail};

impl Parser<'_> {
    /// None for `(?i)`, which sets flags for what follows.
    pub(super) fn group(&mut self) -> Parsed<Option<Hir>> {
        let start = self.at;
        self.take();
        if !self.accept("?") {
            return self.capture(None).map(Some);
        }
        // There is no look-around, so that `(?<` always begins a name.
        let named = self.rest().starts_with("P<") || self.rest().starts_with('<');
        if named {
            return self.named(start).map(Some);
        }
        self.flags_group(start)
    }

    fn named(&mut self, start: usize) -> Parsed<Hir> {
        self.accept("P");
        self.accept("<");
        let Some(length) = self.rest().find('>') else {
            return fail("invalid named capture", &self.pattern[start..]);
        };
        let name = self.rest()[..length].to_owned();
        self.at += length + 1;
        let is_word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_word {
            return fail("invalid named capture", &self.pattern[start..self.at]);
        }
        // Of equal names the first counts in templates.
        let is_new = !self.names.contains(&name);
        self.names.push(name.clone());
        self.capture(is_new.then_some(name.as_str()))
    }

    fn flags_group(&mut self, start: usize) -> Parsed<Option<Hir>> {
        let before = self.flags;
        let (mut sign, mut after_sign) = (true, true);
        loop {
            let c = self.take();
            let flag = match c {
                Some('i') => &mut self.flags.ignore_case,
                Some('m') => &mut self.flags.multi_line,
                Some('s') => &mut self.flags.dot_matches_newline,
                Some('U') => &mut self.flags.swap_greed,
                Some('-') if sign => {
                    (sign, after_sign) = (false, false);
                    continue;
                }
                // A sign must be followed by flags.
                Some(':' | ')') if !sign && !after_sign => break,
                Some(')') => return Ok(None),
                Some(':') => {
                    let sub = self.alternation()?;
                    self.flags = before;
                    self.close()?;
                    return Ok(Some(sub));
                }
                Some(_) => break,
                None => break,
            };
            *flag = sign;
            after_sign = true;
        }
        fail("invalid or unsupported Perl syntax", &self.pattern[start..self.at])
    }
}
