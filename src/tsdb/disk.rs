//! What the store asks of a file system: two implementers, the real one and one in memory that crashes when told to.

pub mod crashing;
pub mod real;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub use crashing::CrashingDisk;
pub use real::RealDisk;

/// A folder's entries and whole-file operations. What is not synced may be lost, torn or reordered by a power cut.
pub trait Disk: Send + Sync {
    /// Makes the folder and those above it.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// A new, empty file for appending; a file of that name is replaced.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// An existing file for reading and appending.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// The same file under a second name, or a copy of it.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Names and sizes in bytes of the files in a folder, without subfolders.
    fn list(&self, folder: &Path) -> io::Result<Vec<(String, u64)>>;
    /// Bytes of all files in a folder and below it.
    fn size_below(&self, folder: &Path) -> io::Result<u64> {
        Ok(self.list(folder)?.iter().map(|(_, bytes)| bytes).sum())
    }
    /// Makes created, renamed and removed names durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Writes all of it at the end; after an error any prefix of it may be there.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// Fills the buffer from this offset; an error when the file ends before.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
    fn size(&self) -> io::Result<u64>;
    fn truncate(&self, size: u64) -> io::Result<()>;
    /// Asks for room up to this size, without changing what the file holds; not all file systems can.
    fn preallocate(&self, size: u64) -> io::Result<()>;
}

/// Reads a whole file.
pub fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let size = usize::try_from(file.size()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; size];
    file.read_at(&mut bytes, 0)?;
    Ok(bytes)
}
