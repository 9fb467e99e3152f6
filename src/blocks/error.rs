//! What can go wrong with another server's files, for the operator: which file, where, what.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::storage::SelectError;

/// Bytes that do not say what they should: the offset is that within what was being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged {
    pub at: usize,
    pub what: &'static str,
}

impl Damaged {
    pub fn new(at: usize, what: &'static str) -> Self {
        Self { at, what }
    }

    /// In a file in which what was read begins at this offset.
    pub fn in_file(self, path: &Path, start: u64) -> BlockError {
        BlockError::Damaged { path: path.to_owned(), offset: start + self.at as u64, what: self.what }
    }
}

pub type Decoded<T> = Result<T, Damaged>;

#[derive(Debug)]
pub enum BlockError {
    Io {
        path: PathBuf,
        error: io::Error,
    },
    Damaged {
        path: PathBuf,
        offset: u64,
        what: &'static str,
    },
    /// A format that this promlet does not know.
    Unknown {
        path: PathBuf,
        what: String,
    },
    /// A stated limit: which one, its value, its unit.
    Limit(String),
    /// Another process works on the folder.
    Locked(PathBuf),
}

impl BlockError {
    pub fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.to_owned(), error }
    }

    pub fn damaged(path: &Path, offset: u64, what: &'static str) -> Self {
        Self::Damaged { path: path.to_owned(), offset, what }
    }

    /// The same for who reads through [`crate::storage::Select`].
    pub fn for_select(self) -> SelectError {
        match &self {
            Self::Io { .. } => SelectError::Io(self.to_string()),
            Self::Limit(_) => SelectError::Limit(self.to_string()),
            Self::Damaged { .. } | Self::Unknown { .. } | Self::Locked(_) => SelectError::Corrupt(self.to_string()),
        }
    }
}

/// What helps against a form that is not known.
pub const REWRITE: &str = "; write the block anew with the promtool of the Prometheus that made it: \
    `promtool tsdb dump-openmetrics` of the folder, then `promtool tsdb create-blocks-from openmetrics`";

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Damaged { path, offset, what } => write!(f, "{} at byte {offset}: damaged data: {what}", path.display()),
            Self::Unknown { path, what } => write!(f, "{}: {what}", path.display()),
            Self::Limit(text) => f.write_str(text),
            Self::Locked(path) => {
                write!(f, "{} is locked: a Prometheus works on this folder; stop it first, or take a snapshot or copy", path.display())
            }
        }
    }
}

impl std::error::Error for BlockError {}
