//! The number of the last commit, in a file beside `state.db`: SQLite takes a log that was cut, damaged or removed for one that
//! ended there, and goes back to an older state without a word.
//!
//! It is written after the commit and not synced. So it may be behind the database after a power cut, and is never ahead of it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const NAME: &str = "state.mark";
/// The number, and its CRC-32C.
const BYTES: usize = 12;

pub(super) struct Mark {
    path: PathBuf,
    file: Option<File>,
}

impl Mark {
    pub(super) fn new(folder: &Path) -> Self {
        Self { path: folder.join(NAME), file: None }
    }

    /// None where there is none that is whole.
    pub(super) fn read(&self) -> Option<u64> {
        let bytes = std::fs::read(&self.path).ok()?;
        let (number, sum) = bytes.get(..BYTES)?.split_first_chunk::<8>()?;
        (sum == crc32c::crc32c(number).to_le_bytes()).then(|| u64::from_le_bytes(*number))
    }

    /// A full disk keeps no mark: at worst a loss goes unnoticed, so that this is no reason to refuse the commit.
    pub(super) fn put(&mut self, number: u64) {
        let number = number.to_le_bytes();
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&number);
        bytes[8..].copy_from_slice(&crc32c::crc32c(&number).to_le_bytes());
        if self.file.is_none() {
            self.file = File::options().write(true).create(true).truncate(false).open(&self.path).ok();
        }
        if self.file.as_ref().is_none_or(|file| file.write_all_at(&bytes, 0).is_err()) {
            self.file = None;
        }
    }
}

/// What it means that the database is at one commit and the mark at another.
pub(super) fn loss(path: &Path, database: u64, mark: Option<u64>) -> Option<String> {
    let missing = mark?.checked_sub(database).filter(|missing| *missing > 0)?;
    Some(format!(
        "{0}: it is at commit {database}, but {missing} more had been acknowledged: {0}-wal was removed, cut or damaged, or an older file was put there. \
         Silences, notifications and alerts are as they were at that commit: look through the silences, and make anew what is missing",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_damage_means_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut mark = Mark::new(folder.path());
        assert_eq!(mark.read(), None);
        for number in [1, 500, 501] {
            mark.put(number);
            assert_eq!(mark.read(), Some(number));
        }
        std::fs::write(folder.path().join(NAME), [1; BYTES]).unwrap();
        assert_eq!(mark.read(), None);
        let path = Path::new("state.db");
        assert_eq!((loss(path, 5, None), loss(path, 5, Some(5)), loss(path, 5, Some(4))), (None, None, None));
        assert!(loss(path, 5, Some(8)).unwrap().contains("at commit 5, but 3 more"));
    }
}
