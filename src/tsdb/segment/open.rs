//! The segment that grows: stripes are appended as groups fill them, and what is needed to find them stays in memory until it is sealed.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::directory::{GroupEntry, SegmentIndex};
use super::seal::{self, Footer, Identity};
use super::stripe::{StripeBody, StripeRef};
use super::{MAGIC_BYTES, SegmentFile, VERSION, magic};
use crate::model::Labels;
use crate::storage::GroupKey;
use crate::tsdb::disk::Disk;
use crate::tsdb::index::{SeriesIndex, id_of};

/// One group's part of an open segment.
pub struct OpenGroup {
    number: u32,
    subgroup: u32,
    key: GroupKey,
    stripes: Vec<StripeRef>,
    next_row: u64,
    /// The segment's numbers of its series, ascending.
    series: Vec<u32>,
}

#[derive(Default)]
struct State {
    file: Option<Arc<SegmentFile>>,
    size: u64,
    /// For each series of the head its number here and 1, or 0.
    numbers: Vec<u32>,
    /// For each series here its number in the head.
    heads: Vec<u32>,
    groups: HashMap<u64, OpenGroup>,
    keys: Vec<u64>,
    stripes: u32,
    samples: u64,
    min_time: Option<i64>,
    max_time: Option<i64>,
    is_sealed: bool,
    /// A write failed half way and could not be cut off.
    is_broken: bool,
}

pub struct OpenSegment {
    pub id: u64,
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    state: Mutex<State>,
    synced: AtomicU64,
    /// The segment that was opened when this one was sealed.
    pub next: OnceLock<Arc<OpenSegment>>,
}

/// What an open segment holds so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extent {
    pub bytes: u64,
    pub stripes: u32,
    pub samples: u64,
    pub min_time: Option<i64>,
    pub max_time: Option<i64>,
}

/// Where one group's stripes are, and what the segment calls the wanted series.
pub struct OpenStripes {
    pub file: Arc<SegmentFile>,
    pub stripes: Vec<StripeRef>,
    /// One for each series asked for; none where the segment does not know it.
    pub numbers: Vec<Option<u32>>,
}

