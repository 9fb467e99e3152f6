//! The index of a segment: its series with labels and postings, its groups with their stripes.

use std::collections::HashMap;

use super::stripe::{StripeRef, put_runs, take_runs};
use crate::storage::GroupKey;
use crate::tsdb::bytes::{Damaged, Decoded, Reader, put_signed, put_varint};
use crate::tsdb::index::SeriesIndex;
use crate::tsdb::texts::{put_compressed, put_key, take_compressed, take_key};

/// One group of a segment.
#[derive(Clone, Debug)]
pub struct GroupEntry {
    pub id: u64,
    pub subgroup: u32,
    pub key: GroupKey,
    /// The row after the last one here.
    pub next_row: u64,
    /// The segment's series that this group has columns of, ascending.
    pub series: Vec<u32>,
    /// Ascending by time.
    pub stripes: Vec<StripeRef>,
}

#[derive(Default)]
pub struct SegmentIndex {
    pub series: SeriesIndex,
    pub groups: Vec<GroupEntry>,
    /// For each series its (first) group.
    homes: Vec<u32>,
    /// Further groups of series that have several.
    away: HashMap<u32, Vec<u32>>,
}

impl SegmentIndex {
    pub fn new(series: SeriesIndex, groups: Vec<GroupEntry>) -> Self {
        let mut index = Self { homes: vec![u32::MAX; series.len()], series, groups, away: HashMap::new() };
        for (number, group) in index.groups.iter().enumerate() {
            for series in &group.series {
                match index.homes.get_mut(*series as usize) {
                    Some(home) if *home == u32::MAX => *home = number as u32,
                    Some(_) => index.away.entry(*series).or_default().push(number as u32),
                    None => {}
                }
            }
        }
        index
    }

    /// The groups that have columns of a series.
    pub fn groups_of(&self, series: u32) -> impl Iterator<Item = u32> + '_ {
        let home = self.homes.get(series as usize).copied().filter(|home| *home != u32::MAX);
        home.into_iter().chain(self.away.get(&series).into_iter().flatten().copied())
    }

    pub fn size_bytes(&self) -> usize {
        let groups: usize =
            self.groups.iter().map(|g| g.series.capacity() * 4 + g.stripes.capacity() * std::mem::size_of::<StripeRef>() + 200).sum();
        self.series.size_bytes() + groups + self.homes.capacity() * 4
    }

    /// The body of the index frame, after its kind.
    pub fn put(&self, out: &mut Vec<u8>) {
        let mut plain = Vec::new();
        self.series.put(&mut plain);
        put_varint(&mut plain, self.groups.len() as u64);
        for group in &self.groups {
            plain.extend_from_slice(&group.id.to_le_bytes());
            put_varint(&mut plain, u64::from(group.subgroup));
            put_key(&mut plain, &group.key);
            put_varint(&mut plain, group.next_row);
            put_runs(&mut plain, &group.series);
            put_stripes(&mut plain, &group.stripes);
        }
        put_compressed(out, &plain);
    }

    pub fn take(reader: &mut Reader<'_>) -> Decoded<Self> {
        let plain = take_compressed(reader)?;
        let mut reader = Reader::new(&plain);
        let series = SeriesIndex::take(&mut reader)?;
        let count = reader.count(12)?;
        let mut groups = Vec::with_capacity(count);
        for _ in 0..count {
            let (id, subgroup) = (reader.u64()?, reader.varint32()?);
            let key = take_key(&mut reader)?;
            let next_row = reader.varint()?;
            let mut numbers = Vec::new();
            for (first, length) in take_runs(&mut reader)? {
                if first as usize + length as usize > series.len() {
                    return Err(Damaged("a group of series that are not there"));
                }
                numbers.extend(first..first + length);
            }
            let stripes = take_stripes(&mut reader)?;
            groups.push(GroupEntry { id, subgroup, key, next_row, series: numbers, stripes });
        }
        Ok(Self::new(series, groups))
    }
}

fn put_stripes(out: &mut Vec<u8>, stripes: &[StripeRef]) {
    put_varint(out, stripes.len() as u64);
    let (mut offset, mut row, mut time) = (0u64, 0u64, 0i64);
    for s in stripes {
        put_signed(out, s.offset as i64 - offset as i64);
        put_varint(out, u64::from(s.ordinal));
        put_varint(out, u64::from(s.head_bytes));
        put_varint(out, u64::from(s.page_bytes));
        put_varint(out, u64::from(s.side_bytes));
        put_signed(out, s.first_row as i64 - row as i64);
        put_varint(out, u64::from(s.rows));
        put_signed(out, s.min_time.wrapping_sub(time));
        put_signed(out, s.max_time.wrapping_sub(s.min_time));
        (offset, row, time) = (s.offset, s.first_row, s.max_time);
    }
}

fn take_stripes(reader: &mut Reader<'_>) -> Decoded<Vec<StripeRef>> {
    let count = reader.count(9)?;
    let mut stripes = Vec::with_capacity(count);
    let (mut offset, mut row, mut time) = (0i64, 0i64, 0i64);
    for _ in 0..count {
        offset = offset.wrapping_add(reader.signed()?);
        let (ordinal, head_bytes, page_bytes, side_bytes) =
            (reader.varint32()?, reader.varint32()?, reader.varint32()?, reader.varint32()?);
        row = row.wrapping_add(reader.signed()?);
        let rows = reader.varint32()?;
        let min_time = time.wrapping_add(reader.signed()?);
        let max_time = min_time.wrapping_add(reader.signed()?);
        time = max_time;
        let total = u64::from(head_bytes) + u64::from(page_bytes) + u64::from(side_bytes);
        if total > super::super::limits::RECORD_BYTES_MAX as u64 {
            return Err(Damaged("a stripe is too long"));
        }
        stripes.push(StripeRef {
            offset: offset as u64,
            ordinal,
            head_bytes,
            page_bytes,
            side_bytes,
            first_row: row as u64,
            rows,
            min_time,
            max_time,
        });
    }
    Ok(stripes)
}
