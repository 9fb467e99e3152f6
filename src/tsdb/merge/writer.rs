//! The output of a merge: each group's rows decoded column by column and encoded again over many more rows.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use super::deleted;
use crate::storage::SelectError;
use crate::tsdb::disk::DiskFile;
use crate::tsdb::index::SeriesIndex;
use crate::tsdb::limits::{MERGED_ROWS_MAX, MERGED_STRIPE_BYTES};
use crate::tsdb::page::decode::{Decoder, decode};
use crate::tsdb::page::{PageColumn, State, encode};
use crate::tsdb::segment::seal::{put_group, put_series};
use crate::tsdb::segment::side::Side;
use crate::tsdb::segment::stripe::StripeBody;
use crate::tsdb::segment::{GroupEntry, MAGIC_BYTES, Segment, SegmentFile, SegmentIndex, StripeHead, StripeRef};
use crate::tsdb::tombstones::Tombstones;

/// In place of a number: all samples of the series are deleted.
const GONE: u32 = u32::MAX;

/// What a merge wrote.
pub struct Output {
    pub index: SegmentIndex,
    pub samples: u64,
    /// Bytes before index and footer.
    pub size: u64,
}

/// One stripe of an input, read whole.
struct Input {
    head: StripeHead,
    pages: Vec<u8>,
    side: Side,
    /// The output's number of each of its pages' series.
    series: Vec<u32>,
}

struct Writer<'a> {
    file: &'a dyn DiskFile,
    size: u64,
    samples: u64,
    ordinal: u32,
    groups: Vec<GroupEntry>,
    out: Vec<u8>,
    tombstones: &'a Tombstones,
}

/// What an input cannot be read with goes through as it is, so that it can be told from what the output fails with.
pub fn failed(error: SelectError) -> io::Error {
    io::Error::other(error)
}

fn damaged(what: impl std::fmt::Display) -> io::Error {
    failed(SelectError::Corrupt(what.to_string()))
}

pub fn write(inputs: &[Arc<Segment>], file: &dyn DiskFile, tombstones: &Tombstones) -> io::Result<Output> {
    let mut indexes = Vec::new();
    for input in inputs {
        indexes.push(input.index().map_err(failed)?);
    }
    let gone = if tombstones.is_empty() { HashSet::new() } else { deleted::wholly(inputs, &indexes, tombstones)? };
    let (series, numbers) = union(&indexes, &gone)?;
    let mut order: Vec<u64> = Vec::new();
    let mut by_group: HashMap<u64, Vec<(usize, usize)>> = HashMap::new();
    for (input, index) in indexes.iter().enumerate() {
        for (at, group) in index.groups.iter().enumerate() {
            let list = by_group.entry(group.id).or_insert_with(|| {
                order.push(group.id);
                Vec::new()
            });
            list.push((input, at));
        }
    }
    let mut writer = Writer { file, size: MAGIC_BYTES as u64, samples: 0, ordinal: 0, groups: Vec::new(), out: Vec::new(), tombstones };
    writer.define(&series)?;
    for id in order {
        let parts: Vec<Part<'_>> = by_group[&id]
            .iter()
            .map(|(input, at)| Part { file: &inputs[*input].file, group: &indexes[*input].groups[*at], numbers: &numbers[*input] })
            .collect();
        writer.group(&parts, &series)?;
    }
    Ok(Output { index: SegmentIndex::new(series, writer.groups), samples: writer.samples, size: writer.size })
}

/// A group in one input.
struct Part<'a> {
    file: &'a SegmentFile,
    group: &'a GroupEntry,
    numbers: &'a [u32],
}

