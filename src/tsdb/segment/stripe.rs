//! A stripe: some rows of one group, its times once, and a page for each column that holds anything.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{STRIPE, SegmentFile, repeats};
use crate::model::Histogram;
use crate::storage::SelectError;
use crate::tsdb::bytes::{Damaged, Decoded, Reader, put_signed, put_varint};
use crate::tsdb::frame;
use crate::tsdb::histogram;
use crate::tsdb::limits::{COLUMNS_MAX, HEAD_BYTES_MAX, STRIPE_ROWS_MAX};
use crate::tsdb::page::ints::{put_stream, take_stream};

/// Kind, length of the head, length of the pages.
const PREFIX: usize = 9;

/// Where a stripe lies and what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StripeRef {
    /// Of the frame.
    pub offset: u64,
    /// Which stripe of its file.
    pub ordinal: u32,
    pub head_bytes: u32,
    pub page_bytes: u32,
    pub side_bytes: u32,
    pub first_row: u64,
    pub rows: u32,
    pub min_time: i64,
    pub max_time: i64,
}

impl StripeRef {
    pub fn body_bytes(&self) -> usize {
        PREFIX + (self.head_bytes + self.page_bytes + self.side_bytes) as usize
    }

    pub fn pages_offset(&self) -> u64 {
        self.offset + (frame::HEAD + PREFIX) as u64 + u64::from(self.head_bytes)
    }
}

/// A stripe ready to be written, but for the numbers of its series.
#[derive(Default)]
pub struct StripeBody {
    pub first_row: u64,
    /// Which column range of these rows it is.
    pub part: u32,
    /// Further columns of the same rows follow in the next stripe.
    pub has_more: bool,
    pub times: Vec<i64>,
    /// Series of the head, one a page; the segment's numbers take their place when it is written.
    pub series: Vec<u32>,
    pub lengths: Vec<u32>,
    pub pages: Vec<u8>,
    /// Page, row, histogram.
    pub histograms: Vec<(u32, u32, Arc<Histogram>)>,
    /// Page, row from which it holds, start timestamp.
    pub starts: Vec<(u32, u32, i64)>,
}

impl StripeBody {
    pub fn clear(&mut self) {
        self.times.clear();
        self.series.clear();
        self.lengths.clear();
        self.pages.clear();
        self.histograms.clear();
        self.starts.clear();
    }

    /// Writes the frame; `numbers` are the segment's numbers of `series`. Offset and ordinal of what is returned are the caller's to set.
    pub fn put(&self, out: &mut Vec<u8>, group: u32, numbers: &[u32]) -> StripeRef {
        let at = frame::start(out);
        let body = out.len();
        out.push(STRIPE);
        out.extend_from_slice(&[0; 8]);
        let head = out.len();
        put_varint(out, u64::from(group));
        put_varint(out, self.first_row);
        put_varint(out, (self.times.len() as u64) << 1 | u64::from(self.has_more));
        put_varint(out, u64::from(self.part));
        put_stream(out, &self.times, &mut Vec::new());
        put_runs(out, numbers);
        let kept = repeats::put_lengths(out, &self.lengths, &self.pages);
        let head_bytes = (out.len() - head) as u32;
        kept.into_iter().for_each(|range| out.extend_from_slice(&self.pages[range]));
        let page_bytes = (out.len() - head) as u32 - head_bytes;
        out[body + 1..body + 5].copy_from_slice(&head_bytes.to_le_bytes());
        out[body + 5..body + PREFIX].copy_from_slice(&page_bytes.to_le_bytes());
        let side = out.len();
        self.put_side(out);
        let side_bytes = (out.len() - side) as u32;
        frame::finish(out, at);
        StripeRef {
            offset: 0,
            ordinal: 0,
            head_bytes,
            page_bytes,
            side_bytes,
            first_row: self.first_row,
            rows: self.times.len() as u32,
            min_time: self.times.first().copied().unwrap_or(0),
            max_time: self.times.last().copied().unwrap_or(0),
        }
    }

    fn put_side(&self, out: &mut Vec<u8>) {
        if self.histograms.is_empty() && self.starts.is_empty() {
            return;
        }
        put_varint(out, self.histograms.len() as u64);
        for (page, row, held) in &self.histograms {
            put_varint(out, u64::from(*page));
            put_varint(out, u64::from(*row));
            histogram::put(out, held);
        }
        put_varint(out, self.starts.len() as u64);
        for (page, row, start) in &self.starts {
            put_varint(out, u64::from(*page));
            put_varint(out, u64::from(*row));
            put_signed(out, *start);
        }
    }
}

