//! What came of a file.

use std::fmt;

/// The cases of one file.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub name: String,
    /// Lines of the cases that passed.
    pub passed: Vec<usize>,
    pub failed: Vec<Failure>,
}

/// A case that did not pass, or a line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// From 1.
    pub line: usize,
    pub expr: String,
    /// Expected and got, or what is wrong with the line.
    pub message: String,
}

impl Report {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub fn is_ok(&self) -> bool {
        self.failed.is_empty()
    }

    /// `N passed, N failed`.
    pub fn summary(&self) -> String {
        format!("{} passed, {} failed", self.passed.len(), self.failed.len())
    }
}

impl fmt::Display for Report {
    /// A line for each failure, then the counts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failed {
            writeln!(f, "{}:{}: {}\n    {}", self.name, failure.line, failure.expr, failure.message.replace('\n', "\n    "))?;
        }
        write!(f, "{}: {}", self.name, self.summary())
    }
}
