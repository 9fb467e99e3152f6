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
use crate::tsdb::limits::{INDEX_CACHE_BYTES, INDEX_IDLE_MS};

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
    held: HashMap<u64, Held>,
    /// Counts what is asked for.
    asks: u64,
    /// Monotonic milliseconds of the last round of maintenance.
    now: i64,
    bytes: usize,
}

struct Held {
    /// At which ask it was asked for last, and in which round.
    used: u64,
    used_at: i64,
    bytes: usize,
    index: Arc<SegmentIndex>,
}

impl IndexCache {
    pub fn get(&self, segment: &Segment) -> Result<Arc<SegmentIndex>, SelectError> {
        if let Some(held) = &segment.held {
            return Ok(held.clone());
        }
        let id = segment.footer.id;
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.asks += 1;
            let (asks, now) = (state.asks, state.now);
            if let Some(held) = state.held.get_mut(&id) {
                (held.used, held.used_at) = (asks, now);
                return Ok(held.index.clone());
            }
        }
        let index = segment.index()?;
        let bytes = index.size_bytes();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let held = Held { used: state.asks, used_at: state.now, bytes, index: index.clone() };
        if state.held.insert(id, held).is_none() {
            state.bytes += bytes;
        }
        while state.bytes > INDEX_CACHE_BYTES && state.held.len() > 1 {
            let oldest = state.held.iter().filter(|(other, _)| **other != id).min_by_key(|(_, held)| held.used).map(|(id, _)| *id);
            let Some(gone) = oldest.and_then(|oldest| state.held.remove(&oldest)) else { break };
            state.bytes -= gone.bytes;
        }
        Ok(index)
    }

    /// Once a round of maintenance: what nobody asked for in a while leaves memory.
    pub fn age(&self, now: i64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = now;
        state.held.retain(|_, held| now - held.used_at < INDEX_IDLE_MS);
        state.bytes = state.held.values().map(|held| held.bytes).sum();
    }

    /// Gives all memory back.
    pub fn clear(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = CacheState::default();
    }

    pub fn forget(&self, id: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gone) = state.held.remove(&id) {
            state.bytes -= gone.bytes;
        }
    }

    pub fn size_bytes(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }
}
