//! Selections: what the head and each segment found, put together by group into batches that share their times.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::bits::Bits;
use super::group::Group;
use super::segment::{Segment, SegmentFile, SegmentIndex, StripeRef};
use super::snapshot::TsdbSnapshot;
use super::source::LATE;
use super::store::{Store, lock, read};
use crate::model::{TimeRange, TimestampMs};
use crate::storage::{Batch, ColumnValues, LabelPair, SelectError};

mod asked;
pub mod group_batch;
mod hidden;
pub mod merged;
mod presence;
mod series;
mod tail_block;

pub use asked::Asked;
pub use group_batch::GroupBatch;
pub use series::BatchSeries;
pub use tail_block::TailBlock;

/// Stripes of one file, and what that file calls the series of the batch.
pub struct SegmentPart {
    pub file: Arc<SegmentFile>,
    pub stripes: Vec<StripeRef>,
    /// By index in the batch; shorter where the last ones are not there.
    pub numbers: Vec<Option<u32>>,
    /// The last time that may be seen.
    pub until: i64,
}

/// One group's selection while it is put together.
#[derive(Default)]
pub struct BatchBuilder {
    pub series: BatchSeries,
    /// Places of the first ids by id, brought up to date when it is needed.
    index: HashMap<u64, u32>,
    pub parts: Vec<SegmentPart>,
    pub tails: Vec<TailBlock>,
}

impl BatchBuilder {
    /// The place of a series in this batch. Segments mostly bring the same series in the same order: `expected` is tried first.
    fn place(&mut self, id: u64, expected: usize, labels: impl FnOnce(&mut Vec<LabelPair>)) -> usize {
        if self.series.ids.get(expected) == Some(&id) {
            return expected;
        }
        // As long as one part alone has brought series, each is new.
        if !self.parts.is_empty() || !self.tails.is_empty() {
            for (at, id) in self.series.ids.iter().enumerate().skip(self.index.len()) {
                self.index.insert(*id, at as u32);
            }
            if let Some(at) = self.index.get(&id) {
                return *at as usize;
            }
        }
        self.series.push(id, labels);
        self.series.ids.len() - 1
    }

    /// Batches of everything that was found; a series that has several columns comes as a batch of one.
    pub fn finish(builders: Builders<'_>, limit: usize, asked: Option<Asked>) -> Result<Vec<Box<dyn Batch>>, SelectError> {
        let (range, metrics) = (builders.range, builders.snapshot.store.metrics.clone());
        let tombstones = Some(&builders.snapshot.tombstones).filter(|tombstones| !tombstones.is_empty()).cloned();
        let mut layers: Vec<Arc<GroupBatch>> = Vec::new();
        for builder in builders.list {
            let built = GroupBatch::layers(builder, range).inspect_err(|_| metrics.damaged_reads.inc())?;
            for mut layer in built {
                layer.tombstones = tombstones.clone();
                layer.leave_out_empty()?;
                if layer.len() > 0 {
                    layers.push(Arc::new(layer));
                }
            }
        }
        let mut batches = merged::separate(layers, asked)?;
        if limit > 0 {
            let mut series = 0usize;
            batches.retain(|batch| {
                let keep = series < limit;
                series += batch.len();
                keep
            });
        }
        Ok(batches)
    }
}

pub struct Builders<'a> {
    snapshot: &'a TsdbSnapshot,
    pub range: TimeRange,
    groups: HashMap<u64, usize>,
    pub list: Vec<BatchBuilder>,
}

impl<'a> Builders<'a> {
    pub fn new(snapshot: &'a TsdbSnapshot, range: TimeRange) -> Self {
        Self { snapshot, range, groups: HashMap::new(), list: Vec::new() }
    }

    fn group(&mut self, id: u64) -> usize {
        let next = self.list.len();
        let at = *self.groups.entry(id).or_insert(next);
        if at == next {
            self.list.push(BatchBuilder::default());
        }
        at
    }

    /// Adds series of a sealed segment.
    pub fn add_segment(&mut self, segment: &Segment, index: &SegmentIndex, found: &[u32]) {
        let range = self.range;
        let in_range = |s: &&StripeRef| s.min_time <= range.max.0 && s.max_time >= range.min.0;
        // For each group of the segment: its batch, and how many series were added.
        let mut batches: Vec<Option<(usize, usize)>> = vec![None; index.groups.len()];
        let mut without = vec![false; index.groups.len()];
        let (mut fresh, mut places): (Vec<(usize, SegmentPart)>, Vec<usize>) = (Vec::new(), vec![0; index.groups.len()]);
        let head = read(&self.snapshot.store.head);
        let mut symbols = HashMap::new();
        for series in found {
            for number in index.groups_of(*series) {
                let at = number as usize;
                if without[at] {
                    continue;
                }
                let (batch, count) = match batches[at] {
                    Some(known) => known,
                    None => {
                        let stripes: Vec<StripeRef> = index.groups[at].stripes.iter().filter(in_range).copied().collect();
                        if stripes.is_empty() {
                            without[at] = true;
                            continue;
                        }
                        let batch = self.group(index.groups[at].id);
                        let (file, numbers) = (segment.file.clone(), Vec::new());
                        fresh.push((batch, SegmentPart { file, stripes, numbers, until: i64::MAX }));
                        places[at] = fresh.len() - 1;
                        (batch, 0)
                    }
                };
                let id = index.series.id(*series);
                let snapshot = self.snapshot;
                let place = self.list[batch].place(id, count, |into| match head.index.find_id(id) {
                    Some(known) => snapshot.head_labels(&head.index, known, into),
                    None => snapshot.segment_labels(&head.index, &index.series, *series, &mut symbols, into),
                });
                batches[at] = Some((batch, place + 1));
                let numbers = &mut fresh[places[at]].1.numbers;
                numbers.resize(numbers.len().max(place + 1), None);
                numbers[place] = Some(*series);
            }
        }
        for (batch, part) in fresh {
            self.list[batch].parts.push(part);
        }
    }

