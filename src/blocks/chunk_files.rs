//! A block's chunks: files of chunks that the index points into, read and written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::bytes::{Reader, put_sum, put_uvarint};
use super::chunk::{Chunk, Encoding};
use super::error::{BlockError, Decoded, REWRITE};
use super::file::ReadFile;
use super::index::ChunkRef;
use super::limits::{CHUNK_BYTES_MAX, CHUNK_FILE_BYTES};
use super::samples::Samples;

const MAGIC: u32 = 0x85bd_40dd;
const HEAD: u64 = 8;
/// Most chunks are not larger.
const FIRST_READ: usize = 512;

/// All files of one block.
#[derive(Debug, Default)]
pub struct ChunkFiles(Vec<ReadFile>);

/// Encoding byte and data of the chunk at the front, checked against its sum; or how many bytes it takes, if it is not whole.
fn take(bytes: &[u8]) -> Decoded<Result<(u8, &[u8]), usize>> {
    let mut reader = Reader::new(bytes);
    let length = reader.uvarint()?;
    let Some(length) = usize::try_from(length).ok().filter(|length| *length <= CHUNK_BYTES_MAX) else {
        return reader.damaged("a chunk is too long");
    };
    let whole = reader.at() + 1 + length + 4;
    if bytes.len() < whole {
        return Ok(Err(whole));
    }
    let checked = reader.bytes(length + 1)?;
    if reader.u32()? != crc32c::crc32c(checked) {
        return reader.damaged("the checksum of a chunk does not match");
    }
    Ok(Ok((checked[0], &checked[1..])))
}

impl ChunkFiles {
    pub fn open(folder: &Path) -> Result<Self, BlockError> {
        let mut files = Vec::new();
        for number in 1.. {
            let path = folder.join(format!("{number:06}"));
            if !path.exists() {
                break;
            }
            let file = ReadFile::open(&path)?;
            let head = file.read(0, HEAD as usize)?;
            if head[..4] != MAGIC.to_be_bytes() || head[4] != 1 {
                return Err(BlockError::damaged(&path, 0, "this is no file of chunks"));
            }
            files.push(file);
        }
        Ok(Self(files))
    }

    /// Appends the samples of a chunk.
    pub fn decode(&self, reference: u64, into: &mut Samples) -> Result<(), BlockError> {
        let (number, offset) = ((reference >> 32) as usize, reference & 0xffff_ffff);
        let Some(file) = self.0.get(number) else {
            let path = self.0.first().map_or_else(PathBuf::new, |file| file.path.clone());
            return Err(BlockError::Unknown { path, what: format!("the index names chunk file {}, which is not there", number + 1) });
        };
        let damaged = |d: super::error::Damaged| d.in_file(&file.path, offset);
        let mut bytes = file.read_up_to(offset, FIRST_READ)?;
        if let Err(whole) = take(&bytes).map_err(damaged)? {
            bytes = file.read(offset, whole)?;
        }
        let Ok((encoding, data)) = take(&bytes).map_err(damaged)? else {
            return Err(BlockError::damaged(&file.path, offset, "a chunk ends too early"));
        };
        let Some(known) = Encoding::of_byte(encoding) else {
            let what = format!(
                "the chunk at byte {offset} has encoding {encoding}, which this promlet does not know: a newer Prometheus wrote it{REWRITE}"
            );
            return Err(BlockError::Unknown { path: file.path.clone(), what });
        };
        let head = bytes.len() - 4 - data.len();
        known.decode(data, into).map_err(|d| d.in_file(&file.path, offset + head as u64))
    }

    pub fn size_bytes(&self) -> u64 {
        self.0.iter().map(|file| file.size).sum()
    }
}

/// Writes chunks, one file after the other.
pub struct ChunkFileWriter {
    folder: PathBuf,
    out: Option<BufWriter<File>>,
    files: u64,
    at: u64,
    buffer: Vec<u8>,
}

impl ChunkFileWriter {
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), out: None, files: 0, at: 0, buffer: Vec::new() }
    }

    pub fn write(&mut self, chunk: &Chunk) -> io::Result<ChunkRef> {
        let mut record = std::mem::take(&mut self.buffer);
        record.clear();
        put_uvarint(&mut record, chunk.data.len() as u64);
        let checked = record.len();
        record.push(chunk.encoding.byte());
        record.extend_from_slice(&chunk.data);
        let body = record[checked..].to_vec();
        put_sum(&mut record, &body);
        if self.out.is_none() || self.at + record.len() as u64 > CHUNK_FILE_BYTES {
            self.close()?;
            self.files += 1;
            let mut out = BufWriter::with_capacity(1 << 20, File::create(self.folder.join(format!("{:06}", self.files)))?);
            out.write_all(&MAGIC.to_be_bytes())?;
            out.write_all(&[1, 0, 0, 0])?;
            (self.out, self.at) = (Some(out), HEAD);
        }
        if let Some(out) = &mut self.out {
            out.write_all(&record)?;
        }
        let reference = (self.files - 1) << 32 | self.at;
        self.at += record.len() as u64;
        self.buffer = record;
        Ok(ChunkRef { min_time: chunk.min_time, max_time: chunk.max_time, reference })
    }

    fn close(&mut self) -> io::Result<()> {
        match self.out.take() {
            Some(out) => out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all(),
            None => Ok(()),
        }
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.close()
    }
}
