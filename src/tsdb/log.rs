//! The row log: every committed row that no durable stripe holds yet, written before its commit returns.
//!
//! One file is appended to; it is closed when it has grown, and removed when maintenance finds all its rows in synced stripes.
//! The format is drawn in `docs/format/row-log.md`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile};
use super::frame;
use super::limits::LOG_FACTOR;
use super::manifest::{LogEdit, LogFile, Manifest, Unsealed, Written};
use super::pace::Unsynced;

pub mod record;
pub mod replay;
pub mod starts;

const MAGIC: &[u8; 8] = b"promlog\x01";
/// What a disk takes at once.
const PAGE_BYTES: u64 = 4096;
/// Magic and two numbers of eight bytes.
pub const HEADER: usize = 24;

/// What a log file says of itself: its number, and the first segment that can hold rows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub number: u64,
    pub first_segment: u64,
}

impl Header {
    pub fn bytes(self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[..8].copy_from_slice(MAGIC);
        out[8..16].copy_from_slice(&self.number.to_le_bytes());
        out[16..].copy_from_slice(&self.first_segment.to_le_bytes());
        out
    }

    /// None where this is no log file, or its header was torn.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (first_segment, _) = rest.split_first_chunk::<8>()?;
        (magic == MAGIC).then(|| Self { number: u64::from_le_bytes(*number), first_segment: u64::from_le_bytes(*first_segment) })
    }
}

pub fn file_name(number: u64) -> String {
    format!("log-{number:08}")
}

pub fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix("log-")?.parse().ok()
}

/// A file that waits for its rows to reach synced stripes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedFile {
    pub number: u64,
    pub bytes: u64,
    pub first_segment: u64,
}

struct Writer {
    file: Option<Arc<dyn DiskFile>>,
    size: u64,
    /// What definitions and keyframes took of it.
    opening: u64,
    groups: u32,
    closed: Vec<ClosedFile>,
    /// What the present file's header says.
    first_segment: u64,
    /// The newest sample's time when the present file was begun.
    after: i64,
    /// A write failed half way and could not be cut off: this file takes no more.
    broken: bool,
}

pub struct RowLog {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    file_bytes: u64,
    /// Knows which files there are. Its lock is taken after the writer's.
    manifest: Arc<Mutex<Manifest>>,
    writer: Mutex<Writer>,
    number: AtomicU64,
    /// Total bytes written over all files, and how many of those are synced.
    written: AtomicU64,
    synced: Mutex<u64>,
    first_segment: AtomicU64,
    /// Some rows could not be read into memory: no file is removed.
    keeps_all: AtomicBool,
}

/// The log while one commit writes to it.
pub struct Locked<'a> {
    log: &'a RowLog,
    writer: MutexGuard<'a, Writer>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RowLog {
    /// The first file gets the number after `last_number`; `closed` are files of earlier runs.
    pub fn new(
        disk: Arc<dyn Disk>,
        folder: &Path,
        file_bytes: u64,
        manifest: Arc<Mutex<Manifest>>,
        last_number: u64,
        closed: Vec<ClosedFile>,
    ) -> Self {
        let writer = Writer { file: None, size: 0, opening: 0, groups: 0, closed, first_segment: 0, after: i64::MIN, broken: false };
        Self {
            disk,
            folder: folder.to_owned(),
            file_bytes,
            manifest,
            writer: Mutex::new(writer),
            number: AtomicU64::new(last_number),
            written: AtomicU64::new(0),
            synced: Mutex::new(0),
            first_segment: AtomicU64::new(0),
            keeps_all: AtomicBool::new(false),
        }
    }

    /// The number of the file that is appended to.
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// From here on new log files say that rows of theirs are in this segment or later ones.
    pub fn set_first_segment(&self, id: u64) {
        self.first_segment.store(id, Ordering::Release);
    }

    /// Closes the present file and begins the next; `newest` is the newest sample's time.
    pub fn rotate(&self, newest: i64) -> io::Result<()> {
        let mut locked = self.lock();
        locked.rotate(newest)
    }

    /// Says that the present file holds no row, and nothing more is written to it.
    pub fn end_without_rows(&self) -> io::Result<()> {
        let writer = lock(&self.writer);
        let file = LogFile { after: writer.after, written: Written::WithoutRows(writer.size) };
        lock(&self.manifest).edit_logs(&LogEdit { logs: vec![(self.number(), file)], ..LogEdit::default() })
    }

    pub fn lock(&self) -> Locked<'_> {
        Locked { log: self, writer: lock(&self.writer) }
    }

    /// Syncs everything written up to now, unless another thread has just done it. An error is final: what the disk holds is unknown.
    pub fn sync(&self) -> io::Result<bool> {
        let wanted = self.written();
        self.sync_to(wanted)
    }

    pub fn sync_to(&self, wanted: u64) -> io::Result<bool> {
        let mut synced = lock(&self.synced);
        if *synced >= wanted {
            return Ok(false);
        }
        let (file, until) = {
            let writer = lock(&self.writer);
            (writer.file.clone(), self.written())
        };
        if let Some(file) = file {
            file.sync()?;
        }
        *synced = until;
        Ok(true)
    }

    /// What a sync would make durable.
    pub fn unsynced(&self) -> Unsynced {
        let synced = *lock(&self.synced);
        let writer = lock(&self.writer);
        let bytes = self.written().saturating_sub(synced);
        Unsynced { bytes, fills_page: writer.size / PAGE_BYTES > writer.size.saturating_sub(bytes) / PAGE_BYTES }
    }

    /// The oldest segment that can hold rows which a log file repeats.
    pub fn first_segment_needed(&self) -> u64 {
        let writer = lock(&self.writer);
        writer.closed.iter().map(|file| file.first_segment).chain([writer.first_segment]).min().unwrap_or(0)
    }

    /// From now on no file is removed: the next start reads them again.
    pub fn keep_all(&self) {
        self.keeps_all.store(true, Ordering::Release);
    }

    /// Closed files, oldest first.
    pub fn closed(&self) -> Vec<ClosedFile> {
        lock(&self.writer).closed.clone()
    }

    pub fn size_bytes(&self) -> u64 {
        let writer = lock(&self.writer);
        writer.size + writer.closed.iter().map(|file| file.bytes).sum::<u64>()
    }

    /// Removes closed files before this number: all their rows are in synced stripes, also in these of segments that are not sealed.
    pub fn remove_before(&self, number: u64, unsealed: Vec<(u64, Unsealed)>) -> io::Result<usize> {
        if self.keeps_all.load(Ordering::Acquire) {
            return Ok(0);
        }
        let gone: Vec<u64> = lock(&self.writer).closed.iter().map(|file| file.number).filter(|n| *n < number).collect();
        {
            // Before the files go, so that one that is missing is always one that should be there.
            let mut manifest = lock(&self.manifest);
            let known = manifest.content.logs.range(..number).map(|(number, _)| *number).collect();
            manifest.edit_logs(&LogEdit { logs: Vec::new(), gone: known, unsealed })?;
        }
        for number in &gone {
            match self.disk.remove(&self.folder.join(file_name(*number))) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            lock(&self.writer).closed.retain(|file| file.number != *number);
        }
        Ok(gone.len())
    }
}

