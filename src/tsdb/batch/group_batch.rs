//! A batch: blocks of rows, each from a stripe or a tail, whose pages are decoded when they are asked for.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::presence::Presence;
use super::tail_block::{TailBlock, put_side, read_tail};
use super::{Asked, BatchBuilder, BatchSeries, SegmentPart};
use crate::model::{TimeRange, TimestampMs};
use crate::storage::{Batch, ColumnValues, LabelPair, SelectError, SeriesId};
use crate::tsdb::bytes::Damaged;
use crate::tsdb::page::decode::{Decoder, decode_rows};
use crate::tsdb::page::extreme::extreme;
use crate::tsdb::page::has_states;
use crate::tsdb::segment::side::Side;
use crate::tsdb::segment::{SegmentFile, StripeHead, StripeRef};
use crate::tsdb::tombstones::Tombstones;

/// A stripe's pages are read at once when what is wanted lies this close together, in bytes.
const SPAN_SLACK: usize = 16 * 1024;

thread_local! {
    static DECODER: RefCell<Decoder> = RefCell::default();
}

/// Columns of one stripe.
pub struct StripePart {
    file: Arc<SegmentFile>,
    stripe: StripeRef,
    head: Arc<StripeHead>,
    numbers: Arc<Vec<Option<u32>>>,
    /// Where the wanted pages lie among the stripe's pages.
    span: Range<usize>,
    bytes: OnceLock<Vec<u8>>,
    side: OnceLock<Side>,
}

/// Rows of one stripe (perhaps cut in column ranges) or of a tail.
pub enum Block {
    /// Which of its rows are in the batch.
    Stripe(Range<usize>, Vec<StripePart>),
    Tail(TailBlock),
}

pub struct GroupBatch {
    times: Vec<TimestampMs>,
    /// The first row of each block in `times`.
    starts: Vec<usize>,
    blocks: Vec<Block>,
    series: Arc<BatchSeries>,
    /// Series that this batch gives out; all, where it is none.
    pub only: Option<Vec<u32>>,
    /// Where anything is deleted.
    pub tombstones: Option<Arc<Tombstones>>,
    /// Rows of a page may all hold its extreme, where no more than that is asked for.
    pub asked: Option<Asked>,
}

/// A block before it has its place.
struct Loose {
    times: Vec<i64>,
    skip: usize,
    parts: Vec<StripePart>,
    tail: Option<TailBlock>,
}

fn load(part: SegmentPart, range: TimeRange, into: &mut Vec<Loose>) -> Result<(), SelectError> {
    let numbers = Arc::new(part.numbers);
    let wanted = numbers.iter().flatten().fold((u32::MAX, 0), |(first, last), number| (first.min(*number), last.max(*number)));
    for stripe in part.stripes {
        if part.file.lacks(&stripe, wanted) {
            continue;
        }
        let head = part.file.shared_head(&stripe)?;
        let until = range.max.0.min(part.until);
        let first = head.times.partition_point(|t| *t < range.min.0);
        let last = head.times.partition_point(|t| *t <= until);
        if first >= last {
            continue;
        }
        let Some(span) = span(&head, &numbers) else { continue };
        let times = head.times[first..last].to_vec();
        let (file, numbers) = (part.file.clone(), numbers.clone());
        let of_stripe = StripePart { file, stripe, head, numbers, span, bytes: OnceLock::new(), side: OnceLock::new() };
        // Column ranges of the same rows share one block.
        match into
            .last_mut()
            .filter(|before| before.skip == first && before.times == times && before.parts.last().is_some_and(|p| p.head.has_more))
        {
            Some(before) => before.parts.push(of_stripe),
            None => into.push(Loose { times, skip: first, parts: vec![of_stripe], tail: None }),
        }
    }
    Ok(())
}

/// From the first to the last wanted page. None where no wanted series is in the stripe.
fn span(head: &StripeHead, numbers: &[Option<u32>]) -> Option<Range<usize>> {
    let wanted = numbers.iter().flatten().filter_map(|number| head.position(*number)).filter_map(|position| head.page_range(position));
    wanted.reduce(|all, page| all.start.min(page.start)..all.end.max(page.end))
}

impl GroupBatch {
    /// One batch where the group's blocks follow each other in time; several that each do, where they do not.
    pub fn layers(mut builder: BatchBuilder, range: TimeRange) -> Result<Vec<Self>, SelectError> {
        let mut blocks = Vec::new();
        for part in builder.parts {
            load(part, range, &mut blocks)?;
        }
        for mut tail in builder.tails {
            tail.settle();
            blocks.push(Loose { times: tail.times.clone(), skip: 0, parts: Vec::new(), tail: Some(tail) });
        }
        blocks.sort_by_key(|block| block.times.first().copied());
        let mut layers: Vec<Vec<Loose>> = Vec::new();
        for block in blocks {
            let after = |layer: &&mut Vec<Loose>| layer.last().and_then(|b| b.times.last()) < block.times.first();
            match layers.iter_mut().find(after) {
                Some(layer) => layer.push(block),
                None => layers.push(vec![block]),
            }
        }
        builder.series.shrink_to_fit();
        let series = Arc::new(builder.series);
        Ok(layers.into_iter().map(|layer| Self::from_blocks(layer, series.clone())).collect())
    }

