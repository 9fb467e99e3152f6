//! Go's regular expression syntax (`regexp/syntax` with Perl's flags) to the HIR of `regex-syntax`.

mod bracket;
mod escape;
mod group;

use std::fmt;

use regex_syntax::hir::{Capture, ClassUnicode, ClassUnicodeRange, Dot, Hir, HirKind, Look, Repetition};

use super::Flags;

/// Go's bound on counted repetitions.
const REPEAT_MAX: u32 = 1000;
/// Go's bound on nesting.
const DEPTH_MAX: usize = 250;

/// Go's error: a code and the piece of the pattern.
#[derive(Debug)]
pub struct SyntaxError {
    code: &'static str,
    piece: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}`", self.code, self.piece)
    }
}

pub(super) type Parsed<T> = Result<T, SyntaxError>;

fn fail<T>(code: &'static str, piece: impl Into<String>) -> Parsed<T> {
    Err(SyntaxError { code, piece: piece.into() })
}

pub fn parse(pattern: &str, flags: Flags) -> Parsed<Hir> {
    let mut parser = Parser { pattern, at: 0, flags, groups: 0, names: Vec::new(), depth: 0 };
    let hir = parser.alternation()?;
    // Only a closing parenthesis without an opening one ends the outermost alternation early.
    if parser.at < pattern.len() {
        return fail("unexpected )", pattern);
    }
    Ok(hir)
}

struct Parser<'p> {
    pattern: &'p str,
    at: usize,
    flags: Flags,
    groups: u32,
    names: Vec<String>,
    depth: usize,
}

impl<'p> Parser<'p> {
    fn rest(&self) -> &'p str {
        &self.pattern[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn accept(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn alternation(&mut self) -> Parsed<Hir> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return fail("expression nests too deeply", self.pattern);
        }
        let mut branches = vec![self.concatenation()?];
        while self.accept("|") {
            branches.push(self.concatenation()?);
        }
        self.depth -= 1;
        Ok(Hir::alternation(branches))
    }

    fn concatenation(&mut self) -> Parsed<Hir> {
        let mut parts = Vec::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            if self.accept("\\Q") {
                self.quoted(&mut parts)?;
                continue;
            }
            match self.atom(c)? {
                Some(atom) => parts.push(self.repeated(atom)?),
                // Flags for the rest of the group; nothing to repeat.
                None => self.check_nothing_repeats()?,
            }
        }
        Ok(Hir::concat(parts))
    }

    fn check_nothing_repeats(&self) -> Parsed<()> {
        match self.peek() {
            Some(c @ ('*' | '+' | '?')) => fail("missing argument to repetition operator", c),
            _ => Ok(()),
        }
    }

    /// Up to `\E` or the end. A repetition after it is of the last character.
    fn quoted(&mut self, parts: &mut Vec<Hir>) -> Parsed<()> {
        let end = self.rest().find("\\E");
        let text = &self.rest()[..end.unwrap_or(self.rest().len())];
        self.at += text.len() + if end.is_some() { 2 } else { 0 };
        let mut last = None;
        for c in text.chars() {
            parts.extend(last.take());
            last = Some(self.literal(c));
        }
        if let Some(last) = last {
            parts.push(self.repeated(last)?);
        }
        Ok(())
    }

    fn atom(&mut self, c: char) -> Parsed<Option<Hir>> {
        Ok(Some(match c {
            '(' => return self.group(),
            '[' => Hir::class(regex_syntax::hir::Class::Unicode(self.bracket()?)),
            '\\' => self.escape()?,
            '*' | '+' | '?' => {
                self.take();
                return fail("missing argument to repetition operator", c);
            }
            '{' if self.counted().is_some() => {
                let start = self.at;
                let end = self.rest().find('}').map_or(self.pattern.len(), |i| start + i + 1);
                return fail("missing argument to repetition operator", &self.pattern[start..end]);
            }
            '.' => {
                self.take();
                Hir::dot(if self.flags.dot_matches_newline { Dot::AnyChar } else { Dot::AnyCharExceptLF })
            }
            '^' => {
                self.take();
                Hir::look(if self.flags.multi_line { Look::StartLF } else { Look::Start })
            }
            '$' => {
                self.take();
                Hir::look(if self.flags.multi_line { Look::EndLF } else { Look::End })
            }
            _ => {
                self.take();
                self.literal(c)
            }
        }))
    }

    fn literal(&self, c: char) -> Hir {
        if self.flags.ignore_case {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
            class.case_fold_simple();
            return Hir::class(regex_syntax::hir::Class::Unicode(class));
        }
        Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes().to_vec())
    }

    /// Applies the repetition that follows; a second one right behind it is an error.
    fn repeated(&mut self, atom: Hir) -> Parsed<Hir> {
        let first = self.at;
        let Some((min, max)) = self.repetition()? else { return Ok(atom) };
        let mut greedy = !self.flags.swap_greed;
        if self.accept("?") {
            greedy = !greedy;
        }
        if self.repetition()?.is_some() {
            self.accept("?");
            return fail("invalid nested repetition operator", &self.pattern[first..self.at]);
        }
        let counted = self.pattern[first..].starts_with('{') && (min >= 2 || max.is_some_and(|m| m >= 2));
        if counted && !repeats_at_most(&atom, REPEAT_MAX / max.unwrap_or(min).max(1)) {
            return fail("invalid repeat count", &self.pattern[first..self.at]);
        }
        Ok(Hir::repetition(Repetition { min, max, greedy, sub: Box::new(atom) }))
    }

    fn repetition(&mut self) -> Parsed<Option<(u32, Option<u32>)>> {
        let simple = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                let Some((min, max, length)) = self.counted() else { return Ok(None) };
                let piece = &self.rest()[..length];
                let too_many = min > REPEAT_MAX || max.is_some_and(|m| m > REPEAT_MAX || m < min);
                self.at += length;
                return if too_many { fail("invalid repeat count", piece) } else { Ok(Some((min, max))) };
            }
            _ => return Ok(None),
        };
        self.take();
        Ok(Some(simple))
    }

    /// `{n}`, `{n,}` or `{n,m}` and its length; anything else after a brace is text.
    fn counted(&self) -> Option<(u32, Option<u32>, usize)> {
        let body = self.rest().strip_prefix('{')?;
        let end = body.find('}')?;
        let number = |text: &str| -> Option<u32> {
            let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
            plain.then(|| text.parse().unwrap_or(u32::MAX))
        };
        let (min, max) = match body[..end].split_once(',') {
            None => {
                let exact = number(&body[..end])?;
                (exact, Some(exact))
            }
            Some((min, "")) => (number(min)?, None),
            Some((min, max)) => (number(min)?, Some(number(max)?)),
        };
        Some((min, max, end + 2))
    }

    fn capture(&mut self, name: Option<&str>) -> Parsed<Hir> {
        self.groups += 1;
        let index = self.groups;
        let flags = self.flags;
        let sub = self.alternation()?;
        self.flags = flags;
        self.close()?;
        Ok(Hir::capture(Capture { index, name: name.map(Into::into), sub: Box::new(sub) }))
    }

    fn close(&mut self) -> Parsed<()> {
        if self.accept(")") { Ok(()) } else { fail("missing closing )", self.pattern) }
    }
}

/// Whether counted repetitions within each other multiply to no more than this.
fn repeats_at_most(hir: &Hir, limit: u32) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            let count = repetition.max.unwrap_or(repetition.min).max(1);
            count <= limit && repeats_at_most(&repetition.sub, limit / count)
        }
        HirKind::Capture(capture) => repeats_at_most(&capture.sub, limit),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(|part| repeats_at_most(part, limit)),
        _ => true,
    }
}
