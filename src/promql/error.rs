//! What can go wrong with a query, in Prometheus's words.

use std::fmt;

use crate::model::Span;
use crate::storage::SelectError;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub span: Span,
    /// Line and column of the span's start, from 1; the column counts bytes. Both are 0 in an empty text.
    pub line: usize,
    pub column: usize,
    /// Prometheus's sentence without position.
    pub message: String,
}

impl ParseError {
    pub fn new(source: &str, span: Span, message: impl Into<String>) -> Self {
        // In an empty text there is no place to name.
        let (line, column) = if source.is_empty() { (0, 0) } else { span.line_column(source) };
        Self { span, line, column, message: message.into() }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "unknown position: parse error: {}", self.message);
        }
        write!(f, "{}:{}: parse error: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

/// Why a query has no answer.
#[derive(Clone, Debug)]
pub enum QueryError {
    /// The text is not PromQL; never empty, the first is the one Prometheus would report.
    Parse(Vec<ParseError>),
    /// The request does not fit the expression (a range query for a string).
    BadRequest(String),
    /// The data do not fit the expression; Prometheus's sentence.
    Execution(String),
    /// `--query.max-samples` was reached.
    TooManySamples,
    /// The deadline passed.
    Timeout,
    /// The client went away.
    Canceled,
    /// Somebody ended the query.
    Killed,
    /// This query would hold more than this many bytes, which all queries together may.
    TooMuchMemory {
        limit: u64,
    },
    /// The same, and others hold some of them at present.
    MemoryInUse {
        limit: u64,
    },
    Storage(SelectError),
}

impl QueryError {
    pub fn execution<T>(message: impl Into<String>) -> Result<T, Self> {
        Err(Self::Execution(message.into()))
    }

    /// Of a query that needs `own` bytes where all together may have `limit`.
    pub fn of_memory(own: u64, limit: u64) -> Self {
        if own > limit { Self::TooMuchMemory { limit } } else { Self::MemoryInUse { limit } }
    }

    /// The `errorType` of the HTTP API.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Parse(_) | Self::BadRequest(_) => "bad_data",
            Self::Execution(_) | Self::TooManySamples | Self::TooMuchMemory { .. } => "execution",
            Self::Timeout => "timeout",
            Self::Canceled | Self::Killed => "canceled",
            Self::MemoryInUse { .. } | Self::Storage(SelectError::Busy(_)) => "unavailable",
            Self::Storage(_) => "internal",
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(errors) => errors.first().map_or(Ok(()), |error| error.fmt(f)),
            Self::BadRequest(text) | Self::Execution(text) => f.write_str(text),
            Self::TooManySamples => f.write_str("query processing would load too many samples into memory in query execution"),
            Self::Timeout => f.write_str("query timed out in expression evaluation"),
            Self::Canceled => f.write_str("query was canceled in expression evaluation"),
            Self::Killed => f.write_str("query was canceled in expression evaluation: somebody ended it by its number"),
            Self::TooMuchMemory { limit } => write!(
                f,
                "query processing would need more memory than the {limit} bytes that all queries together may use; \
                 ask for fewer series or steps, or raise --query.max-memory"
            ),
            Self::MemoryInUse { limit } => write!(
                f,
                "other queries hold the memory that this one needs: all together may use {limit} bytes; \
                 ask again when they are done (/api/v1/status/active_queries lists them), or raise --query.max-memory"
            ),
            Self::Storage(error @ SelectError::Busy(_)) => error.fmt(f),
            Self::Storage(error) => write!(f, "expanding series: {error}"),
        }
    }
}

impl std::error::Error for QueryError {}

impl From<SelectError> for QueryError {
    fn from(error: SelectError) -> Self {
        Self::Storage(error)
    }
}
