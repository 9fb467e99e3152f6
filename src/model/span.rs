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
            let shown = self.text.trim_end();
            let pad: String = shown.chars().take(self.column.saturating_sub(1)).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            write!(f, "\n    {shown}\n    {pad}^")?;
        }
        if let Some(suggestion) = &self.suggestion {
            write!(f, "\n    help: {suggestion}")?;
        }
        Ok(())
    }
}
