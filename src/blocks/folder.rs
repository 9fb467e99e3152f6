//! A Prometheus data folder as a whole, read and never written: its blocks at once, its head when somebody asks for the time that it covers.

mod copy;
mod delete;

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::block::Block;
use super::deleted::{BySeries, Deleted};
use super::error::BlockError;
use super::head::{self, Head};
use super::imported::Imported;
use super::limits::{BLOCKS_MAX, IDLE_MS, TABLE_CACHE_BYTES};
use super::snapshot::FolderSnapshot;
use super::ulid::is_ulid;
use crate::clock::Clock;
use crate::model::{DurationMs, Exemplar, Labels, Matcher, TimeRange, TimestampMs};
use crate::storage::{Select, SelectError, Snapshot};

/// What is read of a folder.
pub struct PrometheusFolder {
    pub path: PathBuf,
    clock: Clock,
    blocks: RwLock<Vec<Arc<Block>>>,
    /// Blocks that could not be opened, and why.
    unreadable: Vec<BlockError>,
    head: Mutex<HeldHead>,
    deleted: Deleted,
    /// Grows when something goes.
    changes: AtomicU64,
}

/// promlet's own part of a data folder.
const OWN_FOLDER: &str = "promlet";

#[derive(Default)]
struct HeldHead {
    exists: bool,
    loaded: Option<Arc<Head>>,
    /// What a loaded head covered: known also when it has left memory again.
    range: Option<Option<TimeRange>>,
    used_at: i64,
}

/// Holds a folder's `lock` as Prometheus does, so that none writes while we read. A folder without the file is nobody's.
pub fn lock(folder: &Path) -> Result<Option<File>, BlockError> {
    let path = folder.join("lock");
    match File::open(&path) {
        Ok(file) => match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(BlockError::Locked(path)),
            Err(TryLockError::Error(error)) => Err(BlockError::io(&path, error)),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BlockError::io(&path, error)),
    }
}

/// Folders of blocks, oldest name first.
fn block_folders(folder: &Path) -> Result<Vec<PathBuf>, BlockError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| BlockError::io(folder, error))? {
        let path = entry.map_err(|error| BlockError::io(folder, error))?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(is_ulid) && path.join("meta.json").is_file() {
            found.push(path);
        }
    }
    if found.len() > BLOCKS_MAX {
        return Err(BlockError::Limit(format!("{} has {} blocks; at most {BLOCKS_MAX} are read", folder.display(), found.len())));
    }
    found.sort();
    Ok(found)
}

impl PrometheusFolder {
    /// None where the folder holds nothing of Prometheus. What was imported into promlet's own store is left out.
    pub fn open(path: &Path, imported: &Imported, clock: Clock) -> Result<Option<Self>, BlockError> {
        let (mut blocks, mut unreadable) = (Vec::new(), Vec::new());
        for folder in block_folders(path)? {
            match Block::open(&folder) {
                Ok(block) => blocks.push(Arc::new(block)),
                Err(error) => unreadable.push(error),
            }
        }
        // A compaction that was cut short leaves what it was made from.
        let parents: HashSet<String> = blocks.iter().flat_map(|b| b.meta.compaction.parents.iter().map(|p| p.ulid.clone())).collect();
        blocks.retain(|block| !parents.contains(&block.meta.ulid));
        blocks.retain(|block| !imported.has_block(&block.meta.ulid));
        blocks.sort_by_key(|block| (block.meta.min_time, block.meta.max_time));
        let has_head = head::exists(path) && !imported.has_head(path);
        if blocks.is_empty() && unreadable.is_empty() && !has_head {
            return Ok(None);
        }
        let own = path.join(OWN_FOLDER);
        let deleted = Deleted::read(&own).map_err(|error| BlockError::io(&own.join(super::deleted::NAME), error))?;
        let head = HeldHead { exists: has_head, range: None, ..HeldHead::default() };
        let folder = Self {
            path: path.to_owned(),
            clock,
            blocks: RwLock::new(blocks),
            unreadable,
            head: Mutex::new(head),
            deleted,
            changes: AtomicU64::new(0),
        };
        Ok(Some(folder))
    }

