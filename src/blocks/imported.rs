//! What of a Prometheus folder was imported into promlet's own store: a small text file beside the segments, one line each.
//!
//! `block ULID`, or `head FINGERPRINT`: a head is told by the names and sizes of its files, so that one that went on is read again.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh64::Xxh64;

use super::wal;

pub const NAME: &str = "imported";

#[derive(Debug, Default)]
pub struct Imported {
    path: Option<PathBuf>,
    lines: HashSet<String>,
}

/// What tells this head from another one, and from itself when it has gone on.
pub fn fingerprint(folder: &Path) -> String {
    let mut hash = Xxh64::new(0);
    for name in ["wal", "wbl", "chunks_head"] {
        for (number, path) in wal::segments(&folder.join(name)).unwrap_or_default() {
            let size = path.metadata().map_or(0, |about| about.len());
            hash.update(format!("{name}/{number}:{size}\n").as_bytes());
        }
    }
    format!("{:016x}", hash.digest())
}

impl Imported {
    /// Of promlet's own folder within a data folder; nothing where it has no such file.
    pub fn read(own_folder: &Path) -> io::Result<Self> {
        let path = own_folder.join(NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { path: Some(path), lines: text.lines().map(str::to_owned).collect() })
    }

    pub fn has_block(&self, ulid: &str) -> bool {
        self.lines.contains(&format!("block {ulid}"))
    }

    pub fn has_head(&self, folder: &Path) -> bool {
        !self.lines.is_empty() && self.lines.contains(&format!("head {}", fingerprint(folder)))
    }

    pub fn add_block(&mut self, ulid: &str) -> io::Result<()> {
        self.add(format!("block {ulid}"))
    }

    pub fn add_head(&mut self, folder: &Path) -> io::Result<()> {
        self.add(format!("head {}", fingerprint(folder)))
    }

    /// Durable when this returns.
    fn add(&mut self, line: String) -> io::Result<()> {
        if let Some(path) = &self.path {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_all()?;
        }
        self.lines.insert(line);
        Ok(())
    }
}