    /// Adds series of the head: their stripes in open segments, and their tails.
    pub fn add_head(&mut self, found: &[u32]) {
        let snapshot = self.snapshot;
        each_group(snapshot, found, |part| match part {
            HeadPart::Group(group, columns) => self.add_group(snapshot, group, columns),
            HeadPart::Late(id, series) => self.add_late(snapshot, id, series),
        });
    }

    /// Rows that came late: all of them are in open segments.
    fn add_late(&mut self, snapshot: &TsdbSnapshot, id: u64, series: &[u32]) {
        for open in late_stripes(snapshot, id, series, self.range) {
            let batch = self.group(id);
            let builder = &mut self.list[batch];
            let head = read(&snapshot.store.head);
            let mut places = Vec::new();
            for (at, number) in open.numbers.iter().enumerate().filter(|(_, number)| number.is_some()) {
                let expected = places.last().map_or(0, |(place, _)| place + 1);
                let id = head.index.id(series[at]);
                places.push((builder.place(id, expected, |into| snapshot.head_labels(&head.index, series[at], into)), *number));
            }
            let mut numbers = vec![None; builder.series.ids.len()];
            places.iter().for_each(|(place, number)| numbers[*place] = *number);
            builder.parts.push(SegmentPart { file: open.file, stripes: open.stripes, numbers, until: i64::MAX });
        }
    }

    fn add_group(&mut self, snapshot: &TsdbSnapshot, group: &Group, columns: &[u32]) {
        let range = self.range;
        let (rows, cut) = group.visible(snapshot.sequence);
        let until = cut.unwrap_or(i64::MAX);
        let series: Vec<u32> = columns.iter().map(|c| group.columns[*c as usize].series).collect();
        let mut opens = open_stripes(snapshot, group.id, &series);
        for open in &mut opens {
            open.stripes.retain(|s| s.min_time <= range.max.0.min(until) && s.max_time >= range.min.0);
        }
        opens.retain(|open| !open.stripes.is_empty());
        let first = group.times[..rows].partition_point(|t| *t < range.min.0);
        let last = group.times[..rows].partition_point(|t| *t <= range.max.0);
        let in_tail = |column: u32| first < last && (group.live.get(column) || group.columns[column as usize].has_codes());
        let wanted: Vec<usize> =
            (0..columns.len()).filter(|at| in_tail(columns[*at]) || opens.iter().any(|open| open.numbers[*at].is_some())).collect();
        if wanted.is_empty() {
            return;
        }
        let batch = self.group(group.id);
        let builder = &mut self.list[batch];
        let head = read(&snapshot.store.head);
        let mut tail = TailBlock::new(&group.times[first..last], first, last);
        let mut places = Vec::with_capacity(wanted.len());
        for at in &wanted {
            let expected = places.last().map_or(0, |(_, place)| place + 1);
            let place = builder.place(head.index.id(series[*at]), expected, |into| snapshot.head_labels(&head.index, series[*at], into));
            places.push((*at, place));
            if in_tail(columns[*at]) {
                tail.add(place, columns[*at], group);
            }
        }
        for open in opens {
            let mut numbers = vec![None; builder.series.ids.len()];
            places.iter().for_each(|(at, place)| numbers[*place] = open.numbers[*at]);
            builder.parts.push(SegmentPart { file: open.file, stripes: open.stripes, numbers, until });
        }
        if first < last {
            builder.tails.push(tail);
        }
    }

