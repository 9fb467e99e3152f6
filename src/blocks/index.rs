//! A block's `index` (format 2): symbols, series with their chunks, postings, and the tables that find them.
//!
//! Opening reads the table of contents only. The tables (symbols and postings offsets) are read when the block is first asked, and may be let
//! go again; series and postings are read as they are needed.

mod tables;
pub mod write;

use std::path::Path;

use super::bytes::Reader;
use super::error::{BlockError, Decoded, REWRITE};
use super::file::ReadFile;
use super::limits::SECTION_BYTES_MAX;

pub use tables::Tables;

pub const MAGIC: u32 = 0xbaaa_d700;
pub const VERSION: u8 = 2;
/// Six offsets and a checksum.
pub const CONTENTS: usize = 6 * 8 + 4;
/// Series begin at multiples of this; a reference is the multiple.
pub const ALIGNMENT: u64 = 16;
/// Series are read in stretches of this many bytes.
const STRETCH: usize = 32 * 1024;

/// Where a chunk is and what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRef {
    pub min_time: i64,
    pub max_time: i64,
    /// File number from 0 and offset in it.
    pub reference: u64,
}

/// One series as the index has it: label pairs as symbols.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub labels: Vec<(u32, u32)>,
    pub chunks: Vec<ChunkRef>,
}

/// Where the sections begin.
#[derive(Clone, Copy, Debug, Default)]
pub struct Contents {
    pub symbols: u64,
    pub series: u64,
    pub label_indices: u64,
    pub label_offsets: u64,
    pub postings: u64,
    pub postings_offsets: u64,
}

#[derive(Debug)]
pub struct Index {
    file: ReadFile,
    contents: Contents,
}

impl Index {
    pub fn open(path: &Path) -> Result<Self, BlockError> {
        let file = ReadFile::open(path)?;
        let head = file.read(0, 5)?;
        if head[..4] != MAGIC.to_be_bytes() {
            return Err(BlockError::damaged(path, 0, "this is no index"));
        }
        if head[4] != VERSION {
            let what = format!("index format {} is not known to this promlet, which reads format 2{REWRITE}", head[4]);
            return Err(BlockError::Unknown { path: path.to_owned(), what });
        }
        let at = file.size.saturating_sub(CONTENTS as u64);
        let bytes = file.read(at, CONTENTS)?;
        let contents = contents(&bytes).map_err(|damaged| damaged.in_file(path, at))?;
        Ok(Self { file, contents })
    }

    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// A section that begins with its length (u32) and ends with its checksum: its body.
    fn section(&self, offset: u64) -> Result<Vec<u8>, BlockError> {
        let length = self.file.read(offset, 4)?;
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        if length > SECTION_BYTES_MAX {
            return Err(BlockError::damaged(self.path(), offset, "a section is too long"));
        }
        let mut bytes = self.file.read(offset + 4, length + 4)?;
        let sum = bytes.split_off(length);
        if crc32c::crc32c(&bytes).to_be_bytes() != sum[..] {
            return Err(BlockError::damaged(self.path(), offset, "the checksum does not match"));
        }
        Ok(bytes)
    }

    pub fn tables(&self) -> Result<Tables, BlockError> {
        let symbols = self.section(self.contents.symbols)?;
        let offsets = self.section(self.contents.postings_offsets)?;
        let behind = |start: u64| move |damaged: super::error::Damaged| damaged.in_file(&self.file.path, start + 4);
        let mut tables = Tables::default();
        tables.take_symbols(symbols).map_err(behind(self.contents.symbols))?;
        tables.take_offsets(offsets).map_err(behind(self.contents.postings_offsets))?;
        Ok(tables)
    }

    /// The references of a list of postings, ascending.
    pub fn postings(&self, offset: u64) -> Result<Vec<u32>, BlockError> {
        let body = self.section(offset)?;
        let (count, list) =
            body.split_first_chunk::<4>().ok_or_else(|| BlockError::damaged(self.path(), offset, "postings without a count"))?;
        if list.len() % 4 != 0 || list.len() / 4 != u32::from_be_bytes(*count) as usize {
            return Err(BlockError::damaged(self.path(), offset, "postings of another length than they say"));
        }
        let found: Vec<u32> = list.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes)).collect();
        if found.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(BlockError::damaged(self.path(), offset, "postings do not increase"));
        }
        Ok(found)
    }

    /// Calls with each of these series (references ascending).
    pub fn series(&self, references: &[u32], mut each: impl FnMut(u32, &Entry) -> Result<(), BlockError>) -> Result<(), BlockError> {
        let (mut start, mut held) = (0u64, Vec::new());
        let mut entry = Entry::default();
        for reference in references {
            let offset = u64::from(*reference) * ALIGNMENT;
            let mut from = usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX);
            if offset < start || !is_whole(held.get(from..).unwrap_or_default()) {
                (start, from) = (offset, 0);
                held = self.file.read_up_to(offset, STRETCH)?;
                if !is_whole(&held) {
                    let length = Reader::new(&held).uvarint().map_err(|damaged| damaged.in_file(self.path(), offset))?;
                    let length = usize::try_from(length).ok().filter(|l| *l <= SECTION_BYTES_MAX);
                    let length = length.ok_or_else(|| BlockError::damaged(self.path(), offset, "a series is too long"))?;
                    held = self.file.read(offset, length + 14)?;
                }
            }
            take_entry(&held[from..], &mut entry).map_err(|damaged| damaged.in_file(self.path(), offset))?;
            each(*reference, &entry)?;
        }
        Ok(())
    }
}

fn contents(bytes: &[u8]) -> Decoded<Contents> {
    let mut reader = Reader::new(bytes);
    let contents = Contents {
        symbols: reader.u64()?,
        series: reader.u64()?,
        label_indices: reader.u64()?,
        label_offsets: reader.u64()?,
        postings: reader.u64()?,
        postings_offsets: reader.u64()?,
    };
    if reader.u32()? != crc32c::crc32c(&bytes[..CONTENTS - 4]) {
        return reader.damaged("the checksum of the table of contents does not match");
    }
    Ok(contents)
}

/// Whether a series' entry with its checksum is all there.
fn is_whole(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    let length = reader.uvarint().ok().and_then(|length| usize::try_from(length).ok());
    length.is_some_and(|length| length.saturating_add(4) <= reader.left())
}

/// Reads the entry at the front of the bytes.
pub fn take_entry(bytes: &[u8], into: &mut Entry) -> Decoded<()> {
    into.labels.clear();
    into.chunks.clear();
    let mut reader = Reader::new(bytes);
    let length = reader.count(1)?;
    let body = reader.bytes(length)?;
    if reader.u32()? != crc32c::crc32c(body) {
        return reader.damaged("the checksum of a series does not match");
    }
    let mut reader = Reader::new(body);
    for _ in 0..reader.count(2)? {
        into.labels.push((reader.uvarint32()?, reader.uvarint32()?));
    }
    let (mut time, mut reference) = (0i64, 0i64);
    for number in 0..reader.count(3)? {
        let min_time = if number == 0 { reader.varint()? } else { time.wrapping_add(reader.uvarint()? as i64) };
        let max_time = min_time.wrapping_add(reader.uvarint()? as i64);
        reference = if number == 0 { reader.uvarint()? as i64 } else { reference.wrapping_add(reader.varint()?) };
        time = max_time;
        into.chunks.push(ChunkRef { min_time, max_time, reference: reference as u64 });
    }
    Ok(())
}
