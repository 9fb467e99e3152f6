//! Why the store could not be opened, for the operator.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub enum OpenError {
    /// Another server works on the folder.
    Locked {
        path: PathBuf,
        holder: Option<u32>,
    },
    /// A newer promlet wrote the folder.
    Newer {
        path: PathBuf,
        found: u8,
        known: u8,
    },
    /// The folder cannot be written to.
    NotWritable {
        path: PathBuf,
        error: io::Error,
    },
    Io {
        path: PathBuf,
        doing: &'static str,
        error: io::Error,
    },
}

impl OpenError {
    pub fn io(path: &Path, doing: &'static str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotWritable { path: path.to_owned(), error },
            _ => Self::Io { path: path.to_owned(), doing, error },
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { path, holder } => {
                write!(f, "the data folder is in use: {} is locked", path.display())?;
                match holder {
                    Some(pid) => write!(f, " by process {pid}; stop it")?,
                    None => f.write_str(" by another process; stop it")?,
                }
                f.write_str(", or give this server a folder of its own with --storage.tsdb.path")
            }
            Self::Newer { path, found, known } => write!(
                f,
                "{} is of format version {found}, and this promlet knows versions up to {known}: a newer promlet wrote this folder; start that one, or give this one another folder with --storage.tsdb.path",
                path.display()
            ),
            Self::NotWritable { path, error } => write!(
                f,
                "the data folder cannot be written to: {}: {error}; give this process write access, or another folder with --storage.tsdb.path",
                path.display()
            ),
            Self::Io { path, error, .. } if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory) => {
                write!(f, "the data folder cannot be made: {} is not a folder; name another one with --storage.tsdb.path", path.display())
            }
            Self::Io { path, doing, error } => write!(f, "{doing} {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}
