//! Which files belong to the store: a small append-only file. What it says of sealed segments can be made again from their footers.
//!
//! The format is drawn in `docs/format/manifest.md`.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, DiskFile, read_all};
use super::error::OpenError;

mod content;

pub use content::{Content, LogEdit, LogFile, Unsealed, Written};

const MAGIC: &[u8; 7] = b"promman";
/// The version of all files under `promlet/`: 2 since segments keep histograms in columns, 3 since the manifest names the row log's files.
pub const VERSION: u8 = 3;
pub const NAME: &str = "manifest";
const NEW_NAME: &str = "manifest.new";
/// Written anew from this size on, in bytes.
const COMPACT_FROM: u64 = 64 * 1024;

pub struct Manifest {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    file: Arc<dyn DiskFile>,
    pub content: Content,
}

/// How a manifest was found at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Whole,
    /// Of an older version, which did not say which log files there are.
    Older,
    /// Missing or damaged: made again from the footers.
    Rebuilt,
}

/// What the manifest says, without changing anything; none where it is missing or damaged.
pub fn look(disk: &dyn Disk, folder: &Path) -> Result<Option<Content>, OpenError> {
    let path = folder.join(NAME);
    match disk.open(&path).and_then(|file| read_all(file.as_ref())) {
        Ok(bytes) => Ok(content::read(&path, &bytes)?.map(|found| found.content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(OpenError::io(&path, "reading", error)),
    }
}

impl Manifest {
    /// Reads the manifest; where there is none, or it is damaged, `rebuild` gives the seed and the segments.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        rebuild: impl FnOnce() -> io::Result<(u64, BTreeSet<u64>)>,
    ) -> Result<(Self, Origin), OpenError> {
        let path = folder.join(NAME);
        let (file, found) = match disk.open(&path) {
            Ok(file) => {
                let bytes = read_all(file.as_ref()).map_err(|e| OpenError::io(&path, "reading", e))?;
                (Some((file, bytes.len())), content::read(&path, &bytes)?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (None, None),
            Err(error) => return Err(OpenError::io(&path, "opening", error)),
        };
        let origin = match &found {
            None => Origin::Rebuilt,
            Some(found) if found.version < VERSION => Origin::Older,
            Some(_) => Origin::Whole,
        };
        let whole_until = found.as_ref().map_or(0, |found| found.whole_until);
        let content = match found {
            Some(found) => found.content,
            None => {
                let (seed, live) = rebuild().map_err(|e| OpenError::io(folder, "reading segments in", e))?;
                Content { seed, live, ..Content::default() }
            }
        };
        let is_usable = |size: usize, file: &dyn DiskFile| {
            // A torn end would make what is appended to it look damaged.
            origin == Origin::Whole && (size == whole_until || file.truncate(whole_until as u64).is_ok())
        };
        let file = match file {
            Some((file, size)) if is_usable(size, file.as_ref()) => file,
            // Before anything of this version is written, so that a promlet that does not know it leaves the folder alone.
            _ => write_new(disk.as_ref(), folder, &content).map_err(|e| OpenError::io(&path, "writing", e))?,
        };
        Ok((Self { disk, folder: folder.to_owned(), file, content }, origin))
    }

    /// Adds and removes segments in one step, durable when it returns.
    pub fn edit(&mut self, add: &[u64], remove: &[u64]) -> io::Result<()> {
        let mut out = Vec::new();
        content::put_edit(&mut out, add, remove);
        self.append(&out)?;
        self.content.edit(add, remove);
        Ok(())
    }

    /// Says which files of the row log there are, and what of unsealed segments it does not repeat; durable when it returns.
    pub fn edit_logs(&mut self, edit: &LogEdit) -> io::Result<()> {
        let mut out = Vec::new();
        content::put_logs(&mut out, edit);
        if out.is_empty() {
            return Ok(());
        }
        self.append(&out)?;
        self.content.edit_logs(edit);
        Ok(())
    }

    /// Says how long the tombstones' file is at least, durable when it returns.
    pub fn edit_tombstones(&mut self, bytes: u64) -> io::Result<()> {
        let mut out = Vec::new();
        content::put_tombstones(&mut out, bytes);
        self.append(&out)?;
        self.content.tombstones = Some(bytes);
        Ok(())
    }

    fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        let size = self.file.size()?;
        if let Err(error) = self.file.append(frames) {
            // A torn end would hide later edits.
            self.file.truncate(size)?;
            return Err(error);
        }
        self.file.sync()
    }

    /// Writes the file anew when it has grown; only when no file of a removed segment is left.
    pub fn compact(&mut self) -> io::Result<()> {
        if self.file.size()? < COMPACT_FROM {
            return Ok(());
        }
        let next = Content { removed: BTreeSet::new(), ..self.content.clone() };
        self.file = write_new(self.disk.as_ref(), &self.folder, &next)?;
        self.content = next;
        Ok(())
    }
}

/// Replaces a folder's manifest.
pub fn write_new(disk: &dyn Disk, folder: &Path, content: &Content) -> io::Result<Arc<dyn DiskFile>> {
    let (new, path) = (folder.join(NEW_NAME), folder.join(NAME));
    let file = disk.create(&new)?;
    file.append(&content.spell())?;
    file.sync()?;
    disk.rename(&new, &path)?;
    disk.sync_folder(folder)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tsdb::disk::CrashingDisk;

    fn open(disk: &CrashingDisk) -> Result<(Manifest, Origin), OpenError> {
        Manifest::open(Arc::new(disk.clone()), Path::new("d"), || Ok((9, BTreeSet::from([1]))))
    }

    #[test]
    fn edits_come_back_and_damage_means_rebuilding() {
        let disk = CrashingDisk::default();
        let (mut manifest, origin) = open(&disk).expect("a new one");
        assert_eq!(origin, Origin::Rebuilt);
        manifest.edit(&[2, 3], &[]).expect("space");
        manifest.edit(&[4], &[2, 3]).expect("space");
        let closed = LogFile { after: 7, written: Written::Closed(900) };
        let grows = LogFile { after: i64::MIN, written: Written::Grows };
        let unsealed = Unsealed { bytes: 70, min_time: -1, max_time: 5 };
        let begun = LogEdit { logs: vec![(1, closed), (2, grows)], unsealed: vec![(5, unsealed), (6, unsealed)], ..LogEdit::default() };
        manifest.edit_logs(&begun).expect("space");
        manifest.edit_logs(&LogEdit { gone: vec![1], ..LogEdit::default() }).expect("space");
        manifest.edit_tombstones(50).expect("space");
        manifest.edit(&[6], &[]).expect("space");
        disk.damage(Path::new("d/manifest"), |bytes| bytes.extend([0xa7, 0x5e, 9]));
        let (mut manifest, origin) = open(&disk).expect("what was written");
        let expected = Content {
            seed: 9,
            live: BTreeSet::from([1, 4, 6]),
            removed: BTreeSet::from([2, 3]),
            logs: [(2, grows)].into(),
            unsealed: [(5, unsealed)].into(),
            tombstones: Some(50),
        };
        assert_eq!((origin, &manifest.content), (Origin::Whole, &expected));
        manifest.edit(&[], &[]).expect("space");
        let (manifest, origin) = open(&disk).expect("a torn end was cut");
        assert_eq!((origin, &manifest.content), (Origin::Whole, &expected));
        write_new(&disk, Path::new("d"), &manifest.content).expect("space");
        assert_eq!(open(&disk).expect("written anew").0.content, expected);
        disk.damage(Path::new("d/manifest"), |bytes| bytes[40] ^= 1);
        let (manifest, origin) = open(&disk).expect("rebuilt");
        assert!(origin == Origin::Rebuilt && manifest.content.live == BTreeSet::from([1]));
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
        for expected in [Origin::Older, Origin::Whole] {
            let (Manifest { content, .. }, origin) = open(&disk).expect("what was written");
            assert_eq!(origin, expected);
            assert_eq!((content.seed, content.live, content.removed), (9, BTreeSet::from([2, 3]), BTreeSet::from([1])));
            let bytes = read_all(disk.open(Path::new("d/manifest")).expect("a file").as_ref()).expect("its bytes");
            assert_eq!(bytes[7], VERSION);
        }
    }
}
