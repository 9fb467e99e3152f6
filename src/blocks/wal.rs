//! A write-ahead log: files of 32 KiB pages, records cut into fragments, each fragment with its checksum.

pub mod record;

use std::io;
use std::path::{Path, PathBuf};

use super::error::BlockError;
use super::file::ReadFile;
use super::limits::RECORD_BYTES_MAX;

const PAGE: usize = 32 * 1024;
/// Kind and flags, length, checksum.
const HEAD: usize = 7;
const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;
const KIND: u8 = 0b111;
const SNAPPY: u8 = 1 << 3;
const ZSTD: u8 = 1 << 4;

/// How the reading of a file ended.
#[derive(Debug)]
pub enum Ending {
    Whole,
    /// The last record was not written to its end: where it begins.
    Torn(u64),
}

/// The log's files in a folder, in order: number and path.
pub fn segments(folder: &Path) -> Result<Vec<(u64, PathBuf)>, BlockError> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(BlockError::io(folder, error)),
    };
    for entry in entries {
        let path = entry.map_err(|error| BlockError::io(folder, error))?.path();
        let number = path.file_name().and_then(|name| name.to_str()).filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
        if let Some(number) = number.and_then(|name| name.parse().ok()) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The newest checkpoint in the log's folder: the number of the last file that it stands for, and its folder.
pub fn checkpoint(folder: &Path) -> Option<(u64, PathBuf)> {
    let entries = std::fs::read_dir(folder).ok()?;
    let number = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("checkpoint.")?.parse::<u64>().ok();
    entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter_map(|path| Some((number(&path)?, path))).max()
}

/// Calls with every record of a file and where it begins. Damage is an error that says where; what was before has been given out.
pub fn each_record(path: &Path, mut each: impl FnMut(&[u8], u64) -> Result<(), BlockError>) -> Result<Ending, BlockError> {
    let file = ReadFile::open(path)?;
    let (mut parts, mut plain, mut compression, mut begun) = (Vec::new(), Vec::new(), 0u8, None::<u64>);
    let mut page_at = 0u64;
    while page_at < file.size {
        let page = file.read_up_to(page_at, PAGE)?;
        let mut at = 0usize;
        while at < page.len() {
            let offset = page_at + at as u64;
            let rest = &page[at..];
            if rest[0] & KIND == 0 && rest[0] & (SNAPPY | ZSTD) == 0 {
                // Nothing but zeros until the page ends.
                if rest.iter().any(|byte| *byte != 0) {
                    return Err(BlockError::damaged(path, offset, "bytes behind the end of a page"));
                }
                break;
            }
            let Some(fragment) = fragment(rest) else {
                // Only the newest page of a file may be short.
                return match page.len() < PAGE || page_at + PAGE as u64 >= file.size {
                    true => Ok(Ending::Torn(begun.unwrap_or(offset))),
                    false => Err(BlockError::damaged(path, offset, "a record reaches over its page")),
                };
            };
            let (kind, flags, body, sum) = fragment;
            if crc32c::crc32c(body) != sum {
                return Err(BlockError::damaged(path, offset, "the checksum of a record does not match"));
            }
            match (kind, begun) {
                (FULL | FIRST, None) => {
                    parts.clear();
                    (compression, begun) = (flags, Some(offset));
                }
                (MIDDLE | LAST, Some(_)) => {}
                _ => return Err(BlockError::damaged(path, offset, "a part of a record out of order")),
            }
            if parts.len() + body.len() > RECORD_BYTES_MAX {
                return Err(BlockError::damaged(path, offset, "a record is too long"));
            }
            parts.extend_from_slice(body);
            if kind == FULL || kind == LAST {
                let start = begun.take().unwrap_or(offset);
                let record = decompress(&parts, compression, &mut plain)
                    .ok_or_else(|| BlockError::damaged(path, start, "a compressed record that cannot be decompressed"))?;
                each(record, start)?;
            }
            at += HEAD + body.len();
        }
        page_at += PAGE as u64;
    }
    Ok(begun.map_or(Ending::Whole, Ending::Torn))
}

/// Kind, compression, body and checksum, if all of it is there.
fn fragment(bytes: &[u8]) -> Option<(u8, u8, &[u8], u32)> {
    let head = bytes.first_chunk::<HEAD>()?;
    let length = usize::from(u16::from_be_bytes([head[1], head[2]]));
    let sum = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
    Some((head[0] & KIND, head[0] & (SNAPPY | ZSTD), bytes.get(HEAD..HEAD + length)?, sum))
}

fn decompress<'a>(bytes: &'a [u8], compression: u8, plain: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    match compression {
        0 => Some(bytes),
        SNAPPY => {
            let length = snap::raw::decompress_len(bytes).ok().filter(|length| *length <= RECORD_BYTES_MAX)?;
            plain.resize(length, 0);
            let written = snap::raw::Decoder::new().decompress(bytes, plain).ok()?;
            plain.get(..written)
        }
        ZSTD => {
            plain.clear();
            let decoder = zstd::stream::read::Decoder::new(bytes).ok()?;
            io::Read::read_to_end(&mut io::Read::take(decoder, RECORD_BYTES_MAX as u64 + 1), plain).ok()?;
            (plain.len() <= RECORD_BYTES_MAX).then_some(plain.as_slice())
        }
        _ => None,
    }
}
