//! Segments: files of stripes with the definitions they need. One is open and grows; sealed ones end in an index and never change.
//!
//! The format is drawn in `docs/format/segment.md`.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::bits::Bits;
use super::bytes::Damaged;
use super::disk::DiskFile;
use super::frame;
use crate::storage::SelectError;

pub mod directory;
pub mod open;
mod repeats;
pub mod seal;
pub mod sealed;
pub mod side;
pub mod stripe;

pub use directory::{GroupEntry, SegmentIndex};
pub use open::OpenSegment;
pub use sealed::Segment;
use stripe::Heads;
pub use stripe::{StripeHead, StripeRef};

pub const MAGIC_BYTES: usize = 8;
/// The version that is written: histograms lie in columns. Before it, each was written by itself.
pub const VERSION: u8 = 2;

/// How a file of this version begins and ends.
pub fn magic(version: u8) -> [u8; MAGIC_BYTES] {
    let mut magic = *b"promseg\0";
    magic[MAGIC_BYTES - 1] = version;
    magic
}

/// The version of a file that begins, or a sealed one that ends, with these bytes; none where it is no segment that we know.
pub fn version(bytes: &[u8]) -> Option<u8> {
    (1..=VERSION).find(|version| *bytes == magic(*version))
}
/// Kinds of frames.
pub const SERIES: u8 = 1;
pub const STRIPE: u8 = 2;
pub const GROUP: u8 = 3;
pub const INDEX: u8 = 4;
pub const FOOTER: u8 = 5;

pub fn file_name(id: u64) -> String {
    format!("segment-{id:08}")
}

pub fn id_of_name(name: &str) -> Option<u64> {
    name.strip_prefix("segment-")?.parse().ok()
}

/// An open file of stripes; which of them were found whole is remembered, so that each is checked once.
pub struct SegmentFile {
    pub path: PathBuf,
    pub file: Arc<dyn DiskFile>,
    pub version: u8,
    checked: Mutex<Bits>,
    heads: Heads,
}

impl SegmentFile {
    pub fn new(path: PathBuf, file: Arc<dyn DiskFile>, version: u8) -> Self {
        Self { path, file, version, checked: Mutex::new(Bits::default()), heads: Heads::default() }
    }

    pub fn is_checked(&self, ordinal: u32) -> bool {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).get(ordinal)
    }

    pub fn set_checked(&self, ordinal: u32) {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).set(ordinal);
    }

    pub fn damaged(&self, offset: u64, what: Damaged) -> SelectError {
        SelectError::Corrupt(format!(
            "{} at byte {offset}: {what}; what other files hold is still served. To go on without this file, stop promlet and move it away",
            self.path.display()
        ))
    }

    pub fn failed(&self, offset: u64, error: &io::Error) -> SelectError {
        SelectError::Io(format!("{} at byte {offset}: {error}", self.path.display()))
    }

    /// A stretch of the file.
    pub fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, SelectError> {
        let mut bytes = vec![0; length];
        self.file.read_at(&mut bytes, offset).map_err(|error| self.failed(offset, &error))?;
        Ok(bytes)
    }

    /// The body of the frame at this offset, whose length is known, checked against its sum.
    pub fn frame(&self, offset: u64, length: usize) -> Result<Vec<u8>, SelectError> {
        let mut bytes = self.read(offset, frame::HEAD + length)?;
        match frame::body(&bytes) {
            Some(body) if body.len() == length => Ok(bytes.split_off(frame::HEAD)),
            _ => Err(self.damaged(offset, Damaged("the checksum does not match"))),
        }
    }
}
