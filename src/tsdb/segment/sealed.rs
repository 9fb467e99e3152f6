//! A sealed segment: its footer is known from the start, its index is read when it is asked for.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::directory::SegmentIndex;
use super::seal::{self, Footer};
use super::{INDEX, MAGIC_BYTES, SegmentFile, version};
use crate::model::{TimeRange, TimestampMs};
use crate::storage::SelectError;
use crate::tsdb::bytes::{Damaged, Reader};
use crate::tsdb::disk::Disk;
use crate::tsdb::limits::INDEX_CACHE_BYTES;

pub struct Segment {
    pub footer: Footer,
    pub file: Arc<SegmentFile>,
    pub bytes: u64,
    /// The index of a file that could not be sealed because the disk is full; the next start seals it.
    pub held: Option<Arc<SegmentIndex>>,
}

impl Segment {
    /// Opens a sealed file. None where it has no footer.
    pub fn open(disk: &dyn Disk, folder: &Path, id: u64) -> io::Result<Option<Self>> {
        let path = seal::path(folder, id);
        let file = disk.open(&path)?;
        let bytes = file.size()?;
        let mut magic = [0; MAGIC_BYTES];
        if bytes < MAGIC_BYTES as u64 {
            return Ok(None);
        }
        file.read_at(&mut magic, 0)?;
        let Some(version) = version(&magic) else { return Ok(None) };
        let footer = Footer::read(file.as_ref())?.filter(|footer| footer.id == id);
        Ok(footer.map(|footer| Self { footer, file: Arc::new(SegmentFile::new(path, file, version)), bytes, held: None }))
    }

    pub fn range(&self) -> TimeRange {
        TimeRange::new(TimestampMs(self.footer.min_time), TimestampMs(self.footer.max_time))
    }

    pub fn index(&self) -> Result<Arc<SegmentIndex>, SelectError> {
        self.held.clone().map_or_else(|| self.read_index().map(Arc::new), Ok)
    }

    fn read_index(&self) -> Result<SegmentIndex, SelectError> {
        let length = usize::try_from(self.footer.index_bytes).unwrap_or(usize::MAX);
        let body = self.file.frame(self.footer.index_offset, length)?;
        let damaged = |what| self.file.damaged(self.footer.index_offset, what);
        let mut reader = Reader::new(&body);
        if reader.u8() != Ok(INDEX) {
            return Err(damaged(Damaged("no index where the footer says")));
        }
        SegmentIndex::take(&mut reader).map_err(damaged)
    }
}

/// Indexes of segments that were asked for lately, within a bound in bytes.
#[derive(Default)]
pub struct IndexCache {
    state: Mutex<CacheState>,
}

#[derive(Default)]
struct CacheState {
    held: HashMap<u64, (u64, usize, Arc<SegmentIndex>)>,
    clock: u64,
    bytes: usize,
}

impl IndexCache {
    pub fn get(&self, segment: &Segment) -> Result<Arc<SegmentIndex>, SelectError> {
        if let Some(held) = &segment.held {
            return Ok(held.clone());
        }
        let id = segment.footer.id;
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.clock += 1;
            let now = state.clock;
            if let Some((used, _, index)) = state.held.get_mut(&id) {
                *used = now;
                return Ok(index.clone());
            }
        }
        let index = segment.index()?;
        let size = index.size_bytes();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = state.clock;
        if state.held.insert(id, (now, size, index.clone())).is_none() {
            state.bytes += size;
        }
        while state.bytes > INDEX_CACHE_BYTES && state.held.len() > 1 {
            let oldest = state.held.iter().filter(|(other, _)| **other != id).min_by_key(|(_, (used, ..))| *used).map(|(id, _)| *id);
            let Some(gone) = oldest.and_then(|oldest| state.held.remove(&oldest)) else { break };
            state.bytes -= gone.1;
        }
        Ok(index)
    }

    /// Gives all memory back.
    pub fn clear(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = CacheState::default();
    }

    pub fn forget(&self, id: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gone) = state.held.remove(&id) {
            state.bytes -= gone.1;
        }
    }

    pub fn size_bytes(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }
}