    pub fn blocks(&self) -> Vec<Arc<Block>> {
        self.blocks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn unreadable(&self) -> &[BlockError] {
        &self.unreadable
    }

    /// What promlet deleted of it.
    pub fn deleted(&self) -> Arc<BySeries> {
        self.deleted.current()
    }

    pub fn has_head(&self) -> bool {
        self.head.lock().unwrap_or_else(PoisonError::into_inner).exists
    }

    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub fn monotonic(&self) -> i64 {
        i64::try_from(self.clock.monotonic().as_millis()).unwrap_or(i64::MAX)
    }

    /// The head, read now if it is not in memory. None where there is none.
    pub fn head(&self) -> Result<Option<Arc<Head>>, BlockError> {
        let mut held = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.exists {
            return Ok(None);
        }
        held.used_at = self.monotonic();
        if let Some(head) = &held.loaded {
            return Ok(Some(head.clone()));
        }
        let head = Arc::new(Head::load(&self.path, valid_from_of(&self.path, &self.blocks()))?);
        if held.range.is_none() {
            head.damage.iter().for_each(|error| tracing::error!("{error}; what is around it is served"));
        }
        held.range = Some(head.range);
        held.loaded = Some(head.clone());
        Ok(Some(head))
    }

    /// Whether the head may have samples of this range: unknown ones may, until it was read once.
    fn head_overlaps(&self, range: TimeRange) -> bool {
        let held = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        match held.range {
            _ if !held.exists => false,
            Some(known) => known.is_some_and(|known| known.overlaps(range)),
            None => true,
        }
    }

    /// Whether anything here may have samples of this range.
    pub fn overlaps(&self, range: TimeRange) -> bool {
        self.blocks().iter().any(|block| block.range().overlaps(range)) || self.head_overlaps(range)
    }

    /// Exemplars that the head's log has of series that satisfy all matchers.
    pub fn exemplars(&self, matchers: &[Matcher], range: TimeRange) -> Vec<(Labels, TimestampMs, Exemplar)> {
        let Ok(Some(head)) = (if self.head_overlaps(range) { self.head() } else { Ok(None) }) else { return Vec::new() };
        let wanted = head.matching(matchers);
        let found = head.exemplars.iter().filter(|(series, at, _)| range.contains(*at) && wanted.binary_search(series).is_ok());
        found.map(|(series, at, exemplar)| (head.series[*series as usize].labels.clone(), *at, exemplar.clone())).collect()
    }

    /// Lets memory go that nobody asked for lately. To be called now and then.
    pub fn tidy(&self) {
        let now = self.monotonic();
        // While the head is read, its lock is held: upkeep does not wait for that.
        if let Ok(mut held) = self.head.try_lock()
            && now - held.used_at > IDLE_MS
        {
            held.loaded = None;
        }
        let mut held: Vec<(i64, usize, Arc<Block>)> =
            self.blocks().into_iter().filter_map(|block| block.held().map(|(used_at, bytes)| (used_at, bytes, block))).collect();
        held.sort_by_key(|(used_at, ..)| std::cmp::Reverse(*used_at));
        let mut bytes = 0usize;
        for (used_at, size, block) in held {
            bytes += size;
            if now - used_at > IDLE_MS || bytes > TABLE_CACHE_BYTES {
                block.let_go();
            }
        }
    }

    /// Whether [`Self::expire`] would remove something.
    pub fn has_expired(&self, newest: TimestampMs, retention: DurationMs) -> bool {
        let oldest = newest.0.saturating_sub(retention.0);
        let Ok(head) = self.head.try_lock() else { return false };
        let head_is_old = head.exists && matches!(head.range, Some(range) if range.is_none_or(|r| r.max.0 < oldest));
        head_is_old || self.blocks().iter().any(|block| block.meta.max_time <= oldest)
    }

    /// Removes blocks all of whose samples are older than the retention, as Prometheus would; the head stops being served when it is.
    /// `newest` is the time that ages are counted from. How many blocks went.
    pub fn expire(&self, newest: TimestampMs, retention: DurationMs) -> usize {
        let oldest = newest.0.saturating_sub(retention.0);
        let gone: Vec<Arc<Block>> = self.blocks().into_iter().filter(|block| block.meta.max_time <= oldest).collect();
        {
            let mut held = self.head.lock().unwrap_or_else(PoisonError::into_inner);
            if held.exists && matches!(held.range, Some(range) if range.is_none_or(|r| r.max.0 < oldest)) {
                (held.exists, held.loaded) = (false, None);
                self.changes.fetch_add(1, Ordering::AcqRel);
            }
        }
        self.remove(&gone, "older than the retention");
        gone.len()
    }

    /// Removes the oldest blocks until so many bytes are free, as Prometheus would at its `retention.size`, but none with samples at or
    /// after `until`. How many bytes went. The head stays.
    pub fn shrink(&self, bytes: u64, until: TimestampMs) -> u64 {
        let (mut freed, mut gone) = (0u64, Vec::new());
        for block in self.blocks().into_iter().filter(|block| block.meta.max_time <= until.0) {
            if freed >= bytes {
                break;
            }
            freed += bytes_below(&block.folder);
            gone.push(block);
        }
        self.remove(&gone, "the oldest in a folder that is larger than the retention allows");
        freed
    }

    fn remove(&self, gone: &[Arc<Block>], why: &str) {
        if gone.is_empty() {
            return;
        }
        self.blocks.write().unwrap_or_else(PoisonError::into_inner).retain(|block| !gone.iter().any(|g| g.meta.ulid == block.meta.ulid));
        self.changes.fetch_add(1, Ordering::AcqRel);
        for block in gone {
            tracing::info!("{}: a block of Prometheus that is {why} is removed", block.folder.display());
            if let Err(error) = remove(&block.folder) {
                tracing::error!("{}: {error}", block.folder.display());
            }
        }
    }
}

/// Under another name first, so that a crash in between leaves no half block.
fn remove(folder: &Path) -> std::io::Result<()> {
    let mut name = folder.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
    name.push(".tmp-for-deletion");
    let doomed = folder.with_file_name(name);
    std::fs::rename(folder, &doomed)?;
    std::fs::remove_dir_all(doomed)
}

/// Of all files; what cannot be read counts nothing.
fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => bytes_below(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

/// The end of the newest block of samples that came in order.
fn valid_from(blocks: &[Arc<Block>]) -> i64 {
    blocks.iter().filter(|b| !b.meta.is_from_out_of_order()).map(|b| b.meta.max_time).max().unwrap_or(i64::MIN)
}

/// The same, with blocks that were imported and are not read any more.
fn valid_from_of(folder: &Path, read: &[Arc<Block>]) -> i64 {
    let metas = block_folders(folder).unwrap_or_default().into_iter().filter_map(|f| super::meta::Meta::read(&f.join("meta.json")).ok());
    let newest = metas.filter(|meta| !meta.is_from_out_of_order()).map(|meta| meta.max_time).max();
    newest.unwrap_or(i64::MIN).max(valid_from(read))
}

impl Select for PrometheusFolder {
    fn open(&self, range: TimeRange) -> Result<Arc<dyn Snapshot>, SelectError> {
        let blocks = self.blocks().into_iter().filter(|block| block.range().overlaps(range)).collect();
        let head = if self.head_overlaps(range) { self.head().map_err(BlockError::for_select)? } else { None };
        Ok(Arc::new(FolderSnapshot::new((blocks, head), self.deleted(), range, self.changes(), self.monotonic())))
    }
}
