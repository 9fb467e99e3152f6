//! How the shell ends, and what stands in its way.

use std::fmt;

/// The process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Ok,
    /// The query failed, or the server does not answer.
    Failed,
    /// Wrong arguments.
    Usage,
    /// The text is not PromQL.
    Parse,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Parse => 3,
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskError {
    /// No connection, or none that ended well.
    Unreachable(String),
    /// The server's own complaint: its type and its sentence.
    Refused { kind: String, message: String, hint: Option<String> },
    /// What came back is not the API's JSON.
    NotTheApi(String),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(text) | Self::NotTheApi(text) => f.write_str(text),
            Self::Refused { kind, message, .. } => write!(f, "{message} ({kind})"),
        }
    }
}

impl std::error::Error for AskError {}
