//! A disk in memory that fails and crashes when a seed says so, for tests of recovery.
//!
//! After a power cut each file keeps what was synced and a seeded prefix of the rest, perhaps with a torn stretch in it;
//! of each folder's unsynced changes of names a seeded prefix is kept. After `kill -9` everything written is there.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile};

/// What ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process goes, the system keeps what was written.
    Kill,
    /// What was not synced is lost or torn.
    PowerCut,
}

/// A small, seeded generator (splitmix64), so that a seed says everything.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly from 0 to below `n`; 0 for `n` of 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.roll() % n }
    }
}

#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    /// How much is safe, and whether the file was cut below that since.
    synced: Vec<u8>,
}

type Shared = Arc<Mutex<Content>>;

#[derive(Clone)]
enum NameChange {
    Set(PathBuf, Shared),
    Gone(PathBuf),
}

#[derive(Default)]
struct State {
    names: BTreeMap<PathBuf, Shared>,
    durable: BTreeMap<PathBuf, Shared>,
    pending: Vec<NameChange>,
    /// Operations until everything fails; none means never.
    fuse: Option<u64>,
    /// Bytes that may still be appended; none means no limit.
    space: Option<u64>,
    fail_sync: bool,
    /// The fuse has blown: a write in progress at that moment was torn.
    off: bool,
}

/// Cloning shares the disk.
#[derive(Clone, Default)]
pub struct CrashingDisk(Arc<Mutex<State>>);

struct CrashingFile {
    disk: CrashingDisk,
    content: Shared,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn gone() -> io::Error {
    io::Error::other("the machine is off")
}

fn missing(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{}: no such file", path.display()))
}

impl State {
    /// One operation that changes something.
    fn step(&mut self) -> io::Result<()> {
        match &mut self.fuse {
            Some(0) => {
                self.off = true;
                Err(gone())
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl CrashingDisk {
    /// After so many more changing operations everything fails.
    pub fn set_fuse(&self, operations: Option<u64>) {
        lock(&self.0).fuse = operations;
    }

    /// So many more bytes can be appended, then the disk is full.
    pub fn set_space(&self, bytes: Option<u64>) {
        lock(&self.0).space = bytes;
    }

    /// Syncs fail from now on.
    pub fn fail_syncs(&self, fail: bool) {
        lock(&self.0).fail_sync = fail;
    }

    /// The disk as the next start finds it.
    pub fn crash(&self, kind: Crash, dice: &mut Dice) -> CrashingDisk {
        let state = lock(&self.0);
        let mut names = match kind {
            Crash::Kill => state.names.clone(),
            Crash::PowerCut => {
                let mut names = state.durable.clone();
                let kept = dice.below(state.pending.len() as u64 + 1) as usize;
                for change in &state.pending[..kept] {
                    apply(&mut names, change.clone());
                }
                names
            }
        };
        for content in names.values_mut() {
            let left = what_is_left(&lock(content), kind, dice);
            *content = Arc::new(Mutex::new(Content { bytes: left.clone(), synced: left }));
        }
        CrashingDisk(Arc::new(Mutex::new(State { durable: names.clone(), names, ..State::default() })))
    }

    /// Changes a file's bytes behind the store's back.
    pub fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(content) = lock(&self.0).names.get(path) {
            let mut content = lock(content);
            change(&mut content.bytes);
            content.synced = content.bytes.clone();
        }
    }

    pub fn paths(&self) -> Vec<PathBuf> {
        lock(&self.0).names.keys().cloned().collect()
    }
}

fn apply(names: &mut BTreeMap<PathBuf, Shared>, change: NameChange) {
    match change {
        NameChange::Set(path, content) => names.insert(path, content),
        NameChange::Gone(path) => names.remove(&path),
    };
}

fn what_is_left(content: &Content, kind: Crash, dice: &mut Dice) -> Vec<u8> {
    if kind == Crash::Kill {
        return content.bytes.clone();
    }
    let safe = content.synced.len().min(content.bytes.len());
    if content.bytes[..safe] != content.synced[..safe] || content.bytes.len() < content.synced.len() {
        // Cut or replaced without a sync: either the old or the new content.
        return if dice.below(2) == 0 { content.synced.clone() } else { content.bytes.clone() };
    }
    let mut left = content.bytes[..safe + dice.below((content.bytes.len() - safe) as u64 + 1) as usize].to_vec();
    let unsynced = left.len() - safe;
    if unsynced > 0 && dice.below(3) == 0 {
        let start = safe + dice.below(unsynced as u64) as usize;
        let length = (1 + dice.below(64) as usize).min(left.len() - start);
        left[start..start + length].fill(0);
    }
    left
}

impl Disk for CrashingDisk {
    fn create_folder(&self, _path: &Path) -> io::Result<()> {
        lock(&self.0).step()
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = lock(&self.0);
        state.step()?;
        let content = Shared::default();
        state.names.insert(path.to_owned(), content.clone());
        state.pending.push(NameChange::Set(path.to_owned(), content.clone()));
        Ok(Arc::new(CrashingFile { disk: self.clone(), content }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let content = lock(&self.0).names.get(path).cloned().ok_or_else(|| missing(path))?;
        Ok(Arc::new(CrashingFile { disk: self.clone(), content }))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.step()?;
        let content = state.names.get(from).cloned().ok_or_else(|| missing(from))?;
        state.names.insert(to.to_owned(), content.clone());
        state.pending.push(NameChange::Set(to.to_owned(), content));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.step()?;
        let content = state.names.remove(from).ok_or_else(|| missing(from))?;
        state.names.insert(to.to_owned(), content.clone());
        state.pending.push(NameChange::Gone(from.to_owned()));
        state.pending.push(NameChange::Set(to.to_owned(), content));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.step()?;
        state.names.remove(path).ok_or_else(|| missing(path))?;
        state.pending.push(NameChange::Gone(path.to_owned()));
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, u64)>> {
        let state = lock(&self.0);
        let inside = state.names.iter().filter(|(path, _)| path.parent() == Some(folder));
        let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(inside.map(|(path, content)| (name(path), lock(content).bytes.len() as u64)).collect())
    }

    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.step()?;
        if state.fail_sync {
            return Err(io::Error::other("the folder could not be synced"));
        }
        let State { durable, pending, .. } = &mut *state;
        pending.drain(..).for_each(|change| apply(durable, change));
        Ok(())
    }
}

impl DiskFile for CrashingFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = lock(&self.disk.0);
        let was_off = state.off;
        let stepped = state.step();
        let mut content = lock(&self.content);
        if let Err(off) = stepped {
            if !was_off {
                content.bytes.extend_from_slice(&bytes[..bytes.len() / 2]);
            }
            return Err(off);
        }
        if let Some(space) = &mut state.space {
            let fits = usize::try_from(*space).unwrap_or(usize::MAX).min(bytes.len());
            content.bytes.extend_from_slice(&bytes[..fits]);
            *space -= fits as u64;
            if fits < bytes.len() {
                return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device"));
            }
            return Ok(());
        }
        content.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        let content = lock(&self.content);
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(into.len());
        let held = content.bytes.get(start..end).ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        into.copy_from_slice(held);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = lock(&self.disk.0);
        state.step()?;
        if state.fail_sync {
            return Err(io::Error::other("the disk did not take it"));
        }
        let mut content = lock(&self.content);
        content.synced = content.bytes.clone();
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(lock(&self.content).bytes.len() as u64)
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        lock(&self.disk.0).step()?;
        let mut content = lock(&self.content);
        content.bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(())
    }

    fn preallocate(&self, _size: u64) -> io::Result<()> {
        Ok(())
    }
}
