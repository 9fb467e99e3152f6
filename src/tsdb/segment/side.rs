//! What a stripe holds beside its pages: histograms and start timestamps.

use std::ops::Range;
use std::sync::Arc;

use crate::model::Histogram;
use crate::tsdb::bytes::{Damaged, Decoded, Reader, put_signed, put_varint};
use crate::tsdb::histogram::{self, column};

/// Histograms of one page, with their rows.
pub type Held = Vec<(u32, Arc<Histogram>)>;

/// Appends histograms (page, row, value; ascending) and starts (page, row from which it holds, value).
pub fn put(out: &mut Vec<u8>, histograms: &[(u32, u32, Arc<Histogram>)], starts: &[(u32, u32, i64)]) {
    let pages = histograms.chunk_by(|a, b| a.0 == b.0);
    put_varint(out, pages.clone().count() as u64);
    let (mut bytes, mut buffers) = (Vec::new(), column::Buffers::default());
    for of_page in pages {
        bytes.clear();
        column::put(&mut bytes, of_page, &mut buffers);
        put_varint(out, of_page.first().map_or(0, |(page, ..)| u64::from(*page)));
        put_varint(out, bytes.len() as u64);
        out.extend_from_slice(&bytes);
    }
    put_varint(out, starts.len() as u64);
    for (page, row, start) in starts {
        put_varint(out, u64::from(*page));
        put_varint(out, u64::from(*row));
        put_signed(out, *start);
    }
}

/// A side as it was read. Histograms are decoded when they are asked for.
#[derive(Default, Debug)]
pub struct Side {
    bytes: Vec<u8>,
    /// Page, and where its histograms are.
    columns: Vec<(u32, Range<usize>)>,
    /// Of a file of the first version: page, row, histogram.
    each: Vec<(u32, u32, Arc<Histogram>)>,
    /// Page, row from which it holds, start timestamp.
    pub starts: Vec<(u32, u32, i64)>,
}

impl Side {
    /// Reads what a segment of this version holds.
    pub fn take(bytes: Vec<u8>, version: u8) -> Decoded<Self> {
        let mut side = Self::default();
        if bytes.is_empty() {
            return Ok(side);
        }
        let mut reader = Reader::new(&bytes);
        if version == 1 {
            for _ in 0..reader.count(8)? {
                let (page, row) = (reader.varint32()?, reader.varint32()?);
                side.each.push((page, row, Arc::new(histogram::take(&mut reader)?)));
            }
        } else {
            for _ in 0..reader.count(3)? {
                let (page, length) = (reader.varint32()?, reader.count(1)?);
                let start = bytes.len() - reader.rest.len();
                reader.bytes(length)?;
                side.columns.push((page, start..start + length));
            }
            if !side.columns.is_sorted_by(|a, b| a.0 < b.0) {
                return Err(Damaged("histograms of pages out of order"));
            }
        }
        for _ in 0..reader.count(3)? {
            side.starts.push((reader.varint32()?, reader.varint32()?, reader.signed()?));
        }
        side.bytes = if side.columns.is_empty() { Vec::new() } else { bytes };
        Ok(side)
    }

    /// The histograms of a page, ascending by row.
    pub fn histograms_of(&self, page: u32) -> Decoded<Held> {
        if let Ok(at) = self.columns.binary_search_by_key(&page, |(page, _)| *page) {
            return self.column(&self.columns[at].1);
        }
        Ok(self.each.iter().filter(|(of, ..)| *of == page).map(|(_, row, held)| (*row, held.clone())).collect())
    }

    /// All histograms, page by page.
    pub fn histograms(&self) -> impl Iterator<Item = (u32, Decoded<Held>)> {
        let each = self.each.chunk_by(|a, b| a.0 == b.0);
        let each = each.map(|of_page| (of_page[0].0, Ok(of_page.iter().map(|(_, row, held)| (*row, held.clone())).collect())));
        each.chain(self.columns.iter().map(|(page, range)| (*page, self.column(range))))
    }

    fn column(&self, range: &Range<usize>) -> Decoded<Held> {
        column::take(self.bytes.get(range.clone()).ok_or(Damaged("histograms behind their stripe"))?)
    }
}
