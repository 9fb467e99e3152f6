//! Tombstones: stretches of time in which samples of a series are deleted. They hide samples at once, and merges leave those out;
//! the file that keeps them over a restart is drawn in `docs/format/tombstones.md`.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::bytes::{Decoded, Reader, put_signed, put_varint};
use super::disk::{Disk, DiskFile, read_all};
use super::error::OpenError;
use super::frame::{self, Frames, Step};
use super::store::{lock, read};

const MAGIC: &[u8; 8] = b"promtmb\x01";
/// Of a file without deletions.
pub const HEADER_BYTES: u64 = MAGIC.len() as u64;
pub const NAME: &str = "tombstones";
const NEW_NAME: &str = "tombstones.new";
const DELETION: u8 = 1;
/// Deletions of one frame.
const FRAME_DELETIONS_MAX: usize = 64 * 1024;

/// A series' id and the first and last time at which its samples are deleted.
pub type Deletion = (u64, i64, i64);

/// Deleted stretches by series id: ascending, apart from each other, both ends inclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tombstones {
    by_series: HashMap<u64, Vec<(i64, i64)>>,
}

impl Tombstones {
    pub fn is_empty(&self) -> bool {
        self.by_series.is_empty()
    }

    pub fn of(&self, id: u64) -> Option<&[(i64, i64)]> {
        self.by_series.get(&id).map(Vec::as_slice)
    }

    pub fn series(&self) -> impl Iterator<Item = u64> + '_ {
        self.by_series.keys().copied()
    }

    fn add(&mut self, (id, from, until): Deletion) {
        let held = self.by_series.entry(id).or_default();
        held.push((from, until));
        held.sort_unstable();
        let mut joined: Vec<(i64, i64)> = Vec::with_capacity(held.len());
        for (from, until) in held.drain(..) {
            match joined.last_mut() {
                Some(before) if from <= before.1.saturating_add(1) => before.1 = before.1.max(until),
                _ => joined.push((from, until)),
            }
        }
        *held = joined;
    }

    /// What is left when everything in `done` was carried out.
    fn without(&self, done: &Self) -> Self {
        let is_left = |(id, stretches): &(&u64, &Vec<(i64, i64)>)| done.by_series.get(id) != Some(*stretches);
        Self { by_series: self.by_series.iter().filter(is_left).map(|(id, stretches)| (*id, stretches.clone())).collect() }
    }

    fn list(&self) -> Vec<Deletion> {
        self.by_series.iter().flat_map(|(id, stretches)| stretches.iter().map(|(from, until)| (*id, *from, *until))).collect()
    }
}

/// Whether a sample at this time is deleted.
pub fn hides(stretches: &[(i64, i64)], at: i64) -> bool {
    let after = stretches.partition_point(|(from, _)| *from <= at);
    after > 0 && at <= stretches[after - 1].1
}

/// The tombstones in force, and their file.
pub struct TombstoneFile {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    current: RwLock<Arc<Tombstones>>,
    /// None until the first deletion.
    file: Mutex<Option<Arc<dyn DiskFile>>>,
}

