//! One block: its index, chunks and tombstones, and which of its series satisfy matchers.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::chunk_files::ChunkFiles;
use super::error::BlockError;
use super::index::{ChunkRef, Index, Tables};
use super::meta::Meta;
use super::samples::Samples;
use super::tombstones::{self, Tombstones, is_deleted};
use crate::model::{Matcher, TimeRange, TimestampMs};

pub struct Block {
    pub folder: PathBuf,
    pub meta: Meta,
    pub index: Index,
    pub chunks: ChunkFiles,
    pub tombstones: Tombstones,
    tables: Mutex<Held>,
}

/// Tables while they are in memory, and when they were last asked for, in monotonic milliseconds.
#[derive(Default)]
struct Held {
    tables: Option<Arc<Tables>>,
    used_at: i64,
}

impl Block {
    /// Reads what says where everything is; nothing else.
    pub fn open(folder: &Path) -> Result<Self, BlockError> {
        Ok(Self {
            folder: folder.to_owned(),
            meta: Meta::read(&folder.join("meta.json"))?,
            index: Index::open(&folder.join("index"))?,
            chunks: ChunkFiles::open(&folder.join("chunks"))?,
            tombstones: tombstones::read(&folder.join("tombstones"))?,
            tables: Mutex::default(),
        })
    }

    /// Both ends belong to it.
    pub fn range(&self) -> TimeRange {
        TimeRange::new(TimestampMs(self.meta.min_time), TimestampMs(self.meta.max_time.saturating_sub(1)))
    }

    pub fn tables(&self, now: i64) -> Result<Arc<Tables>, BlockError> {
        let mut held = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        held.used_at = now;
        if let Some(tables) = &held.tables {
            return Ok(tables.clone());
        }
        let tables = Arc::new(self.index.tables()?);
        held.tables = Some(tables.clone());
        Ok(tables)
    }

    /// When the tables were last used and how many bytes they take, if they are in memory.
    pub fn held(&self) -> Option<(i64, usize)> {
        let held = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        held.tables.as_ref().map(|tables| (held.used_at, tables.size_bytes()))
    }

    pub fn let_go(&self) {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).tables = None;
    }

    /// References of the series that satisfy every matcher, ascending: in order of their labels.
    pub fn matching(&self, tables: &Tables, matchers: &[Matcher]) -> Result<Vec<u32>, BlockError> {
        let mut found: Option<Vec<u32>> = None;
        for matcher in matchers.iter().filter(|m| !m.matches_empty()) {
            let list = self.union(&tables.matching(matcher, true))?;
            match &mut found {
                None => found = Some(list),
                Some(found) => found.retain(|reference| list.binary_search(reference).is_ok()),
            }
            if found.as_ref().is_some_and(Vec::is_empty) {
                return Ok(Vec::new());
            }
        }
        let mut found = match (found, tables.all()) {
            (Some(found), _) => found,
            (None, Some(all)) => self.index.postings(all)?,
            (None, None) => return Ok(Vec::new()),
        };
        // Series without the label satisfy these, so those go whose value does not.
        for matcher in matchers.iter().filter(|m| m.matches_empty()) {
            let unwanted = self.union(&tables.matching(matcher, false))?;
            found.retain(|reference| unwanted.binary_search(reference).is_err());
        }
        Ok(found)
    }

    fn union(&self, lists: &[u64]) -> Result<Vec<u32>, BlockError> {
        let mut all = Vec::new();
        for offset in lists {
            all.extend(self.index.postings(*offset)?);
        }
        if lists.len() > 1 {
            all.sort_unstable();
            all.dedup();
        }
        Ok(all)
    }

    /// Deleted stretches of a series.
    pub fn deleted(&self, reference: u32) -> &[(i64, i64)] {
        self.tombstones.get(&u64::from(reference)).map_or(&[], Vec::as_slice)
    }

    /// Appends a chunk's samples that are not deleted and in the block's own range.
    pub fn decode(&self, reference: u32, chunk: &ChunkRef, into: &mut Samples) -> Result<(), BlockError> {
        let mut one = Samples::default();
        self.chunks.decode(chunk.reference, &mut one)?;
        let (deleted, range) = (self.deleted(reference), self.range());
        one.retain(|at| range.contains(TimestampMs(at)) && !is_deleted(deleted, at));
        into.add(&one);
        Ok(())
    }
}