/// Runs of consecutive numbers: how many, then each run's first number (as the difference to the end of the run before) and length.
pub fn put_runs(out: &mut Vec<u8>, numbers: &[u32]) {
    let runs = numbers.chunk_by(|a, b| a.wrapping_add(1) == *b);
    put_varint(out, runs.clone().count() as u64);
    let mut end = 0u32;
    for run in runs {
        put_signed(out, i64::from(run[0]) - i64::from(end));
        put_varint(out, run.len() as u64);
        end = run[0] + run.len() as u32;
    }
}

/// First number and length of each run.
pub fn take_runs(reader: &mut Reader<'_>) -> Decoded<Vec<(u32, u32)>> {
    let count = reader.count(2)?;
    let (mut runs, mut end) = (Vec::with_capacity(count), 0i64);
    for _ in 0..count {
        let start = end.checked_add(reader.signed()?).ok_or(Damaged("a run of series is out of range"))?;
        let length = reader.varint32()?;
        end = start.saturating_add(i64::from(length));
        let first = u32::try_from(start).ok().filter(|_| end <= i64::from(u32::MAX) && length > 0);
        runs.push((first.ok_or(Damaged("a run of series is out of range"))?, length));
    }
    Ok(runs)
}

/// The read head of a stripe: its times, which series it has, and where their pages are.
#[derive(Debug)]
pub struct StripeHead {
    pub group: u32,
    pub first_row: u64,
    pub part: u32,
    pub has_more: bool,
    /// In memory shared by the column ranges of the same rows.
    pub times: Arc<[i64]>,
    /// First series number, how many, position of the first one's page.
    pub runs: Vec<(u32, u32, u32)>,
    /// Where each page ends among the pages.
    pub ends: Vec<u32>,
    /// Where each page begins, where some page repeats an earlier one and lies where that one does; otherwise empty.
    starts: Vec<u32>,
}

/// The first and the last series number of a stripe.
pub type SeriesSpan = (u32, u32);

impl StripeHead {
    pub fn take(bytes: &[u8]) -> Decoded<Self> {
        let mut reader = Reader::new(bytes);
        let group = reader.varint32()?;
        let first_row = reader.varint()?;
        let rows = reader.varint()?;
        let (rows, has_more) = (usize::try_from(rows >> 1).unwrap_or(usize::MAX), rows & 1 == 1);
        let part = reader.varint32()?;
        if rows > STRIPE_ROWS_MAX {
            return Err(Damaged("a stripe of too many rows"));
        }
        let mut times = Vec::new();
        take_stream(&mut reader, rows, &mut times)?;
        let (mut runs, mut position) = (Vec::new(), 0u32);
        for (first, length) in take_runs(&mut reader)? {
            runs.push((first, length, position));
            position = position.checked_add(length).ok_or(Damaged("too many columns in a stripe"))?;
        }
        if position as usize > COLUMNS_MAX {
            return Err(Damaged("too many columns in a stripe"));
        }
        let (mut starts, ends) = repeats::take_lengths(&mut reader, position as usize)?;
        if starts.first().is_none_or(|first| *first == 0) && starts.iter().skip(1).eq(ends.iter().take(ends.len().saturating_sub(1))) {
            starts = Vec::new();
        }
        Ok(Self { group, first_row, part, has_more, times: times.into(), runs, ends, starts })
    }

    /// Bytes in memory, but for the times.
    fn own_bytes(&self) -> usize {
        size_of::<Self>() + self.runs.capacity() * 12 + (self.ends.capacity() + self.starts.capacity()) * 4
    }

    fn span(&self) -> SeriesSpan {
        let first = self.runs.iter().map(|(first, ..)| *first).min().unwrap_or(u32::MAX);
        (first, self.runs.iter().map(|(first, length, _)| first + (length - 1)).max().unwrap_or(0))
    }

    /// The position of a series' page.
    pub fn position(&self, series: u32) -> Option<usize> {
        let find = |(first, length, position): &(u32, u32, u32)| {
            let at = series.wrapping_sub(*first);
            (at < *length).then(|| (*position + at) as usize)
        };
        self.runs.iter().find_map(find)
    }

    pub fn page_range(&self, position: usize) -> Option<std::ops::Range<usize>> {
        let start = match position.checked_sub(1) {
            _ if !self.starts.is_empty() => *self.starts.get(position)?,
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        Some(start as usize..*self.ends.get(position)? as usize)
    }
}

/// What a stripe holds beside its pages: histograms (page, row, value) and starts (page, first row, value).
#[derive(Default, Debug)]
pub struct Side {
    pub histograms: Vec<(u32, u32, Arc<Histogram>)>,
    pub starts: Vec<(u32, u32, i64)>,
}

impl Side {
    fn take(bytes: &[u8]) -> Decoded<Self> {
        let mut side = Self::default();
        if bytes.is_empty() {
            return Ok(side);
        }
        let mut reader = Reader::new(bytes);
        for _ in 0..reader.count(8)? {
            let (page, row) = (reader.varint32()?, reader.varint32()?);
            side.histograms.push((page, row, Arc::new(histogram::take(&mut reader)?)));
        }
        for _ in 0..reader.count(3)? {
            side.starts.push((reader.varint32()?, reader.varint32()?, reader.signed()?));
        }
        Ok(side)
    }
}

/// The heads that were read last, of one file.
#[derive(Default)]
pub struct Heads(Mutex<HeadList>);

#[derive(Default)]
struct HeadList {
    by_ordinal: HashMap<u32, Kept>,
    /// The oldest first.
    order: VecDeque<u32>,
    bytes: usize,
    /// Of every stripe whose head was ever read, by ordinal: a stripe of other series need not be looked at again.
    spans: Vec<Option<SeriesSpan>>,
}

struct Kept {
    head: Arc<StripeHead>,
    bytes: usize,
}

impl Heads {
    fn list(&self) -> MutexGuard<'_, HeadList> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, ordinal: u32) -> Option<Arc<StripeHead>> {
        self.list().by_ordinal.get(&ordinal).map(|kept| Arc::clone(&kept.head))
    }