impl TombstoneFile {
    pub fn open(disk: Arc<dyn Disk>, folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join(NAME);
        let (mut found, mut file) = (Tombstones::default(), None);
        match disk.open(&path) {
            Ok(open) => {
                let bytes = read_all(open.as_ref()).map_err(|error| OpenError::io(&path, "reading", error))?;
                let (damaged, whole_until) = take_all(&bytes, &mut found);
                if damaged > 0 {
                    tracing::error!("{}: {damaged} damaged stretches; what was deleted there is served again", path.display());
                }
                // A torn end would hide later deletions. On a full or read-only disk nothing is deleted either.
                let is_whole = whole_until == bytes.len() && bytes.starts_with(MAGIC);
                file = Some(open).filter(|open| is_whole || (whole_until > 0 && open.truncate(whole_until as u64).is_ok()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(OpenError::io(&path, "opening", error)),
        }
        Ok(Self { disk, folder: folder.to_owned(), current: RwLock::new(Arc::new(found)), file: Mutex::new(file) })
    }

    pub fn current(&self) -> Arc<Tombstones> {
        read(&self.current).clone()
    }

    /// Deletes, durable when it returns; how long the file is then.
    pub fn add(&self, deletions: &[Deletion]) -> io::Result<u64> {
        let mut file = lock(&self.file);
        let mut next = Tombstones::clone(&self.current());
        deletions.iter().for_each(|deletion| next.add(*deletion));
        let bytes = match &*file {
            Some(open) => {
                let (size, spelled) = (open.size()?, spell(deletions));
                let written = open.append(&spelled).and_then(|()| open.sync());
                if let Err(error) = written {
                    if open.truncate(size).is_err() {
                        *file = None;
                    }
                    return Err(error);
                }
                size + spelled.len() as u64
            }
            None => file.insert(write_new(self.disk.as_ref(), &self.folder, &next)?).size()?,
        };
        self.put(next);
        Ok(bytes)
    }

    /// Forgets deletions that no file has samples of any more; how long the file is then.
    pub fn remove(&self, done: &Tombstones) -> io::Result<u64> {
        let mut file = lock(&self.file);
        let next = self.current().without(done);
        let bytes = file.insert(write_new(self.disk.as_ref(), &self.folder, &next)?).size()?;
        self.put(next);
        Ok(bytes)
    }

    fn put(&self, next: Tombstones) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }
}

/// How many stretches were damaged, and where the last whole frame ended; 0 where there is no whole header.
fn take_all(bytes: &[u8], into: &mut Tombstones) -> (usize, usize) {
    if !bytes.starts_with(MAGIC) {
        return (usize::from(!bytes.is_empty()), 0);
    }
    let mut damaged = 0usize;
    let mut frames = Frames::new(bytes, MAGIC.len());
    for step in frames.by_ref() {
        let taken = match step {
            Step::Whole(_, body) => take(body, into).is_ok(),
            Step::Damaged => false,
        };
        damaged += usize::from(!taken);
    }
    (damaged, frames.whole_until)
}

fn take(body: &[u8], into: &mut Tombstones) -> Decoded<()> {
    let mut reader = Reader::new(body);
    if reader.u8()? != DELETION {
        return Ok(());
    }
    for _ in 0..reader.count(10)? {
        into.add((reader.u64()?, reader.signed()?, reader.signed()?));
    }
    Ok(())
}

fn spell(deletions: &[Deletion]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in deletions.chunks(FRAME_DELETIONS_MAX) {
        let at = frame::start(&mut out);
        out.push(DELETION);
        put_varint(&mut out, part.len() as u64);
        for (id, from, until) in part {
            out.extend_from_slice(&id.to_le_bytes());
            put_signed(&mut out, *from);
            put_signed(&mut out, *until);
        }
        frame::finish(&mut out, at);
    }
    out
}

/// Replaces the file in a folder.
pub fn write_new(disk: &dyn Disk, folder: &Path, all: &Tombstones) -> io::Result<Arc<dyn DiskFile>> {
    let (new, path) = (folder.join(NEW_NAME), folder.join(NAME));
    let file = disk.create(&new)?;
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&spell(&all.list()));
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

    fn open(disk: &CrashingDisk) -> TombstoneFile {
        TombstoneFile::open(Arc::new(disk.clone()), Path::new("d")).expect("a file")
    }

    #[test]
    fn stretches_are_joined_kept_and_forgotten() {
        let disk = CrashingDisk::default();
        let file = open(&disk);
        file.add(&[(1, 10, 20), (2, i64::MIN, 5)]).expect("space");
        file.add(&[(1, 21, 30), (1, 40, 50), (1, 15, 18)]).expect("space");
        let before = file.current();
        assert_eq!(before.of(1), Some(&[(10, 30), (40, 50)][..]));
        let hidden: Vec<i64> = (0..60).filter(|at| hides(before.of(1).unwrap_or_default(), *at)).collect();
        assert_eq!(hidden, (10..=30).chain(40..=50).collect::<Vec<_>>());
        let file = open(&disk);
        assert_eq!(file.current(), before);
        file.add(&[(2, 100, 200)]).expect("space");
        file.remove(&before).expect("space");
        assert_eq!(open(&disk).current().list(), [(2, i64::MIN, 5), (2, 100, 200)], "what came meanwhile stays");
    }

    #[test]
    fn the_example_in_the_format_is_true() {
        let text = include_str!("../../docs/format/tombstones.md");
        let bytes = crate::tsdb::tests::format::example(text);
        let mut found = Tombstones::default();
        assert_eq!(take_all(&bytes, &mut found), (0, bytes.len()));
        assert_eq!(found.list(), [(0x937d_adc8_9fa6_5a92, 1000, 3000)]);
        let mut written = MAGIC.to_vec();
        written.extend_from_slice(&spell(&found.list()));
        assert_eq!(written, bytes);
        for cut in 0..bytes.len() {
            take_all(&bytes[..cut], &mut Tombstones::default());
        }
    }
}