    fn from_blocks(layer: Vec<Loose>, series: Arc<BatchSeries>) -> Self {
        let mut batch = Self {
            times: Vec::with_capacity(layer.iter().map(|b| b.times.len()).sum()),
            starts: Vec::with_capacity(layer.len()),
            blocks: Vec::with_capacity(layer.len()),
            series,
            only: None,
            tombstones: None,
            asked: None,
        };
        for block in layer {
            batch.starts.push(batch.times.len());
            batch.times.extend(block.times.iter().map(|t| TimestampMs(*t)));
            let rows = block.skip..block.skip + block.times.len();
            batch.blocks.push(match block.tail {
                Some(tail) => Block::Tail(tail),
                None => Block::Stripe(rows, block.parts),
            });
        }
        batch
    }

    pub fn ids(&self) -> &[u64] {
        &self.series.ids
    }

    /// Leaves out series without any sample here: they have pages or codes, but not in these rows.
    pub fn leave_out_empty(&mut self) -> Result<(), SelectError> {
        let mut values = ColumnValues::default();
        let mut only = Vec::with_capacity(self.series.ids.len());
        for at in 0..self.series.ids.len() {
            let mut held = false;
            for block in self.blocks.iter().filter(|_| self.deleted(at).is_none()) {
                held = held || self.surely_holds(block, at)?;
            }
            if !held {
                self.read_own(at, 0..self.times.len(), &mut values)?;
                held = (0..self.times.len()).any(|row| values.is_present(row));
            }
            if held {
                only.push(at as u32);
            }
        }
        self.only = (only.len() < self.series.ids.len()).then_some(only);
        Ok(())
    }

    /// Whether a series has a sample in a block, as far as that can be told without decoding.
    fn surely_holds(&self, block: &Block, at: usize) -> Result<bool, SelectError> {
        match block {
            Block::Tail(tail) => Ok(tail.find(at).is_some_and(|column| column.is_sure)),
            Block::Stripe(rows, parts) => {
                let Some((part, position)) = find_page(parts, at) else { return Ok(false) };
                if rows.len() == part.head.times.len() {
                    return Ok(true);
                }
                let Some(range) = part.head.page_range(position) else { return Ok(false) };
                let mut own = Vec::new();
                Ok(part.page(range, &mut own)?.first().is_some_and(|head| !has_states(*head)))
            }
        }
    }

    pub fn labels_of(&self, at: usize) -> &[LabelPair] {
        self.series.labels_of(at)
    }

    /// Decodes rows of a series by its own index, whether it is given out or not.
    pub fn read_own(&self, at: usize, rows: Range<usize>, into: &mut ColumnValues) -> Result<(), SelectError> {
        self.read_numbers(at, rows, into, true)
    }

    fn read_numbers(&self, at: usize, rows: Range<usize>, into: &mut ColumnValues, wants_numbers: bool) -> Result<(), SelectError> {
        into.clear();
        let mut presence = Presence::default();
        let first = self.starts.partition_point(|start| *start <= rows.start).saturating_sub(1);
        for (number, block) in self.blocks.iter().enumerate().skip(first) {
            let start = self.starts[number];
            if start >= rows.end {
                break;
            }
            let end = self.starts.get(number + 1).copied().unwrap_or(self.times.len());
            let wanted = rows.start.max(start) - start..rows.end.min(end) - start;
            if wanted.is_empty() {
                continue;
            }
            match block {
                Block::Stripe(rows, parts) => {
                    let need = match (self.asked, wants_numbers) {
                        (_, false) => Need::Presence,
                        (Some(asked), true) if self.deleted(at).is_none() => Need::Extreme(asked),
                        _ => Need::Numbers,
                    };
                    let wanted = wanted.start + rows.start..wanted.end + rows.start;
                    read_stripe(parts, at, (wanted, need), into, &mut presence)?
                }
                Block::Tail(tail) => read_tail(tail, at, (wanted, wants_numbers), into, &mut presence)?,
            }
        }
        into.present = presence.words;
        if let Some(stretches) = self.deleted(at) {
            super::hidden::hide(stretches, &self.times[rows], into);
        }
        Ok(())
    }

    fn deleted(&self, at: usize) -> Option<&[(i64, i64)]> {
        self.tombstones.as_ref()?.of(self.series.ids[at])
    }
}

/// The column range that has a series' page, and where in it.
fn find_page(parts: &[StripePart], at: usize) -> Option<(&StripePart, usize)> {
    let find = |part: &StripePart| part.numbers.get(at).copied().flatten().and_then(|number| part.head.position(number));
    parts.iter().find_map(|part| find(part).map(|position| (part, position)))
}

