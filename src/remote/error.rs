//! Why a remote-write request was not taken, or not taken whole.

use std::fmt;

use crate::storage::AppendError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// The body is not a snappy block, too large, or not the protobuf message: nothing was taken, and sending it again does not help.
    Malformed(String),
    /// Some samples were not taken, for reasons that sending again does not change; all others are stored.
    Partial(String),
    /// The store takes nothing at present; sending again later helps.
    Unavailable(String),
    /// A stated limit was reached: nothing more of this request was taken.
    Limit(String),
    /// The store failed.
    Failed(String),
}

impl From<AppendError> for WriteError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::ReadOnly(text) => Self::Unavailable(text),
            AppendError::Limit(text) => Self::Limit(text),
            AppendError::Io(text) => Self::Failed(text),
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(text) | Self::Partial(text) | Self::Unavailable(text) | Self::Limit(text) | Self::Failed(text) => {
                f.write_str(text)
            }
        }
    }
}

impl std::error::Error for WriteError {}
