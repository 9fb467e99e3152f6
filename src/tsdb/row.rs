//! A row as codes: made from values on the way in, from a record on replay, and applied to a group the same way both times.

use std::sync::Arc;

use super::bytes::{Damaged, Decoded, Reader, put_signed, put_varint};
use super::cell::{Code, Coder};
use super::histogram;
use super::limits::COLUMNS_MAX;
use crate::model::Histogram;

/// The row's codes do not depend on values before.
const KEYFRAME: u8 = 1;
/// More cells of the row before.
const COMPLETION: u8 = 2;
const HAS_GAPS: u8 = 4;
const HAS_HISTOGRAMS: u8 = 8;
const HAS_STARTS: u8 = 16;
/// Columns are listed instead of marked in a bitmap.
const LISTED: u8 = 32;

/// One cell that changes its column.
#[derive(Clone, Copy, Debug)]
pub struct Changed {
    pub column: u32,
    /// Where its code ends in `codes`.
    pub end: u32,
    /// What the column's coder is afterwards.
    pub after: Coder,
    pub kind: ChangedKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedKind {
    Value,
    Stale,
    Histogram,
}

/// Buffers of one row, used again for the next.
#[derive(Default)]
pub struct RowCode {
    pub at: i64,
    /// The number of this row in its group, counted from the group's first.
    pub number: u64,
    pub is_keyframe: bool,
    pub is_completion: bool,
    /// Ascending by column.
    pub changed: Vec<Changed>,
    pub codes: Vec<u8>,
    /// Live columns that this row leaves out, ascending.
    pub gaps: Vec<u32>,
    /// One for each changed cell of that kind, in order.
    pub histograms: Vec<Arc<Histogram>>,
    /// Column and start timestamp, where it is another than before.
    pub starts: Vec<(u32, i64)>,
}

impl RowCode {
    pub fn clear(&mut self) {
        self.changed.clear();
        self.codes.clear();
        self.gaps.clear();
        self.histograms.clear();
        self.starts.clear();
        self.is_keyframe = false;
        self.is_completion = false;
    }

    fn flags(&self, columns: usize) -> u8 {
        let listed = self.changed.len() + self.changed.len() / 4 < columns.div_ceil(8);
        [
            (self.is_keyframe, KEYFRAME),
            (self.is_completion, COMPLETION),
            (!self.gaps.is_empty(), HAS_GAPS),
            (!self.histograms.is_empty(), HAS_HISTOGRAMS),
            (!self.starts.is_empty(), HAS_STARTS),
            (listed, LISTED),
        ]
        .iter()
        .filter(|(on, _)| *on)
        .fold(0, |flags, (_, bit)| flags | bit)
    }

    /// The row's body in the log, after kind and group: `at_before` is the time of the group's row before, `columns` how many it has.
    pub fn put(&self, out: &mut Vec<u8>, at_before: i64, columns: usize) {
        let flags = self.flags(columns);
        out.push(flags);
        if self.is_keyframe {
            put_varint(out, self.number);
            put_signed(out, self.at);
        } else {
            out.push(self.number as u8);
            put_signed(out, self.at.wrapping_sub(at_before));
        }
        if flags & LISTED != 0 {
            put_list(out, self.changed.iter().map(|c| c.column));
        } else {
            put_varint(out, columns as u64);
            let start = out.len();
            out.resize(start + columns.div_ceil(8), 0);
            for changed in &self.changed {
                out[start + changed.column as usize / 8] |= 1 << (changed.column % 8);
            }
        }
        out.extend_from_slice(&self.codes);
        if !self.gaps.is_empty() {
            put_list(out, self.gaps.iter().copied());
        }
        self.histograms.iter().for_each(|histogram| histogram::put(out, histogram));
        if !self.starts.is_empty() {
            put_varint(out, self.starts.len() as u64);
            for (column, start) in &self.starts {
                put_varint(out, u64::from(*column));
                put_signed(out, self.at.wrapping_sub(*start));
            }
        }
    }

