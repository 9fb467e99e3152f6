//! The records of the row log: definitions of groups and columns, rows, metadata, and where groups stood.

use crate::model::{Labels, Metadata};
use crate::storage::GroupKey;
use crate::tsdb::bytes::{Damaged, Decoded, Reader, put_signed, put_text, put_varint};
use crate::tsdb::frame;
use crate::tsdb::row::RowCode;
use crate::tsdb::texts::{put_compressed, put_key, put_labels, put_metadata, take_compressed, take_key, take_labels, take_metadata};

pub const GROUP: u8 = 1;
pub const COLUMNS: u8 = 2;
pub const ROW: u8 = 3;
pub const METADATA: u8 = 4;
pub const STANDING: u8 = 5;

/// Where a group stood: its next row's number and its last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub group: u64,
    pub next_row: u64,
    pub last_time: i64,
}

/// A group, with the label sets of all its columns so far.
pub fn put_group<'a>(
    out: &mut Vec<u8>,
    number: u32,
    id: u64,
    subgroup: u32,
    key: &GroupKey,
    columns: impl ExactSizeIterator<Item = &'a Labels>,
) {
    let at = frame::start(out);
    out.push(GROUP);
    put_varint(out, u64::from(number));
    out.extend_from_slice(&id.to_le_bytes());
    put_varint(out, u64::from(subgroup));
    put_key(out, key);
    put_label_sets(out, columns);
    frame::finish(out, at);
}

/// Columns that a group got since; the first of them is its column `first`.
pub fn put_columns<'a>(out: &mut Vec<u8>, number: u32, first: u32, columns: impl ExactSizeIterator<Item = &'a Labels>) {
    let at = frame::start(out);
    out.push(COLUMNS);
    put_varint(out, u64::from(number));
    put_varint(out, u64::from(first));
    put_label_sets(out, columns);
    frame::finish(out, at);
}

pub fn put_label_sets<'a>(out: &mut Vec<u8>, sets: impl ExactSizeIterator<Item = &'a Labels>) {
    let mut plain = Vec::new();
    put_varint(out, sets.len() as u64);
    sets.for_each(|labels| put_labels(&mut plain, labels));
    put_compressed(out, &plain);
}

pub fn take_label_sets(reader: &mut Reader<'_>) -> Decoded<Vec<Labels>> {
    let count = reader.varint()?;
    let plain = take_compressed(reader)?;
    if count > plain.len() as u64 {
        return Err(Damaged("more label sets than bytes"));
    }
    let mut sets = Reader::new(&plain);
    (0..count).map(|_| take_labels(&mut sets)).collect()
}

pub fn put_row(out: &mut Vec<u8>, number: u32, row: &RowCode, time_before: i64, columns: usize) {
    let at = frame::start(out);
    out.push(ROW);
    put_varint(out, u64::from(number));
    row.put(out, time_before, columns);
    frame::finish(out, at);
}

pub fn put_family(out: &mut Vec<u8>, family: &str, metadata: &Metadata) {
    let at = frame::start(out);
    out.push(METADATA);
    put_text(out, family);
    put_metadata(out, metadata);
    frame::finish(out, at);
}

pub fn put_standings(out: &mut Vec<u8>, standings: &[Standing]) {
    let at = frame::start(out);
    out.push(STANDING);
    put_varint(out, standings.len() as u64);
    for standing in standings {
        out.extend_from_slice(&standing.group.to_le_bytes());
        put_varint(out, standing.next_row);
        put_signed(out, standing.last_time);
    }
    frame::finish(out, at);
}

/// A record of the log, without its row's codes.
pub enum Record<'a> {
    Group { number: u32, id: u64, subgroup: u32, key: GroupKey, columns: Vec<Labels> },
    Columns { number: u32, first: u32, columns: Vec<Labels> },
    Row { number: u32, body: Reader<'a> },
    Metadata { family: &'a str, metadata: Metadata },
    Standings(Vec<Standing>),
}

pub fn take(body: &[u8]) -> Decoded<Record<'_>> {
    let mut reader = Reader::new(body);
    Ok(match reader.u8()? {
        GROUP => {
            let (number, id, subgroup) = (reader.varint32()?, reader.u64()?, reader.varint32()?);
            Record::Group { number, id, subgroup, key: take_key(&mut reader)?, columns: take_label_sets(&mut reader)? }
        }
        COLUMNS => Record::Columns { number: reader.varint32()?, first: reader.varint32()?, columns: take_label_sets(&mut reader)? },
        ROW => Record::Row { number: reader.varint32()?, body: reader },
        METADATA => Record::Metadata { family: reader.text()?, metadata: take_metadata(&mut reader)? },
        STANDING => {
            let count = reader.count(10)?;
            let one = |r: &mut Reader<'_>| Ok(Standing { group: r.u64()?, next_row: r.varint()?, last_time: r.signed()? });
            Record::Standings((0..count).map(|_| one(&mut reader)).collect::<Decoded<_>>()?)
        }
        _ => return Err(Damaged("an unknown record")),
    })
}