    /// Those of these series of the head that may have samples in the range.
    pub fn present(snapshot: &TsdbSnapshot, found: &[u32], range: TimeRange) -> Vec<u32> {
        let mut present = Vec::new();
        let in_range = |at: i64| range.contains(TimestampMs(at));
        let mut scratch = Vec::new();
        each_group(snapshot, found, |part| {
            let (group, columns) = match part {
                HeadPart::Group(group, columns) => (group, columns),
                HeadPart::Late(id, series) => {
                    for open in late_stripes(snapshot, id, series, range) {
                        present.extend(series.iter().zip(&open.numbers).filter(|(_, number)| number.is_some()).map(|(series, _)| *series));
                    }
                    return;
                }
            };
            let (rows, _) = group.visible(snapshot.sequence);
            let has_rows = group.times[..rows].iter().any(|t| in_range(*t));
            let series: Vec<u32> = columns.iter().map(|c| group.columns[*c as usize].series).collect();
            let mut opens = open_stripes(snapshot, group.id, &series);
            opens.retain(|open| open.stripes.iter().any(|s| s.min_time <= range.max.0 && s.max_time >= range.min.0));
            for (at, column) in columns.iter().enumerate() {
                let in_tail = has_rows && is_in_tail(group, *column, rows, range, &mut scratch);
                if in_tail || opens.iter().any(|open| open.numbers[at].is_some()) {
                    present.push(series[at]);
                }
            }
        });
        present.sort_unstable();
        present.dedup();
        present
    }
}

/// Whether the stretch from the first to the last sample of a column in the tail's first `rows` rows meets the range.
fn is_in_tail(group: &Group, column: u32, rows: usize, range: TimeRange, scratch: &mut Vec<u8>) -> bool {
    let state = &group.columns[column as usize];
    let is_live = group.live.get(column);
    if !is_live && group.idle.get(&column).is_some_and(|last| *last < range.min.0) {
        return false;
    }
    if group.times[rows - 1] <= range.max.0 || !state.has_codes() {
        return is_live || state.has_codes();
    }
    group.times.get(state.first_row(&group.arena, scratch)).is_some_and(|first| *first <= range.max.0)
}

/// The newest sample at or after a time that sealed segments have of a series: time and bits.
pub fn sealed_last(store: &Arc<Store>, id: u64, from: i64) -> Option<(i64, u64)> {
    let range = TimeRange::new(TimestampMs(from), TimestampMs::MAX);
    let snapshot = TsdbSnapshot::open(store.clone(), range);
    let mut builders = Builders::new(&snapshot, range);
    for segment in snapshot.segments.sealed.iter().filter(|s| s.range().overlaps(range)) {
        let Ok(index) = store.indexes.get(segment) else { continue };
        if let Some(series) = index.series.find_id(id) {
            builders.add_segment(segment, &index, &[series]);
        }
    }
    let mut values = ColumnValues::default();
    let mut newest = None;
    for batch in BatchBuilder::finish(builders, 0, None).ok()? {
        let times = batch.times();
        batch.read(0, 0..times.len(), &mut values).ok()?;
        let last = (0..times.len()).rev().find(|row| values.is_present(*row));
        newest = newest.max(last.map(|row| (times[row].0, values.floats[row].to_bits())));
    }
    newest
}

/// The group's stripes in every segment that was open since the snapshot.
fn open_stripes(snapshot: &TsdbSnapshot, group: u64, series: &[u32]) -> Vec<super::segment::open::OpenStripes> {
    let mut found = Vec::new();
    let mut open = Some(&snapshot.segments.open);
    while let Some(segment) = open {
        found.extend(segment.stripes_of(group, series));
        open = segment.next.get();
    }
    found
}

/// The stripes of late rows that a snapshot sees.
fn late_stripes(snapshot: &TsdbSnapshot, group: u64, series: &[u32], range: TimeRange) -> Vec<super::segment::open::OpenStripes> {
    let mut opens = open_stripes(snapshot, group, series);
    for open in &mut opens {
        open.stripes.retain(|s| s.first_row <= snapshot.sequence && s.min_time <= range.max.0 && s.max_time >= range.min.0);
    }
    opens.retain(|open| !open.stripes.is_empty());
    opens
}

/// What the head has of wanted series.
enum HeadPart<'a> {
    /// A group, and its wanted columns.
    Group(&'a Group, &'a [u32]),
    /// The id of the group of late rows of a source, and the wanted series that may be there.
    Late(u64, &'a [u32]),
}

/// Calls with every group that has columns of these series, and those columns; the source is locked meanwhile.
fn each_group(snapshot: &TsdbSnapshot, found: &[u32], mut each: impl FnMut(HeadPart<'_>)) {
    let (mut wanted, mut sources) = (Bits::default(), Bits::default());
    {
        let head = read(&snapshot.store.head);
        for series in found {
            wanted.set(*series);
            sources.set(head.homes[*series as usize]);
            head.away.get(series).into_iter().flatten().for_each(|source| sources.set(*source));
        }
    }
    let mut columns = Vec::new();
    for number in sources.without(&Bits::default()) {
        let Some(source) = read(&snapshot.store.sources).get(number) else { continue };
        let state = lock(&source.state);
        for group in &state.groups {
            columns.clear();
            columns.extend((0..group.columns.len() as u32).filter(|c| wanted.get(group.columns[*c as usize].series)));
            if !columns.is_empty() {
                each(HeadPart::Group(group, &columns));
            }
        }
        if state.has_late {
            let mut series: Vec<u32> = state.groups.iter().flat_map(|group| group.columns.iter().map(|column| column.series)).collect();
            series.retain(|series| wanted.get(*series));
            series.sort_unstable();
            series.dedup();
            each(HeadPart::Late(source.group_id(LATE), &series));
        }
    }
}