/// What of a page's rows is looked at.
#[derive(Clone, Copy)]
enum Need {
    Numbers,
    /// Only which rows hold something.
    Presence,
    /// Only this one of all rows: where a whole page says it, every row may hold it.
    Extreme(Asked),
}

fn read_stripe(
    parts: &[StripePart],
    at: usize,
    (rows, need): (Range<usize>, Need),
    into: &mut ColumnValues,
    presence: &mut Presence,
) -> Result<(), SelectError> {
    let row = into.floats.len();
    let Some((part, position)) = find_page(parts, at) else {
        into.floats.resize(row + rows.len(), 0.0);
        presence.none(rows.len());
        return Ok(());
    };
    let damaged = |what| part.file.damaged(part.stripe.offset, what);
    let range = part.head.page_range(position).ok_or_else(|| damaged(Damaged("a page without a place")))?;
    let mut own = Vec::new();
    let page = part.page(range, &mut own)?;
    // A page without states holds a float in every row.
    let is_plain = page.first().is_some_and(|head| !has_states(*head));
    let times = &part.head.times;
    let same = match need {
        Need::Presence => is_plain.then_some(0.0),
        Need::Extreme(asked) if rows == (0..times.len()) && asked.takes_whole(times[0], times[times.len() - 1]) => {
            extreme(page, asked.extreme).map_err(damaged)?
        }
        _ => None,
    };
    if let Some(value) = same {
        into.floats.resize(row + rows.len(), value);
        presence.all(rows.len());
        return Ok(());
    }
    DECODER.with_borrow_mut(|decoder| {
        decode_rows(page, part.head.times.len(), rows.clone(), decoder, &mut into.floats).map_err(damaged)?;
        if decoder.states.is_empty() {
            presence.all(rows.len())
        } else {
            presence.states(&decoder.states)
        }
        Ok(())
    })?;
    if part.stripe.side_bytes > 0 {
        let side = part.side()?;
        let of_page = |page: u32| page as usize == position;
        put_side(
            side.histograms_of(position as u32).map_err(damaged)?.iter().map(|(r, h)| (*r, h)),
            side.starts.iter().filter(|(page, ..)| of_page(*page)).map(|(_, r, s)| (*r, *s)),
            row,
            rows,
            into,
        );
    }
    Ok(())
}

impl StripePart {
    /// A page's bytes: from the span that is read once, or by itself where the span would be mostly unwanted.
    fn page<'a>(&'a self, range: Range<usize>, own: &'a mut Vec<u8>) -> Result<&'a [u8], SelectError> {
        let wanted =
            self.span.len() <= SPAN_SLACK + self.numbers.len() * 4 * (self.stripe.page_bytes as usize / self.head.ends.len().max(1));
        if !wanted {
            *own = self.file.read(self.stripe.pages_offset() + range.start as u64, range.len())?;
            return Ok(own);
        }
        if self.bytes.get().is_none() {
            let bytes = self.file.read(self.stripe.pages_offset() + self.span.start as u64, self.span.len())?;
            self.bytes.get_or_init(|| bytes);
        }
        let inside = range.start.wrapping_sub(self.span.start)..range.end.wrapping_sub(self.span.start);
        let bytes = self.bytes.get().and_then(|bytes| bytes.get(inside));
        bytes.ok_or_else(|| self.file.damaged(self.stripe.offset, Damaged("a page behind its stripe")))
    }

    fn side(&self) -> Result<&Side, SelectError> {
        if self.side.get().is_none() {
            let side = self.file.stripe_side(&self.stripe)?;
            self.side.get_or_init(|| side);
        }
        self.side.get().ok_or_else(|| self.file.damaged(self.stripe.offset, Damaged("no side data")))
    }
}

/// The batch that the engine sees: a group's batch, or the part of it whose series are nowhere else.
impl Batch for GroupBatch {
    fn times(&self) -> &[TimestampMs] {
        &self.times
    }

    fn len(&self) -> usize {
        self.only.as_ref().map_or(self.series.ids.len(), Vec::len)
    }

    fn series_id(&self, index: usize) -> SeriesId {
        SeriesId(self.series.ids[self.own(index)])
    }

    fn labels(&self, index: usize) -> &[LabelPair] {
        self.labels_of(self.own(index))
    }

    fn read(&self, index: usize, rows: Range<usize>, into: &mut ColumnValues) -> Result<(), SelectError> {
        self.read_own(self.own(index), rows, into)
    }

    fn read_presence(&self, index: usize, rows: Range<usize>, into: &mut ColumnValues) -> Result<(), SelectError> {
        self.read_numbers(self.own(index), rows, into, false)
    }
}

impl GroupBatch {
    fn own(&self, index: usize) -> usize {
        self.only.as_ref().map_or(index, |only| only[index] as usize)
    }

    /// The own indexes of the series that this batch gives out.
    pub fn given_out(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.len() as u32).map(|index| self.own(index as usize) as u32)
    }

    pub fn row_times(&self) -> &[TimestampMs] {
        &self.times
    }
}
