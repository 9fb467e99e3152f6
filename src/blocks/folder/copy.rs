//! A snapshot of what a Prometheus left: blocks, which never change, are linked; the head's files are copied.

use std::io;
use std::path::Path;
use std::sync::PoisonError;

use super::{OWN_FOLDER, PrometheusFolder, block_folders};
use crate::blocks::error::BlockError;
use crate::blocks::{deleted, imported};

/// Where a head's samples are.
const HEAD: [&str; 3] = ["wal", "wbl", "chunks_head"];

impl PrometheusFolder {
    /// Puts everything that is served into a folder in which promlet's own part is already; without what no block has yet where
    /// `skip_head` says so. A folder made so is served by promlet as this one is, and its blocks by Prometheus.
    pub fn copy_to(&self, to: &Path, skip_head: bool) -> Result<(), BlockError> {
        // Held, so that none of them expires meanwhile.
        let blocks = self.blocks.read().unwrap_or_else(PoisonError::into_inner);
        let with_head = self.has_head() && !skip_head;
        // Which samples of the log are in blocks is told by all blocks, those too that were imported.
        let folders = if with_head { block_folders(&self.path)? } else { blocks.iter().map(|block| block.folder.clone()).collect() };
        for folder in folders {
            let Some(name) = folder.file_name() else { continue };
            let into = to.join(name);
            each_file(&folder, &into, link).map_err(|error| BlockError::io(&into, error))?;
        }
        if with_head {
            for name in HEAD.iter().filter(|name| self.path.join(name).is_dir()) {
                let into = to.join(name);
                each_file(&self.path.join(name), &into, copy).map_err(|error| BlockError::io(&into, error))?;
            }
        }
        for name in [deleted::NAME, imported::NAME] {
            let (from, into) = (self.path.join(OWN_FOLDER).join(name), to.join(OWN_FOLDER).join(name));
            if from.is_file() {
                copy(&from, &into).map_err(|error| BlockError::io(&into, error))?;
            }
        }
        std::fs::File::open(to).and_then(|folder| folder.sync_all()).map_err(|error| BlockError::io(to, error))
    }
}

/// Where the file system has no links the file is copied.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::hard_link(from, to).or_else(|_| copy(from, to))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::copy(from, to)?;
    std::fs::File::open(to)?.sync_all()
}

/// Goes through a folder and those in it, making the same ones below `into`.
fn each_file(from: &Path, into: &Path, put: fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    std::fs::create_dir_all(into)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = into.join(entry.file_name());
        if entry.metadata()?.is_dir() {
            each_file(&entry.path(), &to, put)?;
        } else {
            put(&entry.path(), &to)?;
        }
    }
    std::fs::File::open(into)?.sync_all()
}
