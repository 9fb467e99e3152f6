//! Which segments belong to the store: a small append-only file that can be made again from the segments' footers.
//!
//! The format is drawn in `docs/format/manifest.md`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, mem};

use super::bytes::{Decoded, Reader, put_varint};
use super::disk::{Disk, DiskFile, read_all};
use super::error::OpenError;
use super::frame::{self, Frames, Step};

const MAGIC: &[u8; 7] = b"promman";
/// The version of all files under `promlet/`: 2 since segments keep histograms in columns.
pub const VERSION: u8 = 2;
const START: u8 = 1;
const EDIT: u8 = 2;
pub const NAME: &str = "manifest";
const NEW_NAME: &str = "manifest.new";
/// Written anew from this size on, in bytes.
const COMPACT_FROM: u64 = 64 * 1024;

pub struct Manifest {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    file: Arc<dyn DiskFile>,
    /// The seed of series ids in this folder.
    pub seed: u64,
    pub live: BTreeSet<u64>,
    /// Taken off the list; their files may still be there.
    pub removed: BTreeSet<u64>,
}

/// What the file says, if there is one and its beginning is whole.
struct Said {
    version: u8,
    seed: u64,
    live: BTreeSet<u64>,
    removed: BTreeSet<u64>,
}

fn read(path: &Path, bytes: &[u8]) -> Result<Option<Said>, OpenError> {
    let Some((version, magic)) = bytes.get(..8).and_then(<[u8]>::split_last) else { return Ok(None) };
    if magic != MAGIC {
        return Ok(None);
    }
    if *version > VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found: *version, known: VERSION });
    }
    let mut said = None;
    for step in Frames::new(bytes, 8) {
        // What follows a damaged edit could contradict it: the footers tell more.
        let Step::Whole(_, body) = step else { return Ok(None) };
        if take(*version, body, &mut said).is_err() {
            return Ok(None);
        }
    }
    Ok(said)
}

