//! The grammar of a sample's name and labels, `name{a="b"}` or `{"any name","any label"="b"}`, walked without allocation.

use std::borrow::Cow;

use memchr::memchr2;

use crate::model::METRIC_NAME;

use super::entry::{Fault, Format};

/// A name or label as written: escapes still in it.
pub(super) struct Part<'a> {
    pub name: Token<'a>,
    /// None: `name` is the metric's name.
    pub value: Option<&'a [u8]>,
}

#[derive(Clone, Copy)]
pub(super) struct Token<'a> {
    pub bytes: &'a [u8],
    pub quoted: bool,
}

impl<'a> Part<'a> {
    /// Label name and value; a metric's name comes as the value of `__name__`.
    pub(super) fn text(&self) -> Result<(Cow<'a, str>, Cow<'a, str>), String> {
        let name = self.name.text()?;
        match self.value {
            None => Ok((Cow::Borrowed(METRIC_NAME), name)),
            Some(value) => {
                let value = std::str::from_utf8(value)
                    .map_err(|_| format!("invalid UTF-8 label value: {}", crate::model::number::quote(&String::from_utf8_lossy(value))))?;
                Ok((name, unescape(value, true)))
            }
        }
    }
}

impl<'a> Token<'a> {
    pub(super) fn text(self) -> Result<Cow<'a, str>, String> {
        let text = std::str::from_utf8(self.bytes)
            .map_err(|_| format!("invalid UTF-8 name: {}", crate::model::number::quote(&String::from_utf8_lossy(self.bytes))))?;
        if text.is_empty() {
            return Err("a quoted name is empty".to_owned());
        }
        Ok(if self.quoted { unescape(text, true) } else { Cow::Borrowed(text) })
    }
}

/// `\\`, `\n` and, where quotes are escaped, `\"` become what they stand for; any other backslash stays.
pub(super) fn unescape(text: &str, quotes: bool) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (plain, used) = match rest.as_bytes().get(at + 1) {
            Some(b'\\') => ("\\", 2),
            Some(b'"') if quotes => ("\"", 2),
            Some(b'n') => ("\n", 2),
            _ => ("\\", 1),
        };
        out.push_str(plain);
        rest = &rest[at + used..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b':'
}

/// The end of an unquoted name that starts at `at`; `at` itself where there is none.
pub(super) fn name_end(text: &[u8], at: usize, colons: bool) -> usize {
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || (colons && *b == b':');
    if !text.get(at).is_some_and(|b| starts_name(*b) && (colons || *b != b':')) {
        return at;
    }
    at + text[at..].iter().take_while(|b| allowed(b)).count()
}

/// The end (after the closing quote) of a quoted text whose opening quote is at `at`.
pub(super) fn quoted_end(text: &[u8], at: usize) -> Result<usize, Fault> {
    let mut from = at + 1;
    loop {
        match memchr2(b'"', b'\\', text.get(from..).unwrap_or_default()) {
            None => return Err(Fault::new(at, "a quoted text is not closed")),
            Some(found) if text[from + found] == b'"' => return Ok(from + found + 1),
            Some(found) => from += found + 2,
        }
    }
}

fn skip_blanks(text: &[u8], at: usize) -> usize {
    at + text.get(at..).unwrap_or_default().iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
}

/// Walks a metric from `at` and gives the offset after it (after the name, or after `}`).
pub(super) fn scan<'a>(text: &'a [u8], at: usize, format: Format, on: &mut impl FnMut(Part<'a>)) -> Result<usize, Fault> {
    let end = name_end(text, at, true);
    if end == at {
        if text.get(at) != Some(&b'{') {
            return Err(Fault::expected(text, at, "a metric name"));
        }
        let mut named = false;
        let end = scan_labels(text, at, format, &mut |part: Part<'a>| {
            named |= part.value.is_none();
            on(part);
        })?;
        return if named { Ok(end) } else { Err(Fault::new(at, "the metric has no name")) };
    }
    on(Part { name: Token { bytes: &text[at..end], quoted: false }, value: None });
    let open = if format == Format::Text { skip_blanks(text, end) } else { end };
    if text.get(open) != Some(&b'{') {
        return Ok(end);
    }
    let mut twice = false;
    let after = scan_labels(text, open, format, &mut |part: Part<'a>| {
        twice |= part.value.is_none();
        on(part);
    })?;
    if twice { Err(Fault::new(open, "the metric's name is set twice")) } else { Ok(after) }
}

/// Walks `{…}` whose brace is at `at`; gives the offset after the closing brace.
pub(super) fn scan_labels<'a>(text: &'a [u8], at: usize, format: Format, on: &mut impl FnMut(Part<'a>)) -> Result<usize, Fault> {
    let mut at = skip_blanks(text, at + 1);
    let mut has_name = false;
    loop {
        let name = match text.get(at) {
            Some(b'}') => return Ok(at + 1),
            Some(b'"') => {
                let end = quoted_end(text, at)?;
                let token = Token { bytes: &text[at + 1..end - 1], quoted: true };
                at = end;
                token
            }
            _ => {
                let end = name_end(text, at, false);
                if end == at {
                    return Err(Fault::expected(text, at, "a label name or \"}\""));
                }
                let token = Token { bytes: &text[at..end], quoted: false };
                at = end;
                token
            }
        };
        at = skip_blanks(text, at);
        match text.get(at) {
            Some(b'=') => {
                let open = skip_blanks(text, at + 1);
                if text.get(open) != Some(&b'"') {
                    return Err(Fault::expected(text, open, "a quoted label value"));
                }
                let end = quoted_end(text, open)?;
                on(Part { name, value: Some(&text[open + 1..end - 1]) });
                at = skip_blanks(text, end);
            }
            // A quoted text without a value is the metric's name.
            Some(b',' | b'}') if name.quoted => {
                if has_name {
                    return Err(Fault::new(at, "the metric's name is set twice"));
                }
                has_name = true;
                on(Part { name, value: None });
            }
            _ => return Err(Fault::expected(text, at, "\"=\" after a label name")),
        }
        match text.get(at) {
            Some(b',') => at = skip_blanks(text, at + 1),
            Some(b'}') => {}
            // Prometheus takes labels of the text format without a comma between them.
            _ if format == Format::Text => {}
            _ => return Err(Fault::expected(text, at, "\",\" or \"}\"")),
        }
    }
}
