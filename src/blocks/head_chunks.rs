//! `chunks_head`: chunks that a running head has written out, each with its series and checksum.

use std::path::Path;

use super::bytes::Reader;
use super::chunk::Encoding;
use super::error::{BlockError, Decoded};
use super::file::ReadFile;
use super::limits::CHUNK_BYTES_MAX;
use super::samples::Samples;
use super::wal;

const MAGIC: u32 = 0x0130_bc91;
const HEAD: u64 = 8;
/// Series, first and last time, encoding.
const CHUNK_HEAD: usize = 25;
/// Set in the encoding of chunks of late samples.
const OUT_OF_ORDER: u8 = 0x80;
/// The file is walked in stretches of this many bytes.
const STRETCH: usize = 1 << 20;

/// A chunk on disk.
#[derive(Clone, Copy, Debug)]
pub struct MappedChunk {
    pub file: u32,
    pub offset: u64,
    /// All of it, with its checksum.
    pub length: u32,
    pub series: u64,
    pub min_time: i64,
    pub max_time: i64,
    pub is_out_of_order: bool,
}

#[derive(Debug, Default)]
pub struct HeadChunks {
    files: Vec<ReadFile>,
}

/// The parts of one chunk's record.
struct Record<'a> {
    series: u64,
    min_time: i64,
    max_time: i64,
    encoding: u8,
    data: &'a [u8],
}

enum Taken<'a> {
    Whole(usize, Record<'a>),
    /// So many bytes are needed.
    Needs(usize),
    /// Nothing was written from here on.
    End,
}

fn take(bytes: &[u8]) -> Decoded<Taken<'_>> {
    if bytes.len() < CHUNK_HEAD + 5 {
        // Room that was set aside and never written.
        let end = bytes.iter().all(|byte| *byte == 0);
        return Ok(if end { Taken::End } else { Taken::Needs(CHUNK_HEAD + 5) });
    }
    let mut reader = Reader::new(bytes);
    let (series, min_time, max_time, encoding) = (reader.u64()?, reader.i64()?, reader.i64()?, reader.u8()?);
    if series == 0 && min_time == 0 && max_time == 0 {
        return Ok(Taken::End);
    }
    let length = reader.uvarint()?;
    let Some(length) = usize::try_from(length).ok().filter(|length| *length <= CHUNK_BYTES_MAX) else {
        return reader.damaged("a chunk is too long");
    };
    let whole = reader.at() + length + 4;
    if bytes.len() < whole {
        return Ok(Taken::Needs(whole));
    }
    let data = reader.bytes(length)?;
    let checked = &bytes[..reader.at()];
    if reader.u32()? != crc32c::crc32c(checked) {
        return reader.damaged("the checksum of a chunk does not match");
    }
    Ok(Taken::Whole(whole, Record { series, min_time, max_time, encoding, data }))
}

impl HeadChunks {
    /// Opens every file and calls with each chunk. What cannot be read is said to `damage`; the next file goes on.
    pub fn open(folder: &Path, mut each: impl FnMut(MappedChunk), mut damage: impl FnMut(BlockError)) -> Result<Self, BlockError> {
        let mut found = Self::default();
        for (_, path) in wal::segments(folder)? {
            match found.walk(&path, &mut each) {
                Ok(file) => found.files.push(file),
                Err((file, error)) => {
                    damage(error);
                    found.files.extend(file);
                }
            }
        }
        Ok(found)
    }

    fn walk(&self, path: &Path, each: &mut impl FnMut(MappedChunk)) -> Result<ReadFile, (Option<ReadFile>, BlockError)> {
        let file = ReadFile::open(path).map_err(|error| (None, error))?;
        if file.size < HEAD {
            // Made a moment before the process ended.
            return Ok(file);
        }
        match self.walk_chunks(&file, each) {
            Ok(()) => Ok(file),
            Err(error) => Err((Some(file), error)),
        }
    }

    fn walk_chunks(&self, file: &ReadFile, each: &mut impl FnMut(MappedChunk)) -> Result<(), BlockError> {
        let head = file.read(0, HEAD as usize)?;
        if head[..4] != MAGIC.to_be_bytes() || head[4] != 1 {
            return match head.iter().all(|byte| *byte == 0) {
                true => Ok(()),
                false => Err(BlockError::damaged(&file.path, 0, "this is no file of head chunks")),
            };
        }
        let number = self.files.len() as u32;
        let (mut offset, mut held, mut held_at, mut needs) = (HEAD, Vec::new(), 0u64, 0usize);
        while offset < file.size {
            let from = (offset - held_at) as usize;
            let rest: &[u8] = held.get(from..).unwrap_or_default();
            let at_end = held_at + held.len() as u64 >= file.size;
            if rest.len() < needs.max(CHUNK_HEAD + 5) && !at_end {
                held = file.read_up_to(offset, STRETCH.max(needs))?;
                held_at = offset;
                continue;
            }
            match take(rest).map_err(|damaged| damaged.in_file(&file.path, offset))? {
                Taken::End => break,
                Taken::Needs(bytes) if at_end => {
                    let _torn_end = bytes;
                    break;
                }
                Taken::Needs(bytes) => needs = bytes,
                Taken::Whole(length, record) => {
                    each(MappedChunk {
                        file: number,
                        offset,
                        length: length as u32,
                        series: record.series,
                        min_time: record.min_time,
                        max_time: record.max_time,
                        is_out_of_order: record.encoding & OUT_OF_ORDER != 0,
                    });
                    (offset, needs) = (offset + length as u64, 0);
                }
            }
        }
        Ok(())
    }

    /// Appends a chunk's samples.
    pub fn decode(&self, chunk: &MappedChunk, into: &mut Samples) -> Result<(), BlockError> {
        let Some(file) = self.files.get(chunk.file as usize) else { return Ok(()) };
        let bytes = file.read(chunk.offset, chunk.length as usize)?;
        let damaged = |d: super::error::Damaged| d.in_file(&file.path, chunk.offset);
        let Taken::Whole(_, record) = take(&bytes).map_err(damaged)? else {
            return Err(BlockError::damaged(&file.path, chunk.offset, "a chunk that was here is gone"));
        };
        let encoding = record.encoding & !OUT_OF_ORDER;
        let Some(known) = Encoding::of_byte(encoding) else {
            let what = format!("the chunk at byte {} has encoding {encoding}, which this promlet does not know", chunk.offset);
            return Err(BlockError::Unknown { path: file.path.clone(), what });
        };
        known.decode(record.data, into).map_err(damaged)
    }
}
