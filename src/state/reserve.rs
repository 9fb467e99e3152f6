//! A file of nothing beside `state.db`: on a full disk it is given up, so that silences and the notification log can still be written.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Enough for SQLite's log and its index of several hundred commits.
const RESERVE_BYTES: usize = 1 << 20;
const NAME: &str = "reserve";

pub(super) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// The one in this folder, which may be missing.
    pub(super) fn new(folder: &Path) -> Self {
        Self { path: folder.join(NAME) }
    }

    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// Frees the space; false where there was none to free.
    pub(super) fn give_up(&self) -> bool {
        let is_freed = std::fs::remove_file(&self.path).is_ok();
        if is_freed {
            tracing::warn!("the disk is full: {} bytes that were kept for state.db are given up", RESERVE_BYTES);
        }
        is_freed
    }

    /// Makes it anew where it is missing and there is space. Written, not only sized, so that it holds blocks.
    pub(super) fn restore(&self) {
        if self.is_there() {
            return;
        }
        let written = File::create(&self.path).and_then(|mut file| file.write_all(&vec![0; RESERVE_BYTES]));
        if written.is_err() {
            // Part of one is no help to anybody.
            std::fs::remove_file(&self.path).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_given_up_once_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::new(folder.path());
        assert!(!reserve.give_up());
        reserve.restore();
        assert_eq!(std::fs::metadata(folder.path().join(NAME)).unwrap().len(), RESERVE_BYTES as u64);
        assert!(reserve.give_up() && !reserve.give_up());
    }
}
