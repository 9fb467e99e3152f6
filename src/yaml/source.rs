//! A configuration file's text, with its lines.

use std::path::Path;

use crate::model::{Problem, Severity};

/// Largest file that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Longest line that is shown with a problem, in bytes.
const SHOWN_BYTES_MAX: usize = 400;

/// A text and the name it is reported under.
#[derive(Clone, Debug)]
pub struct Source {
    pub file: String,
    pub text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// A byte order mark at the start is dropped.
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text: String = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file: file.into(), text, line_starts }
    }

    /// Reads a file of at most `FILE_BYTES_MAX` bytes of UTF-8.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let file = path.display().to_string();
        let whole = |message: String| Problem {
            severity: Severity::Error,
            file: file.clone(),
            line: 0,
            column: 0,
            message,
            text: String::new(),
            suggestion: None,
        };
        let size = std::fs::metadata(path).map_err(|error| whole(format!("cannot be read: {error}")))?;
        if size.is_dir() {
            return Err(whole("is a folder, not a file".to_owned()));
        }
        if size.len() > FILE_BYTES_MAX {
            return Err(whole(format!("is {} bytes long; the limit is {FILE_BYTES_MAX} bytes", size.len())));
        }
        let bytes = std::fs::read(path).map_err(|error| whole(format!("cannot be read: {error}")))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(file, text)),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                Err(Self::new(file, text).problem(Severity::Error, valid, "not valid UTF-8".to_owned(), None))
            }
        }
    }

    /// Line and column of a byte offset, both from 1, the column in bytes.
    pub fn line_column(&self, at: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= at).max(1);
        (line, at.saturating_sub(self.line_starts[line - 1]) + 1)
    }

    /// A line's text without its end, by its number from 1.
    pub fn line(&self, number: usize) -> &str {
        let start = self.line_starts.get(number.wrapping_sub(1)).copied().unwrap_or(self.text.len());
        let end = self.line_starts.get(number).map_or(self.text.len(), |next| next - 1);
        self.text[start..end].trim_end_matches('\r')
    }

    /// What is wrong at a byte offset. A very long line is shown cut, or not at all where the place is behind the cut.
    pub fn problem(&self, severity: Severity, at: usize, message: String, suggestion: Option<String>) -> Problem {
        let (line, column) = self.line_column(at.min(self.text.len()));
        let whole = self.line(line);
        let text = if whole.len() <= SHOWN_BYTES_MAX {
            whole
        } else if column <= SHOWN_BYTES_MAX {
            &whole[..whole.floor_char_boundary(SHOWN_BYTES_MAX)]
        } else {
            ""
        };
        Problem { severity, file: self.file.clone(), line, column, message, text: text.to_owned(), suggestion }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_lines_and_columns() {
        let source = Source::new("f", "\u{feff}a: 1\r\nbb: 2\n");
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column(7), (2, 2));
        assert_eq!(source.line_column(source.text.len()), (3, 1));
        assert_eq!((source.line(1), source.line(2), source.line(3), source.line(9)), ("a: 1", "bb: 2", "", ""));
    }

    #[test]
    fn long_lines_are_cut() {
        let source = Source::new("f", "x".repeat(10_000));
        assert_eq!(source.problem(Severity::Error, 3, String::new(), None).text.len(), SHOWN_BYTES_MAX);
        assert_eq!(source.problem(Severity::Error, 5_000, String::new(), None).text, "");
    }
}
