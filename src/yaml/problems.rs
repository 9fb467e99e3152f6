//! What was found while reading one file.

use std::collections::HashSet;

use crate::model::{Problem, Severity, Span};

use super::Source;

/// Most problems told about one file; the rest are counted.
pub const PROBLEMS_MAX: usize = 200;

/// The problems of one file, in the order they were found.
#[derive(Debug)]
pub struct Problems<'a> {
    pub source: &'a Source,
    errors: Vec<Problem>,
    notes: Vec<Problem>,
    left_out: usize,
    noted: HashSet<String>,
    quiet: usize,
    /// Keys that a table does not list are no error.
    pub ignores_unknown_keys: bool,
}

impl<'a> Problems<'a> {
    pub fn new(source: &'a Source) -> Self {
        Self { source, errors: Vec::new(), notes: Vec::new(), left_out: 0, noted: HashSet::new(), quiet: 0, ignores_unknown_keys: false }
    }

    /// The file is refused because of this.
    pub fn error(&mut self, at: Span, message: impl Into<String>) {
        self.error_with(at, message, None);
    }

    pub fn error_with(&mut self, at: Span, message: impl Into<String>, suggestion: Option<String>) {
        if self.is_full() {
            self.left_out += 1;
            return;
        }
        let problem = self.source.problem(Severity::Error, at.start, message.into(), suggestion);
        if !self.errors.contains(&problem) {
            self.errors.push(problem);
        }
    }

    /// Something known that is not acted on; said once per `topic` and file.
    pub fn note(&mut self, at: Span, topic: &str, message: impl Into<String>) {
        if self.quiet == 0 && self.notes.len() < PROBLEMS_MAX && self.noted.insert(topic.to_owned()) {
            self.notes.push(self.source.problem(Severity::Note, at.start, message.into(), None));
        }
    }

    /// Runs `inside` without taking notes: the section around it has been noted as a whole.
    pub fn without_notes(&mut self, inside: impl FnOnce(&mut Self)) {
        self.quiet += 1;
        inside(self);
        self.quiet -= 1;
    }

    /// No more errors are kept: finding suggestions for further ones would be wasted.
    pub fn is_full(&self) -> bool {
        self.errors.len() >= PROBLEMS_MAX
    }

    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Errors in the order of the file, then notes in the order of the file.
    pub fn finish(mut self) -> (Vec<Problem>, Vec<Problem>) {
        self.errors.sort_by_key(|problem| (problem.line, problem.column));
        self.notes.sort_by_key(|problem| (problem.line, problem.column));
        if self.left_out > 0 {
            self.errors.push(Problem {
                severity: Severity::Error,
                file: self.source.file.clone(),
                line: 0,
                column: 0,
                message: format!("and {} more problems", self.left_out),
                text: String::new(),
                suggestion: None,
            });
        }
        (self.errors, self.notes)
    }
}
