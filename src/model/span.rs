//! Places in a source text and what is wrong there.

use std::fmt;

/// Byte offsets into a source text, `start` included, `end` not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Line and column of the start, both from 1, the column counted in bytes as Prometheus does.
    pub fn line_column(self, source: &str) -> (usize, usize) {
        let before = &source.as_bytes()[..self.start.min(source.len())];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
        (line, column)
    }
}

/// Most characters of an offending line that are shown.
const SHOWN_CHARS: usize = 160;
const CUT: &str = "...";

/// A line as it is shown above a caret: whole, or so much of a long one as stands around the column. Columns count characters from 1;
/// the second value is the column in what is shown.
pub fn around(line: &str, column: usize) -> (String, usize) {
    let length = line.chars().count();
    if length <= SHOWN_CHARS {
        return (line.to_owned(), column);
    }
    let start = column.saturating_sub(SHOWN_CHARS / 2).min(length - SHOWN_CHARS);
    let piece: String = line.chars().skip(start).take(SHOWN_CHARS).collect();
    let (before, column) = if start > 0 { (CUT, column - start + CUT.len()) } else { ("", column) };
    let after = if start + SHOWN_CHARS < length { CUT } else { "" };
    (format!("{before}{piece}{after}"), column)
}

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file is refused.
    Error,
    /// Known and accepted, but not acted on by this version.
    Note,
}

/// Something to say about one place in a file: `file:line:column: message`, the line itself, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub file: String,
    /// From 1; 0 where the problem is the file as a whole.
    pub line: usize,
    /// From 1; 0 where there is no line.
    pub column: usize,
    pub message: String,
    /// The offending line's text, empty where there is none.
    pub text: String,
    pub suggestion: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.text.is_empty() {
            let (shown, column) = around(self.text.trim_end(), self.column);
            let pad: String = shown.chars().take(column.saturating_sub(1)).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            write!(f, "\n    {shown}\n    {pad}^")?;
        }
        if let Some(suggestion) = &self.suggestion {
            write!(f, "\n    help: {suggestion}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_shown_around_the_column() {
        assert_eq!(around("short", 9), ("short".to_owned(), 9));
        let line: String = (0..1000).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
        for column in [1, 80, 81, 500, 999, 1000, 1001] {
            let (shown, at) = around(&line, column);
            assert!(shown.chars().count() <= SHOWN_CHARS + 2 * CUT.len());
            assert_eq!(shown.chars().nth(at - 1), line.chars().nth(column - 1), "{column}");
        }
        assert_eq!(around(&"\u{e9}".repeat(500), 300).0.chars().count(), 166);
    }
}