/// All series of the inputs but those that are gone, and for each input its series' numbers there.
fn union(indexes: &[Arc<SegmentIndex>], gone: &HashSet<u64>) -> io::Result<(SeriesIndex, Vec<Vec<u32>>)> {
    let full = || io::Error::other("the labels of a merge take more than 4 GiB");
    let mut series = SeriesIndex::default();
    let mut numbers: Vec<Vec<u32>> = indexes.iter().map(|index| vec![GONE; index.series.len()]).collect();
    for (input, index) in indexes.iter().enumerate() {
        for group in &index.groups {
            let base = series.base(&group.key.labels).ok_or_else(full)?;
            for number in &group.series {
                let id = index.series.id(*number);
                if gone.contains(&id) {
                    continue;
                }
                let known = match series.find_id(id) {
                    Some(known) => known,
                    None => series.add(id, &index.series.labels(*number), base).ok_or_else(full)?,
                };
                numbers[input][*number as usize] = known;
            }
        }
    }
    series.cover();
    Ok((series, numbers))
}

impl Writer<'_> {
    fn define(&mut self, series: &SeriesIndex) -> io::Result<()> {
        let sets: Vec<_> = (0..series.len() as u32).map(|number| series.labels(number)).collect();
        self.out.clear();
        put_series(&mut self.out, 0, sets.iter());
        self.append()
    }

    fn append(&mut self) -> io::Result<()> {
        self.file.append(&self.out)?;
        self.size += self.out.len() as u64;
        self.out.clear();
        Ok(())
    }

    fn group(&mut self, parts: &[Part<'_>], index: &SeriesIndex) -> io::Result<()> {
        let Some(first) = parts.first() else { return Ok(()) };
        let number = self.groups.len() as u32;
        put_group(&mut self.out, number, first.group.id, first.group.subgroup, &first.group.key);
        self.append()?;
        let mut series: Vec<u32> = parts.iter().flat_map(|p| p.group.series.iter().map(|s| p.numbers[*s as usize])).collect();
        series.sort_unstable();
        series.dedup();
        series.retain(|number| *number != GONE);
        let next_row = parts.iter().map(|p| p.group.next_row).max().unwrap_or(0);
        let (id, subgroup, key) = (first.group.id, first.group.subgroup, first.group.key.clone());
        self.groups.push(GroupEntry { id, subgroup, key, next_row, series, stripes: Vec::new() });
        let mut stripes: Vec<(&Part<'_>, &StripeRef)> = parts.iter().flat_map(|p| p.group.stripes.iter().map(move |s| (p, s))).collect();
        stripes.sort_by_key(|(_, s)| s.min_time);
        let mut at = 0usize;
        while at < stripes.len() {
            let count = run_length(&stripes[at..]);
            self.run(number, &stripes[at..at + count], index)?;
            at += count;
        }
        Ok(())
    }

    /// Writes stripes that follow each other as one (or a few, cut between columns).
    fn run(&mut self, group: u32, stripes: &[(&Part<'_>, &StripeRef)], index: &SeriesIndex) -> io::Result<()> {
        let mut inputs = Vec::with_capacity(stripes.len());
        for (part, stripe) in stripes {
            inputs.push(Input::read(part, stripe)?);
        }
        let mut series: Vec<u32> = inputs.iter().flat_map(|input| input.series.iter().copied()).collect();
        series.sort_unstable();
        series.dedup();
        series.retain(|number| *number != GONE);
        let mut body = StripeBody { first_row: inputs.first().map_or(0, |i| i.head.first_row), ..StripeBody::default() };
        body.times = rows(&inputs).iter().flat_map(|(input, ..)| inputs[*input].head.times.iter().copied()).collect();
        let blocks = rows(&inputs);
        let (mut column, mut decoder) = (PageColumn::default(), Decoder::default());
        let last = series.last().copied();
        for number in series {
            gather(&inputs, &blocks, number, &mut column, &mut decoder, &mut body)?;
            if let Some(stretches) = self.tombstones.of(index.id(number)) {
                deleted::leave_out(stretches, &mut column, &mut body);
            }
            let start = body.pages.len();
            encode(&mut column, &mut body.pages);
            body.lengths.push((body.pages.len() - start) as u32);
            body.series.push(number);
            if body.pages.len() >= MERGED_STRIPE_BYTES || Some(number) == last {
                body.has_more = Some(number) != last;
                self.stripe(group, &mut body)?;
            }
        }
        Ok(())
    }

    fn stripe(&mut self, group: u32, body: &mut StripeBody) -> io::Result<()> {
        let numbers = std::mem::take(&mut body.series);
        let mut reference = body.put(&mut self.out, group, &numbers);
        (reference.offset, reference.ordinal) = (self.size, self.ordinal);
        self.append()?;
        self.ordinal += 1;
        self.samples += numbers.len() as u64 * u64::from(reference.rows);
        self.groups[group as usize].stripes.push(reference);
        body.part += 1;
        body.lengths.clear();
        body.pages.clear();
        body.histograms.clear();
        body.starts.clear();
        Ok(())
    }
}

/// How many stripes from the first on follow each other within the bound on rows. Column ranges of the same rows stay together.
fn run_length(stripes: &[(&Part<'_>, &StripeRef)]) -> usize {
    let (mut rows, mut count, mut until) = (0usize, 0usize, i64::MIN);
    let mut same = None;
    for (_, stripe) in stripes {
        let is_same = same == Some((stripe.min_time, stripe.max_time, stripe.rows));
        if !is_same {
            if count > 0 && (rows + stripe.rows as usize > MERGED_ROWS_MAX || stripe.min_time <= until) {
                break;
            }
            rows += stripe.rows as usize;
            until = stripe.max_time;
            same = Some((stripe.min_time, stripe.max_time, stripe.rows));
        }
        count += 1;
    }
    count
}

/// For each stretch of rows: its first input, how many inputs share those rows, how many rows.
fn rows(inputs: &[Input]) -> Vec<(usize, usize, usize)> {
    let mut blocks: Vec<(usize, usize, usize)> = Vec::new();
    for (at, input) in inputs.iter().enumerate() {
        match blocks.last_mut() {
            Some((first, count, _)) if inputs[*first].head.times == input.head.times => *count += 1,
            _ => blocks.push((at, 1, input.head.times.len())),
        }
    }
    blocks
}

/// Collects all rows of one series.
fn gather(
    inputs: &[Input],
    blocks: &[(usize, usize, usize)],
    number: u32,
    column: &mut PageColumn,
    decoder: &mut Decoder,
    body: &mut StripeBody,
) -> io::Result<()> {
    column.clear();
    let page = body.series.len() as u32;
    for (first, count, length) in blocks {
        let row = column.floats.len();
        let found =
            inputs[*first..*first + *count].iter().find_map(|input| input.series.iter().position(|s| *s == number).map(|at| (input, at)));
        let Some((input, position)) = found else {
            column.floats.resize(row + length, 0.0);
            column.states.resize(row + length, State::Gap);
            continue;
        };
        let range = input.head.page_range(position).and_then(|range| input.pages.get(range));
        let bytes = range.ok_or_else(|| damaged("a page behind its stripe"))?;
        decode(bytes, *length, decoder).map_err(damaged)?;
        column.floats.extend_from_slice(&decoder.floats);
        if decoder.states.is_empty() {
            column.states.resize(row + length, State::Value);
        } else {
            column.states.extend_from_slice(&decoder.states);
        }
        let held = input.side.histograms_of(position as u32).map_err(damaged)?;
        body.histograms.extend(held.into_iter().map(|(r, h)| (page, r + row as u32, h)));
        let of_page = |p: u32| p as usize == position;
        body.starts.extend(input.side.starts.iter().filter(|(p, ..)| of_page(*p)).map(|(_, r, s)| (page, r + row as u32, *s)));
    }
    Ok(())
}

impl Input {
    fn read(part: &Part<'_>, stripe: &StripeRef) -> io::Result<Self> {
        let head = part.file.stripe_head(stripe).map_err(failed)?;
        let pages = part.file.read(stripe.pages_offset(), stripe.page_bytes as usize).map_err(failed)?;
        let side = part.file.stripe_side(stripe).map_err(failed)?;
        let number = |number: u32| part.numbers.get(number as usize).copied().unwrap_or(GONE);
        let series = head.runs.iter().flat_map(|(first, length, _)| (*first..*first + *length).map(number)).collect();
        Ok(Self { head, pages, side, series })
    }
}
