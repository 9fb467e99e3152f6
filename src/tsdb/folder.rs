//! The data folder's lock, taken the way Prometheus takes it, so that two servers never share a folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::error::OpenError;

/// Held as long as it lives; an orderly end removes the file, as Prometheus does, which else takes it for a sign of a crash.
#[derive(Debug)]
pub struct FolderLock {
    path: PathBuf,
    _file: File,
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Whoever opened the file before finds out that it is no longer the one in the folder. What stays hinders nobody.
        std::fs::remove_file(&self.path).ok();
    }
}

/// Servers that start and stop at the same moment take the file away under each other; more often than this none does.
const TRIES: usize = 100;

impl FolderLock {
    /// `flock` on the file `lock` in the data folder.
    pub fn take(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join("lock");
        for _ in 0..TRIES {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(|error| OpenError::io(&path, "opening", error))?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => return Ok(Self { path, _file: file }),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(OpenError::Locked { holder: holder(&file), path }),
                Err(TryLockError::Error(error)) => return Err(OpenError::io(&path, "locking", error)),
            }
        }
        Err(OpenError::Locked { holder: None, path })
    }
}

/// Whether the open file is the one that the path names.
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |found: std::io::Result<std::fs::Metadata>| found.ok().map(|about| (about.dev(), about.ino()));
    number(file.metadata()) == number(std::fs::metadata(path))
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
        assert!(!folder.path().join("lock").exists());
        drop(FolderLock::take(folder.path()).expect("free again"));
        // As a killed server leaves it.
        std::fs::write(folder.path().join("lock"), "123").expect("writable");
        let held = FolderLock::take(folder.path()).expect("nobody's");
        std::fs::remove_file(folder.path().join("lock")).expect("there");
        let late = FolderLock::take(folder.path()).expect("another file is another lock");
        drop((held, late));
    }
}
