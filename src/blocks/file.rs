//! Reading parts of a file of another server: opened for reading only, with `pread`, so that a truncated file is an error and not a signal.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::BlockError;

#[derive(Debug)]
pub struct ReadFile {
    pub path: PathBuf,
    file: File,
    pub size: u64,
}

impl ReadFile {
    pub fn open(path: &Path) -> Result<Self, BlockError> {
        let file = File::open(path).map_err(|error| BlockError::io(path, error))?;
        let size = file.metadata().map_err(|error| BlockError::io(path, error))?.len();
        Ok(Self { path: path.to_owned(), file, size })
    }

    /// Exactly that many bytes.
    pub fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, BlockError> {
        if offset.checked_add(length as u64).is_none_or(|end| end > self.size) {
            return Err(BlockError::damaged(&self.path, offset, "it points behind the end of the file"));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset).map_err(|error| BlockError::io(&self.path, error))?;
        Ok(bytes)
    }

    /// At most that many bytes: fewer at the end of the file.
    pub fn read_up_to(&self, offset: u64, length: usize) -> Result<Vec<u8>, BlockError> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        self.read(offset.min(self.size), length.min(left))
    }
}

/// A whole file of at most that many bytes.
pub fn read_whole(path: &Path, bytes_max: u64) -> Result<Vec<u8>, BlockError> {
    let file = ReadFile::open(path)?;
    if file.size > bytes_max {
        let what = format!("{} has {} bytes; at most {bytes_max} bytes are read", path.display(), file.size);
        return Err(BlockError::Limit(what));
    }
    file.read(0, usize::try_from(file.size).unwrap_or(usize::MAX))
}