impl Locked<'_> {
    /// The file's number; a group whose definition is in another file must be defined again.
    pub fn number(&self) -> u64 {
        self.log.number()
    }

    /// A number for a group in this file.
    pub fn new_group(&mut self) -> u32 {
        self.writer.groups += 1;
        self.writer.groups - 1
    }

    /// Where the file has grown enough that the next one should begin.
    pub fn is_full(&self) -> bool {
        self.writer.size >= self.log.file_bytes.max(self.writer.opening * LOG_FACTOR)
    }

    pub fn rotate(&mut self, newest: i64) -> io::Result<()> {
        let number = self.log.number() + 1;
        let path = self.log.folder.join(file_name(number));
        let file = self.log.disk.create(&path)?;
        let header = Header { number, first_segment: self.log.first_segment.load(Ordering::Acquire) };
        file.append(&header.bytes())?;
        // One whose header is not whole was cut by somebody else.
        file.sync()?;
        // The name must be there after a power cut, and what the old file holds must be safe before its sync is forgotten.
        let mut logs = vec![(number, LogFile { after: newest, written: Written::Grows })];
        if let Some(old) = &self.writer.file {
            old.sync()?;
            logs.push((self.log.number(), LogFile { after: self.writer.after, written: Written::Closed(self.writer.size) }));
        }
        self.log.disk.sync_folder(&self.log.folder)?;
        // From here on its absence is a loss. No row is in it yet.
        lock(&self.log.manifest).edit_logs(&LogEdit { logs, ..LogEdit::default() })?;
        let writer = &mut *self.writer;
        if writer.file.is_some() {
            let closed = ClosedFile { number: self.log.number(), bytes: writer.size, first_segment: writer.first_segment };
            writer.closed.push(closed);
        }
        (writer.first_segment, writer.after) = (header.first_segment, newest);
        (writer.file, writer.size, writer.opening, writer.groups, writer.broken) = (Some(file), HEADER as u64, HEADER as u64, 0, false);
        self.log.number.store(number, Ordering::Release);
        Ok(())
    }

    /// Appends whole frames; `is_opening` where they only repeat what is known. Nothing of them is left behind by an error.
    /// What is returned is to be given to `sync_to`.
    pub fn append(&mut self, frames: &[u8], is_opening: bool) -> io::Result<u64> {
        debug_assert!(frame::head(frames).is_some(), "only frames are appended");
        let Some(file) = self.writer.file.clone() else { return Err(io::Error::other("the row log has no file")) };
        if self.writer.broken {
            return Err(io::Error::other("the row log's file ends in a torn record"));
        }
        if let Err(error) = file.append(frames) {
            self.writer.broken = file.truncate(self.writer.size).is_err();
            return Err(error);
        }
        self.writer.size += frames.len() as u64;
        if is_opening {
            self.writer.opening += frames.len() as u64;
        }
        Ok(self.log.written.fetch_add(frames.len() as u64, Ordering::AcqRel) + frames.len() as u64)
    }

    /// After a failed write, whether the file can be used again or must be left.
    pub fn is_broken(&self) -> bool {
        self.writer.broken
    }
}