    /// Keeps a head, and gives it back; it shares its times with the column range before.
    fn put(&self, ordinal: u32, mut head: StripeHead) -> Arc<StripeHead> {
        let mut list = self.list();
        if let Some(kept) = list.by_ordinal.get(&ordinal) {
            return Arc::clone(&kept.head);
        }
        let mut bytes = head.own_bytes();
        let before = ordinal.checked_sub(1).and_then(|before| list.by_ordinal.get(&before));
        match before.filter(|before| before.head.times == head.times) {
            Some(before) => head.times = Arc::clone(&before.head.times),
            None => bytes += head.times.len() * 8,
        }
        if list.spans.len() <= ordinal as usize {
            list.spans.resize(ordinal as usize + 1, None);
        }
        list.spans[ordinal as usize] = Some(head.span());
        let head = Arc::new(head);
        list.by_ordinal.insert(ordinal, Kept { head: Arc::clone(&head), bytes });
        list.order.push_back(ordinal);
        list.bytes += bytes;
        while list.bytes > HEAD_BYTES_MAX {
            let Some(gone) = list.order.pop_front().and_then(|oldest| list.by_ordinal.remove(&oldest)) else { break };
            list.bytes -= gone.bytes;
        }
        head
    }
}

impl SegmentFile {
    /// Reads a stripe's head; the first time the whole stripe is read and its checksum verified.
    pub fn stripe_head(&self, stripe: &StripeRef) -> Result<StripeHead, SelectError> {
        if !self.is_checked(stripe.ordinal) {
            self.frame(stripe.offset, stripe.body_bytes())?;
            self.set_checked(stripe.ordinal);
        }
        let at = stripe.offset + (frame::HEAD + PREFIX) as u64;
        let bytes = self.read(at, stripe.head_bytes as usize)?;
        StripeHead::take(&bytes).map_err(|what| self.damaged(stripe.offset, what))
    }

    /// The same, from memory where it was read not long ago.
    pub fn shared_head(&self, stripe: &StripeRef) -> Result<Arc<StripeHead>, SelectError> {
        if let Some(head) = self.heads.get(stripe.ordinal) {
            return Ok(head);
        }
        Ok(self.heads.put(stripe.ordinal, self.stripe_head(stripe)?))
    }

    /// Whether a stripe is known to have none of the series from the first to the last.
    pub fn lacks(&self, stripe: &StripeRef, (first, last): SeriesSpan) -> bool {
        let known = self.heads.list().spans.get(stripe.ordinal as usize).copied().flatten();
        known.is_some_and(|(from, to)| to < first || last < from)
    }

    pub fn stripe_side(&self, stripe: &StripeRef) -> Result<Side, SelectError> {
        if stripe.side_bytes == 0 {
            return Ok(Side::default());
        }
        let at = stripe.pages_offset() + u64::from(stripe.page_bytes);
        let bytes = self.read(at, stripe.side_bytes as usize)?;
        Side::take(&bytes).map_err(|what| self.damaged(stripe.offset, what))
    }
}

/// The parts of a stripe's frame body, as a walk over a file finds it.
pub fn parse(body: &[u8], offset: u64, ordinal: u32) -> Decoded<(StripeRef, StripeHead)> {
    let mut reader = Reader::new(body);
    reader.u8()?;
    let (head_bytes, page_bytes) = (reader.u32()?, reader.u32()?);
    let head = StripeHead::take(reader.bytes(head_bytes as usize)?)?;
    reader.bytes(page_bytes as usize)?;
    let stripe = StripeRef {
        offset,
        ordinal,
        head_bytes,
        page_bytes,
        side_bytes: reader.rest.len() as u32,
        first_row: head.first_row,
        rows: head.times.len() as u32,
        min_time: head.times.first().copied().unwrap_or(0),
        max_time: head.times.last().copied().unwrap_or(0),
    };
    Ok((stripe, head))
}