    /// Reads a body back; `coder` gives the state of a column before. The number's high bits are `next`'s, if `Ok(false)`
    /// comes back the number does not follow `next` and nothing but a keyframe may be applied.
    pub fn take(&mut self, reader: &mut Reader<'_>, at_before: i64, next: u64, coder: impl Fn(u32) -> Option<Coder>) -> Decoded<bool> {
        self.clear();
        let flags = reader.u8()?;
        (self.is_keyframe, self.is_completion) = (flags & KEYFRAME != 0, flags & COMPLETION != 0);
        if self.is_keyframe {
            self.number = reader.varint()?;
            self.at = reader.signed()?;
        } else {
            self.number = if self.is_completion { next.wrapping_sub(1) } else { next };
            if reader.u8()? != self.number as u8 {
                return Ok(false);
            }
            self.at = at_before.wrapping_add(reader.signed()?);
        }
        self.take_columns(reader, flags)?;
        self.take_codes(reader, coder)?;
        if flags & HAS_GAPS != 0 {
            take_list(reader, |column| self.gaps.push(column))?;
        }
        let histograms = self.changed.iter().filter(|c| c.kind == ChangedKind::Histogram).count();
        for _ in 0..histograms {
            self.histograms.push(Arc::new(histogram::take(reader)?));
        }
        if flags & HAS_STARTS != 0 {
            for _ in 0..reader.count(2)? {
                let column = reader.varint32()?;
                self.starts.push((column, self.at.wrapping_sub(reader.signed()?)));
            }
        }
        Ok(true)
    }

    fn take_columns(&mut self, reader: &mut Reader<'_>, flags: u8) -> Decoded<()> {
        let changed = |column| Changed { column, end: 0, after: Coder::default(), kind: ChangedKind::Value };
        if flags & LISTED != 0 {
            return take_list(reader, |column| self.changed.push(changed(column)));
        }
        let columns = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        if columns > COLUMNS_MAX {
            return Err(Damaged("a row of too many columns"));
        }
        for (at, byte) in reader.bytes(columns.div_ceil(8))?.iter().enumerate() {
            let mut left = *byte;
            while left != 0 {
                self.changed.push(changed(at as u32 * 8 + left.trailing_zeros()));
                left &= left - 1;
            }
        }
        Ok(())
    }

    fn take_codes(&mut self, reader: &mut Reader<'_>, coder: impl Fn(u32) -> Option<Coder>) -> Decoded<()> {
        let codes = reader.rest;
        for changed in &mut self.changed {
            changed.after = coder(changed.column).ok_or(Damaged("a cell of a column that was not defined"))?;
            changed.kind = match changed.after.take(reader)? {
                Code::Value(_) => ChangedKind::Value,
                Code::Stale => ChangedKind::Stale,
                Code::Histogram => ChangedKind::Histogram,
                Code::Gap | Code::Skip(_) => return Err(Damaged("a code that rows do not have")),
            };
            changed.end = (codes.len() - reader.rest.len()) as u32;
        }
        self.codes.extend_from_slice(&codes[..codes.len() - reader.rest.len()]);
        Ok(())
    }
}

/// The number of a row, from its body in the log, if it is a keyframe.
pub fn keyframe(mut body: Reader<'_>) -> Decoded<Option<u64>> {
    let flags = body.u8()?;
    if flags & KEYFRAME == 0 { Ok(None) } else { body.varint().map(Some) }
}

/// Ascending numbers as varint differences.
pub fn put_list(out: &mut Vec<u8>, numbers: impl ExactSizeIterator<Item = u32>) {
    put_varint(out, numbers.len() as u64);
    let mut before = u32::MAX;
    for number in numbers {
        put_varint(out, u64::from(number.wrapping_sub(before).wrapping_sub(1)));
        before = number;
    }
}

pub fn take_list(reader: &mut Reader<'_>, mut each: impl FnMut(u32)) -> Decoded<()> {
    let mut before = u32::MAX;
    for _ in 0..reader.count(1)? {
        before = before.wrapping_add(reader.varint32()?).wrapping_add(1);
        each(before);
    }
    Ok(())
}
