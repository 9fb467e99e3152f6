//! Imports: samples from elsewhere written as a segment of their own, past the row log, so that they may be older than anything that is there.
//!
//! The file has the name of a merge's output until it is whole, and its level is that of one: what a crash leaves is removed at the next start.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::disk::DiskFile;
use super::index::{SeriesIndex, id_of};
use super::limits::{MERGED_ROWS_MAX, MERGED_STRIPE_BYTES};
use super::page::{PageColumn, State, encode};
use super::segment::seal::{self, Identity, put_group, put_series};
use super::segment::stripe::StripeBody;
use super::segment::{GroupEntry, MAGIC_BYTES, Segment, SegmentFile, SegmentIndex, VERSION, magic};
use super::source::Source;
use super::store::{SegmentSet, Store, lock};
use crate::model::{Labels, is_stale};
use crate::storage::{ColumnValues, GroupKey};

/// Rows of one call at most.
pub const ROWS_MAX: usize = MERGED_ROWS_MAX;

/// One segment on its way.
pub struct Importer {
    store: Arc<Store>,
    id: u64,
    unfinished: PathBuf,
    file: Arc<dyn DiskFile>,
    size: u64,
    ordinal: u32,
    samples: u64,
    series: SeriesIndex,
    groups: Vec<GroupEntry>,
    by_key: HashMap<(GroupKey, u32), u32>,
    page: PageColumn,
    body: StripeBody,
}

fn full() -> io::Error {
    io::Error::other("the labels of an import take more than 4 GiB: import fewer blocks at a time")
}

impl Importer {
    pub fn new(store: &Arc<Store>) -> io::Result<Self> {
        let id = store.next_segment.fetch_add(1, Ordering::AcqRel);
        let unfinished = seal::merging_path(&store.folder, id);
        let file = store.disk.create(&unfinished)?;
        file.append(&magic(VERSION))?;
        Ok(Self {
            store: store.clone(),
            id,
            unfinished,
            file,
            size: MAGIC_BYTES as u64,
            ordinal: 0,
            samples: 0,
            series: SeriesIndex::default(),
            groups: Vec::new(),
            by_key: HashMap::new(),
            page: PageColumn::default(),
            body: StripeBody::default(),
        })
    }

