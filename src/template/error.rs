//! What can go wrong with a template, in Go's words, since users know and search for them.

use std::fmt;

/// Why a template could not be read or rendered. The text names template, line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// The text is no template.
    Parse(String),
    /// It failed while it ran.
    Execute(String),
    /// It ran into a stated limit.
    Limit(String),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(text) | Self::Execute(text) | Self::Limit(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for TemplateError {}