impl OpenSegment {
    pub fn new(disk: Arc<dyn Disk>, folder: PathBuf, id: u64) -> Self {
        Self { id, disk, folder, state: Mutex::default(), synced: AtomicU64::new(0), next: OnceLock::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a stripe with the definitions it needs; how many bytes that took. None: sealed meanwhile, take the next segment.
    pub fn append(
        &self,
        group: u64,
        subgroup: u32,
        key: &GroupKey,
        stripe: &StripeBody,
        labels: impl Fn(u32) -> Labels,
    ) -> io::Result<Option<u64>> {
        let mut state = self.lock();
        if state.is_sealed {
            return Ok(None);
        }
        if state.is_broken {
            return Err(io::Error::other("the open segment ends in a torn stripe"));
        }
        let mut out = Vec::with_capacity(stripe.pages.len() + 4096);
        if state.file.is_none() {
            self.create(&mut state)?;
        }
        let number = match state.groups.get(&group) {
            Some(known) => known.number,
            None => {
                let number = state.keys.len() as u32;
                seal::put_group(&mut out, number, group, subgroup, key);
                number
            }
        };
        let first_new = state.heads.len() as u32;
        let new: Vec<u32> = stripe.series.iter().copied().filter(|s| state.numbers.get(*s as usize).is_none_or(|n| *n == 0)).collect();
        if !new.is_empty() {
            let sets: Vec<Labels> = new.iter().map(|series| labels(*series)).collect();
            seal::put_series(&mut out, first_new, sets.iter());
        }
        let fresh: HashMap<u32, u32> = new.iter().zip(first_new..).map(|(series, number)| (*series, number)).collect();
        let number_of = |series: &u32| {
            fresh.get(series).copied().unwrap_or_else(|| state.numbers.get(*series as usize).map_or(0, |n| n.wrapping_sub(1)))
        };
        let numbers: Vec<u32> = stripe.series.iter().map(number_of).collect();
        let start = out.len() as u64;
        let mut reference = stripe.put(&mut out, number, &numbers);
        self.write(&mut state, &out)?;
        reference.offset = state.size - out.len() as u64 + start;
        state.remember(group, subgroup, key, reference, &new, &numbers);
        Ok(Some(out.len() as u64))
    }

    fn create(&self, state: &mut State) -> io::Result<()> {
        let path = seal::path(&self.folder, self.id);
        let file = self.disk.create(&path)?;
        file.append(&magic(VERSION))?;
        state.size = MAGIC_BYTES as u64;
        state.file = Some(Arc::new(SegmentFile::new(path, file, VERSION)));
        Ok(())
    }

    fn write(&self, state: &mut State, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = state.file.clone() else { return Ok(()) };
        if let Err(error) = file.file.append(bytes) {
            state.is_broken = file.file.truncate(state.size).is_err();
            return Err(error);
        }
        state.size += bytes.len() as u64;
        Ok(())
    }

    /// Makes everything appended so far durable.
    pub fn sync(&self) -> io::Result<()> {
        let (file, size) = {
            let state = self.lock();
            (state.file.clone(), state.size)
        };
        let Some(file) = file else { return Ok(()) };
        if self.synced.load(Ordering::Acquire) < size {
            file.file.sync()?;
            self.disk.sync_folder(&self.folder)?;
            self.synced.fetch_max(size, Ordering::AcqRel);
        }
        Ok(())
    }

    /// How much of it is durable.
    pub fn synced_bytes(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    pub fn extent(&self) -> Extent {
        let state = self.lock();
        Extent { bytes: state.size, stripes: state.stripes, samples: state.samples, min_time: state.min_time, max_time: state.max_time }
    }

    /// The stripes of a group, for these series of the head.
    pub fn stripes_of(&self, group: u64, series: &[u32]) -> Option<OpenStripes> {
        let state = self.lock();
        let (file, found) = (state.file.clone()?, state.groups.get(&group)?);
        let numbers = series.iter().map(|s| state.numbers.get(*s as usize).copied().filter(|n| *n > 0).map(|n| n - 1)).collect();
        Some(OpenStripes { file, stripes: found.stripes.clone(), numbers })
    }

    /// The head's numbers of the series that have stripes here.
    pub fn heads(&self) -> Vec<u32> {
        self.lock().heads.clone()
    }

    /// The head's series have new numbers.
    pub fn renumber(&self, number: impl Fn(u32) -> u32) {
        let mut state = self.lock();
        let State { heads, numbers, .. } = &mut *state;
        numbers.clear();
        for (own, head) in heads.iter_mut().enumerate() {
            *head = number(*head);
            if *head as usize >= numbers.len() {
                numbers.resize(*head as usize + 1, 0);
            }
            numbers[*head as usize] = own as u32 + 1;
        }
        numbers.shrink_to_fit();
    }

    /// Bytes of memory for what is kept of this segment.
    pub fn size_in_memory(&self) -> usize {
        let state = self.lock();
        let groups: usize =
            state.groups.values().map(|g| g.stripes.capacity() * std::mem::size_of::<StripeRef>() + g.series.capacity() * 4 + 200).sum();
        state.numbers.capacity() * 4 + state.heads.capacity() * 4 + groups
    }

    /// Ends the segment: nothing more is appended; index and footer follow, synced. None where it holds nothing.
    pub fn seal(&self, seed: u64, labels: impl Fn(u32) -> Labels) -> io::Result<Option<(Arc<SegmentFile>, Footer)>> {
        let mut state = self.lock();
        let Some(file) = state.file.clone().filter(|_| state.stripes > 0) else {
            state.is_sealed = true;
            return Ok(None);
        };
        let (id, samples, version) = (self.id, state.samples, VERSION);
        let about = Identity { id, level: 0, oldest_input: id, newest_input: id, samples, seed, version };
        let index = state.index(seed, labels);
        let footer = seal::finish(&file.file, &index, about, state.size).inspect_err(|_| {
            state.is_broken = file.file.truncate(state.size).is_err();
        })?;
        self.disk.sync_folder(&self.folder)?;
        state.is_sealed = true;
        Ok(Some((file, footer)))
    }
}

impl State {
    fn remember(&mut self, id: u64, subgroup: u32, key: &GroupKey, mut stripe: StripeRef, new: &[u32], numbers: &[u32]) {
        stripe.ordinal = self.stripes;
        self.stripes += 1;
        self.samples += numbers.len() as u64 * u64::from(stripe.rows);
        self.min_time = Some(self.min_time.map_or(stripe.min_time, |t| t.min(stripe.min_time)));
        self.max_time = Some(self.max_time.map_or(stripe.max_time, |t| t.max(stripe.max_time)));
        for series in new {
            if *series as usize >= self.numbers.len() {
                self.numbers.resize(*series as usize + 1, 0);
            }
            self.heads.push(*series);
            self.numbers[*series as usize] = self.heads.len() as u32;
        }
        if let Some(file) = &self.file {
            file.set_checked(stripe.ordinal);
        }
        if !self.groups.contains_key(&id) {
            self.keys.push(id);
        }
        let number = self.keys.len() as u32 - 1;
        let group = self.groups.entry(id).or_insert_with(|| OpenGroup {
            number,
            subgroup,
            key: key.clone(),
            stripes: Vec::new(),
            next_row: 0,
            series: Vec::new(),
        });
        group.next_row = stripe.first_row + u64::from(stripe.rows);
        group.stripes.push(stripe);
        // Most stripes have the series of the one before.
        let unknown: Vec<u32> = numbers.iter().copied().filter(|n| group.series.binary_search(n).is_err()).collect();
        if !unknown.is_empty() {
            group.series.extend(unknown);
            group.series.sort_unstable();
        }
    }

    fn index(&self, seed: u64, labels: impl Fn(u32) -> Labels) -> SegmentIndex {
        let mut series = SeriesIndex::default();
        // Series of one group mostly follow each other: their common labels are stored once.
        let mut base_of = vec![u32::MAX; self.heads.len()];
        for id in &self.keys {
            let Some(group) = self.groups.get(id) else { continue };
            let base = series.base(&group.key.labels).unwrap_or(u32::MAX);
            group.series.iter().for_each(|number| base_of[*number as usize] = base);
        }
        let none = series.base(&Labels::empty()).unwrap_or(0);
        for (number, head) in self.heads.iter().enumerate() {
            let labels = labels(*head);
            let base = if base_of[number] == u32::MAX { none } else { base_of[number] };
            series.add(id_of(&labels, seed), &labels, base);
        }
        series.cover();
        let entry = |id: &u64| {
            let group = self.groups.get(id)?;
            let (key, series, stripes) = (group.key.clone(), group.series.clone(), group.stripes.clone());
            Some(GroupEntry { id: *id, subgroup: group.subgroup, key, next_row: group.next_row, series, stripes })
        };
        SegmentIndex::new(series, self.keys.iter().filter_map(entry).collect())
    }
}