    /// Adds at most [`ROWS_MAX`] rows of a group; later calls for one key and set bring later times.
    pub fn rows(&mut self, key: &GroupKey, set: u32, times: &[i64], columns: &[(Labels, ColumnValues)]) -> io::Result<()> {
        if times.len() > ROWS_MAX {
            return Err(io::Error::other(format!("{} rows at once; at most {ROWS_MAX}", times.len())));
        }
        let mut out = Vec::new();
        let group = self.group(key, set, &mut out);
        let base = self.series.base(&key.labels).ok_or_else(full)?;
        let first_new = self.series.len() as u32;
        let (mut numbered, mut new): (Vec<(u32, &ColumnValues)>, Vec<&Labels>) = (Vec::with_capacity(columns.len()), Vec::new());
        for (labels, values) in columns {
            let id = id_of(labels, self.store.seed);
            let number = match self.series.find_id(id) {
                Some(known) => known,
                None => {
                    new.push(labels);
                    self.series.add(id, labels, base).ok_or_else(full)?
                }
            };
            numbered.push((number, values));
        }
        if !new.is_empty() {
            put_series(&mut out, first_new, new.iter().copied());
        }
        self.append(&out)?;
        numbered.sort_by_key(|(number, _)| *number);
        let known = &mut self.groups[group as usize].series;
        known.extend(numbered.iter().map(|(number, _)| *number));
        self.stripes(group, times, &numbered)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.append(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn group(&mut self, key: &GroupKey, set: u32, out: &mut Vec<u8>) -> u32 {
        if let Some(known) = self.by_key.get(&(key.clone(), set)) {
            return *known;
        }
        let (number, id) = (self.groups.len() as u32, Source::new(key.clone(), 0, 0).group_id(set));
        put_group(out, number, id, set, key);
        self.groups.push(GroupEntry { id, subgroup: set, key: key.clone(), next_row: 0, series: Vec::new(), stripes: Vec::new() });
        self.by_key.insert((key.clone(), set), number);
        number
    }

    /// One stripe, or a few that are cut between columns.
    fn stripes(&mut self, group: u32, times: &[i64], columns: &[(u32, &ColumnValues)]) -> io::Result<()> {
        let first_row = self.groups[group as usize].next_row;
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        (body.first_row, body.part) = (first_row, 0);
        body.times.extend_from_slice(times);
        for (place, (number, values)) in columns.iter().enumerate() {
            let start = body.pages.len();
            let position = body.series.len() as u32;
            fill(&mut self.page, values, times.len());
            encode(&mut self.page, &mut body.pages);
            body.lengths.push((body.pages.len() - start) as u32);
            body.series.push(*number);
            body.histograms.extend(values.histograms.iter().map(|(row, held)| (position, *row, held.clone())));
            body.starts.extend(values.starts.iter().map(|(row, start)| (position, *row, start.0)));
            let is_last = place + 1 == columns.len();
            if is_last || body.pages.len() >= MERGED_STRIPE_BYTES {
                body.has_more = !is_last;
                let mut out = Vec::new();
                let numbers = std::mem::take(&mut body.series);
                let mut reference = body.put(&mut out, group, &numbers);
                (reference.offset, reference.ordinal) = (self.size, self.ordinal);
                self.append(&out)?;
                self.ordinal += 1;
                self.samples += numbers.len() as u64 * u64::from(reference.rows);
                self.groups[group as usize].stripes.push(reference);
                body.part += 1;
                body.lengths.clear();
                body.pages.clear();
                body.histograms.clear();
                body.starts.clear();
            }
        }
        self.groups[group as usize].next_row += times.len() as u64;
        self.body = body;
        Ok(())
    }

    /// Gives up: nothing stays.
    pub fn discard(self) {
        // What cannot be removed now is removed at the next start.
        let _left = self.store.disk.remove(&self.unfinished);
    }

    /// Makes the segment durable and part of the store; false where there was nothing to write.
    pub fn finish(mut self) -> io::Result<bool> {
        if self.groups.iter().all(|group| group.stripes.is_empty()) {
            self.store.disk.remove(&self.unfinished)?;
            return Ok(false);
        }
        for group in &mut self.groups {
            group.series.sort_unstable();
            group.series.dedup();
        }
        self.series.cover();
        let store = &self.store;
        let index = SegmentIndex::new(self.series, self.groups);
        let about = Identity {
            id: self.id,
            level: 1,
            oldest_input: self.id,
            newest_input: self.id,
            samples: self.samples,
            seed: store.seed,
            version: VERSION,
        };
        let footer = seal::finish(&self.file, &index, about, self.size)?;
        let path = seal::path(&store.folder, self.id);
        store.disk.rename(&self.unfinished, &path)?;
        store.disk.sync_folder(&store.folder)?;
        lock(&store.manifest).edit(&[self.id], &[])?;
        let bytes = self.file.size()?;
        let segment = Arc::new(Segment { footer, file: Arc::new(SegmentFile::new(path, self.file, VERSION)), bytes, held: None });
        {
            let mut segments = store.segments.write().unwrap_or_else(PoisonError::into_inner);
            let mut sealed = segments.sealed.clone();
            sealed.push(segment);
            sealed.sort_by_key(|s| (s.footer.min_time, s.footer.id));
            *segments = Arc::new(SegmentSet { sealed, open: segments.open.clone() });
        }
        store.newest_time.fetch_max(footer.max_time, Ordering::AcqRel);
        store.versions.touch_all(store.sequence());
        Ok(true)
    }
}

/// A column's values as a page wants them.
fn fill(page: &mut PageColumn, values: &ColumnValues, rows: usize) {
    page.clear();
    page.floats.extend_from_slice(&values.floats);
    let state = |row: usize| match () {
        () if !values.is_present(row) => State::Gap,
        () if is_stale(values.floats[row]) => State::Stale,
        () => State::Value,
    };
    page.states.extend((0..rows).map(state));
    for (row, _) in &values.histograms {
        page.states[*row as usize] = State::Histogram;
    }
    if page.states.iter().all(|state| *state == State::Value) {
        page.states.clear();
    }
}

/// Names of groups in sealed segments that begin with a prefix: what was imported before. Reads every segment's index.
pub fn group_names(store: &Store, prefix: &str) -> Result<Vec<String>, crate::storage::SelectError> {
    let mut names = Vec::new();
    for segment in &store.segments().sealed {
        let index = store.indexes.get(segment)?;
        names.extend(index.groups.iter().filter(|g| g.key.name.starts_with(prefix)).map(|g| g.key.name.clone()));
    }
    names.sort();
    names.dedup();
    Ok(names)
}