fn take(version: u8, body: &[u8], said: &mut Option<Said>) -> Decoded<()> {
    let mut reader = Reader::new(body);
    match (reader.u8()?, said) {
        (START, said) => *said = Some(Said { version, seed: reader.u64()?, live: BTreeSet::new(), removed: BTreeSet::new() }),
        (EDIT, Some(said)) => {
            for _ in 0..reader.count(1)? {
                said.live.insert(reader.varint()?);
            }
            for _ in 0..reader.count(1)? {
                let id = reader.varint()?;
                said.live.remove(&id);
                said.removed.insert(id);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The segments that the manifest names, without changing anything; none where it is missing or damaged.
pub fn live(disk: &dyn Disk, folder: &Path) -> Result<Option<BTreeSet<u64>>, OpenError> {
    let path = folder.join(NAME);
    match disk.open(&path).and_then(|file| read_all(file.as_ref())) {
        Ok(bytes) => Ok(read(&path, &bytes)?.map(|said| said.live)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(OpenError::io(&path, "reading", error)),
    }
}

impl Manifest {
    /// Reads the manifest; where there is none, or it is damaged, `rebuild` gives the seed and the segments, and `Ok((_, true))` says so.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        rebuild: impl FnOnce() -> io::Result<(u64, BTreeSet<u64>)>,
    ) -> Result<(Self, bool), OpenError> {
        let path = folder.join(NAME);
        let said = match disk.open(&path) {
            Ok(file) => read(&path, &read_all(file.as_ref()).map_err(|e| OpenError::io(&path, "reading", e))?)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(OpenError::io(&path, "opening", error)),
        };
        let was_rebuilt = said.is_none();
        let said = match said {
            Some(said) => said,
            None => {
                let (seed, live) = rebuild().map_err(|e| OpenError::io(folder, "reading segments in", e))?;
                Said { version: VERSION, seed, live, removed: BTreeSet::new() }
            }
        };
        let file = disk.open(&path);
        let file = match file {
            Ok(file) if !was_rebuilt && said.version == VERSION => file,
            // Before anything of this version is written, so that a promlet that does not know it leaves the folder alone.
            _ => write_new(disk.as_ref(), folder, said.seed, &said.live, &said.removed).map_err(|e| OpenError::io(&path, "writing", e))?,
        };
        Ok((Self { disk, folder: folder.to_owned(), file, seed: said.seed, live: said.live, removed: said.removed }, was_rebuilt))
    }

    /// Adds and removes segments in one step, durable when it returns.
    pub fn edit(&mut self, add: &[u64], remove: &[u64]) -> io::Result<()> {
        let mut out = Vec::new();
        put_edit(&mut out, add, remove);
        let size = self.file.size()?;
        if let Err(error) = self.file.append(&out) {
            // A torn end would hide later edits.
            self.file.truncate(size)?;
            return Err(error);
        }
        self.file.sync()?;
        self.live.extend(add);
        for id in remove {
            self.live.remove(id);
            self.removed.insert(*id);
        }
        Ok(())
    }

    /// Writes the file anew when it has grown; only when no file of a removed segment is left.
    pub fn compact(&mut self) -> io::Result<()> {
        if self.file.size()? < COMPACT_FROM {
            return Ok(());
        }
        self.file = write_new(self.disk.as_ref(), &self.folder, self.seed, &self.live, &BTreeSet::new())?;
        mem::take(&mut self.removed);
        Ok(())
    }
}

fn put_edit(out: &mut Vec<u8>, add: &[u64], remove: &[u64]) {
    let at = frame::start(out);
    out.push(EDIT);
    for list in [add, remove] {
        put_varint(out, list.len() as u64);
        list.iter().for_each(|id| put_varint(out, *id));
    }
    frame::finish(out, at);
}

/// Writes a manifest that names these segments, and those that may still be there although they were removed.
pub fn write_new(
    disk: &dyn Disk,
    folder: &Path,
    seed: u64,
    live: &BTreeSet<u64>,
    removed: &BTreeSet<u64>,
) -> io::Result<Arc<dyn DiskFile>> {
    let (new, path) = (folder.join(NEW_NAME), folder.join(NAME));
    let mut out = MAGIC.to_vec();
    out.push(VERSION);
    let at = frame::start(&mut out);
    out.push(START);
    out.extend_from_slice(&seed.to_le_bytes());
    frame::finish(&mut out, at);
    let list = |ids: &BTreeSet<u64>| ids.iter().copied().collect::<Vec<_>>();
    put_edit(&mut out, &list(live), &list(removed));
    let file = disk.create(&new)?;
    file.append(&out)?;
    file.sync()?;
    disk.rename(&new, &path)?;
    disk.sync_folder(folder)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tsdb::disk::CrashingDisk;

    fn open(disk: &CrashingDisk) -> Result<(Manifest, bool), OpenError> {
        Manifest::open(Arc::new(disk.clone()), Path::new("d"), || Ok((9, BTreeSet::from([1]))))
    }

    #[test]
    fn edits_come_back_and_damage_means_rebuilding() {
        let disk = CrashingDisk::default();
        let (mut manifest, rebuilt) = open(&disk).expect("a new one");
        assert!(rebuilt);
        manifest.edit(&[2, 3], &[]).expect("space");
        manifest.edit(&[4], &[2, 3]).expect("space");
        let (manifest, rebuilt) = open(&disk).expect("what was written");
        assert!(!rebuilt);
        assert_eq!((manifest.seed, manifest.live, manifest.removed), (9, BTreeSet::from([1, 4]), BTreeSet::from([2, 3])));
        disk.damage(Path::new("d/manifest"), |bytes| bytes[40] ^= 1);
        let (manifest, rebuilt) = open(&disk).expect("rebuilt");
        assert!(rebuilt && manifest.live == BTreeSet::from([1]));
    }

    #[test]
    fn a_newer_version_is_refused() {
        let disk = CrashingDisk::default();
        open(&disk).expect("a new one");
        disk.damage(Path::new("d/manifest"), |bytes| bytes[7] = VERSION + 1);
        let text = open(&disk).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(text.contains(&format!("format version {}", VERSION + 1)), "{text}");
    }

    #[test]
    fn an_older_version_becomes_this_one_and_says_the_same() {
        let disk = CrashingDisk::default();
        let (mut manifest, _) = open(&disk).expect("a new one");
        manifest.edit(&[2, 3], &[1]).expect("space");
        disk.damage(Path::new("d/manifest"), |bytes| bytes[7] = 1);
        for _ in 0..2 {
            let (manifest, rebuilt) = open(&disk).expect("what was written");
            assert!(!rebuilt);
            assert_eq!((manifest.seed, manifest.live, manifest.removed), (9, BTreeSet::from([2, 3]), BTreeSet::from([1])));
            let bytes = read_all(disk.open(Path::new("d/manifest")).expect("a file").as_ref()).expect("its bytes");
            assert_eq!(bytes[7], VERSION);
        }
    }
}
