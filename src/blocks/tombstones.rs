//! A block's `tombstones`: stretches of time that are deleted of single series.

use std::collections::HashMap;
use std::path::Path;

use super::bytes::{Reader, put_sum};
use super::error::{BlockError, Damaged, Decoded};
use super::file::read_whole;
use super::limits::SECTION_BYTES_MAX;

const MAGIC: u32 = 0x0130_ba30;
/// Magic and version.
const HEAD: usize = 5;

/// First and last time of each deleted stretch, by series.
pub type Tombstones = HashMap<u64, Vec<(i64, i64)>>;

/// Whether a sample of this time is deleted.
pub fn is_deleted(stretches: &[(i64, i64)], at: i64) -> bool {
    stretches.iter().any(|(first, last)| (*first..=*last).contains(&at))
}

pub fn decode(bytes: &[u8]) -> Decoded<Tombstones> {
    let Some(sum_at) = bytes.len().checked_sub(4).filter(|at| *at >= HEAD) else {
        return Err(Damaged::new(0, "it is too short for tombstones"));
    };
    let (body, sum) = bytes.split_at(sum_at);
    let mut reader = Reader::new(body);
    if reader.u32()? != MAGIC {
        return Err(Damaged::new(0, "these are no tombstones"));
    }
    if reader.u8()? != 1 {
        return Err(Damaged::new(4, "a version of tombstones that is not known"));
    }
    if crc32c::crc32c(&body[HEAD..]).to_be_bytes() != sum {
        return Err(Damaged::new(sum_at, "the checksum does not match"));
    }
    let mut found = Tombstones::new();
    while !reader.is_empty() {
        let (series, first, last) = (reader.uvarint()?, reader.varint()?, reader.varint()?);
        found.entry(series).or_default().push((first, last));
    }
    Ok(found)
}

/// None where the block has no such file.
pub fn read(path: &Path) -> Result<Tombstones, BlockError> {
    match read_whole(path, SECTION_BYTES_MAX as u64) {
        Ok(bytes) => decode(&bytes).map_err(|damaged| damaged.in_file(path, 0)),
        Err(BlockError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => Ok(Tombstones::new()),
        Err(error) => Err(error),
    }
}

/// The file of a block of which nothing is deleted.
pub fn empty() -> Vec<u8> {
    let mut out = MAGIC.to_be_bytes().to_vec();
    out.push(1);
    put_sum(&mut out, &[]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::bytes::{put_uvarint, put_varint};

    #[test]
    fn stretches_come_back_and_damage_is_noticed() {
        let mut body = Vec::new();
        for (series, first, last) in [(7u64, -5i64, 9i64), (7, 100, 200), (9, 0, 0)] {
            put_uvarint(&mut body, series);
            put_varint(&mut body, first);
            put_varint(&mut body, last);
        }
        let mut bytes = MAGIC.to_be_bytes().to_vec();
        bytes.push(1);
        bytes.extend_from_slice(&body);
        put_sum(&mut bytes, &body);
        let found = decode(&bytes).expect("what was written");
        assert_eq!(found[&7], [(-5, 9), (100, 200)]);
        assert!(is_deleted(&found[&7], 9) && !is_deleted(&found[&7], 10));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert!(decode(&damaged).is_err(), "byte {at}");
        }
        assert_eq!(decode(&empty()), Ok(Tombstones::new()));
    }
}
