//! The data folder's lock, taken the way Prometheus takes it, so that two servers never share a folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::error::OpenError;

/// Held as long as it lives; the file stays, as Prometheus leaves it when it is killed.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// `flock` on the file `lock` in the data folder.
    pub fn take(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join("lock");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| OpenError::io(&path, "opening", error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { holder: holder(&file), path }),
            Err(TryLockError::Error(error)) => Err(OpenError::io(&path, "locking", error)),
        }
    }
}

/// The process that holds the lock, as Linux tells it.
fn holder(file: &File) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let inode = file.metadata().ok()?.ino().to_string();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let of = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let place = fields.get(5)?;
        (place.rsplit(':').next() == Some(inode.as_str())).then(|| fields.get(4)?.parse().ok()).flatten()
    };
    locks.lines().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_refused_and_told_by_whom() {
        let folder = tempfile::tempdir().expect("a folder");
        let held = FolderLock::take(folder.path()).expect("free");
        let text = FolderLock::take(folder.path()).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(text.contains("in use") && text.contains("--storage.tsdb.path"), "{text}");
        drop(held);
        FolderLock::take(folder.path()).expect("free again");
    }
}
