//! A source: one target, rule or sender. It has one group, and further ones where its series do not share their times.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use xxhash_rust::xxh64::Xxh64;

use super::bits::Bits;
use super::group::{Group, Place};
use super::limits::COLUMNS_MAX;
use super::page::PageColumn;
use super::row::RowCode;
use super::segment::stripe::StripeBody;
use super::store::{Contested, Store, lock};
use super::texts::put_key;
use crate::model::Labels;
use crate::storage::{AppendError, Column, GroupKey};

/// In place of a subgroup: the group of rows that came late. Its stripes are never in a tail or the log.
pub const LATE: u32 = u32::MAX;

/// Where a column handed out to writers really is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Not given out at present.
    Free,
    /// Not written yet: the series.
    Pending(u32),
    In {
        group: u32,
        column: u32,
    },
}

/// Columns by the number that writers know them under. As long as there is one group and its columns came in that order, nothing is stored.
#[derive(Default)]
pub struct Slots {
    explicit: Option<Vec<Slot>>,
    pending: Vec<u32>,
    /// Which of `explicit` are free.
    free: Vec<u32>,
}

impl Slots {
    pub fn len(&self, first_group: usize) -> usize {
        self.explicit.as_ref().map_or(first_group + self.pending.len(), Vec::len)
    }

    pub fn get(&self, number: u32, first_group: usize) -> Option<Slot> {
        match &self.explicit {
            Some(slots) => slots.get(number as usize).copied(),
            None if (number as usize) < first_group => Some(Slot::In { group: 0, column: number }),
            None => self.pending.get(number as usize - first_group).map(|series| Slot::Pending(*series)),
        }
    }

    /// A number for a new column: one that was given back, or the next.
    pub fn give_out(&mut self, series: u32, first_group: usize) -> u32 {
        if let (Some(slots), Some(number)) = (&mut self.explicit, self.free.pop()) {
            slots[number as usize] = Slot::Pending(series);
            return number;
        }
        let number = self.len(first_group) as u32;
        self.push_pending(series);
        number
    }

    pub fn push_pending(&mut self, series: u32) {
        match &mut self.explicit {
            Some(slots) => slots.push(Slot::Pending(series)),
            None => self.pending.push(series),
        }
    }

    /// Writes down the places that order gave so far.
    pub fn spell_out(&mut self, first_group: usize) -> &mut Vec<Slot> {
        let Self { explicit, pending, .. } = self;
        explicit.get_or_insert_with(|| {
            let known = (0..first_group as u32).map(|column| Slot::In { group: 0, column });
            known.chain(pending.drain(..).map(Slot::Pending)).collect()
        })
    }

    /// Changes every place that is written down.
    pub fn renumber(&mut self, change: impl Fn(Slot) -> Slot) {
        for slot in self.explicit.iter_mut().flatten() {
            *slot = change(*slot);
        }
        for series in &mut self.pending {
            if let Slot::Pending(number) = change(Slot::Pending(*series)) {
                *series = number;
            }
        }
        let slots = self.explicit.iter().flatten().enumerate();
        self.free = slots.filter(|(_, slot)| **slot == Slot::Free).map(|(number, _)| number as u32).collect();
    }

    /// Series of columns that were not written yet.
    pub fn pending(&self) -> impl Iterator<Item = u32> + '_ {
        let explicit =
            self.explicit.iter().flatten().filter_map(|slot| if let Slot::Pending(series) = slot { Some(*series) } else { None });
        explicit.chain(self.pending.iter().copied())
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Stores a place that order does not give.
    pub fn set(&mut self, number: u32, slot: Slot, first_group: usize) {
        let slots = self.spell_out(first_group);
        if let Some(place) = slots.get_mut(number as usize) {
            *place = slot;
        }
    }

    /// The first pending column became the next one of the first group.
    pub fn advance(&mut self, count: usize) {
        self.pending.drain(..count);
    }

    pub fn is_in_order(&self) -> bool {
        self.explicit.is_none()
    }

    pub fn rebuild(&mut self, groups: &[Group]) {
        self.clear();
        if groups.len() > 1 {
            let of = |(number, group): (usize, &Group)| {
                (0..group.columns.len() as u32).map(move |column| Slot::In { group: number as u32, column })
            };
            self.explicit = Some(groups.iter().enumerate().flat_map(of).collect());
        }
    }

    pub fn size_bytes(&self) -> usize {
        self.explicit.as_ref().map_or(0, |s| s.capacity() * 12) + self.pending.capacity() * 4
    }
}

#[derive(Default)]
pub struct State {
    pub groups: Vec<Group>,
    pub slots: Slots,
    /// From series to the writers' column, while writers ask for columns.
    lookup: Option<HashMap<u32, u32>>,
    pub has_contested: bool,
    /// Rows that came late are in the open segment, or were.
    pub has_late: bool,
}

pub struct Source {
    pub key: GroupKey,
    pub number: u32,
    /// The index' base of the key's labels.
    pub base: AtomicU32,
    /// What ids of its groups are made from.
    hash: u64,
    pub state: Mutex<State>,
    pub writers: AtomicUsize,
}

/// Buffers of one commit.
#[derive(Default)]
pub struct Scratch {
    pub code: RowCode,
    /// Group, then where in it.
    pub places: Vec<(u32, Place)>,
    pub pending: Vec<u32>,
    pub group: Vec<Place>,
    pub moved: Vec<u32>,
    /// Cells that come out of order and are taken: which, and of which series.
    pub late: Vec<(u32, u32)>,
    pub seen: Bits,
    pub frames: Vec<u8>,
    pub page: PageColumn,
    pub codes: Vec<u8>,
    pub stripe: StripeBody,
}

impl Scratch {
    pub fn size_bytes(&self) -> usize {
        self.places.capacity() * 12 + self.frames.capacity() + self.stripe.pages.capacity() + self.code.changed.capacity() * 40
    }
}

impl Source {
    pub fn new(key: GroupKey, number: u32, base: u32) -> Self {
        let mut bytes = Vec::new();
        put_key(&mut bytes, &key);
        let mut hash = Xxh64::new(0);
        hash.update(&bytes);
        Self { key, number, base: AtomicU32::new(base), hash: hash.digest(), state: Mutex::default(), writers: AtomicUsize::new(0) }
    }

    /// The id of one of its groups.
    pub fn group_id(&self, subgroup: u32) -> u64 {
        let mut hash = Xxh64::new(self.hash);
        hash.update(&subgroup.to_le_bytes());
        hash.digest()
    }

    /// A new group, which goes on where one of the same id stood before.
    pub fn open_group(&self, state: &mut State, store: &Store) -> u32 {
        let subgroup = state.groups.len() as u32;
        let mut group = Group::new(self.group_id(subgroup), subgroup, store.options.sizes.stripe_rows);
        if let Some(standing) = lock(&store.standings).get(&group.id) {
            group.next_row = standing.next_row;
            group.last_time = standing.last_time;
        }
        state.groups.push(group);
        subgroup
    }

    /// The writers' column of a label set.
    pub fn column(&self, store: &Store, labels: &Labels) -> Result<Column, AppendError> {
        // Numbers of series must not change between the steps.
        let _numbers = super::store::read(&store.renumbering);
        if let Some(budget) = store.budget.get().filter(|_| !store.knows(labels)) {
            budget.check_series(self)?;
        }
        let (series, owner) = store.series(labels, self.number, self.base.load(Ordering::Acquire))?;
        let known = {
            let mut state = lock(&self.state);
            state.find(series).inspect(|number| state.set_retired(*number, false))
        };
        let number = match known {
            Some(number) => number,
            None => {
                let mut state = lock(&self.state);
                let first_group = state.first_group();
                if state.slots.len(first_group) >= COLUMNS_MAX {
                    store.metrics.limits_hit.inc();
                    return Err(AppendError::Limit(format!("one group has {COLUMNS_MAX} columns, which is the limit; split the target")));
                }
                let number = state.slots.give_out(series, first_group);
                state.lookup().insert(series, number);
                number
            }
        };
        if let Some(owner) = owner {
            self.contest(store, series, owner);
        }
        Ok(Column(number))
    }

    /// These columns may go once their series have ended.
    pub fn retire(&self, columns: &[Column]) {
        let mut state = lock(&self.state);
        columns.iter().for_each(|column| state.set_retired(column.0, true));
    }

    /// Another source owns the series: from now on both check each other's newest sample.
    fn contest(&self, store: &Store, series: u32, owner: u32) {
        let other = super::store::read(&store.sources).get(owner);
        let entry = other.and_then(|other| other.give_way(series));
        // An owner that is gone has nothing to say any more.
        let is_handover = entry.is_none_or(|e| e.is_handover);
        if let Some(entry) = entry {
            let mut contested = lock(&store.contested);
            let known = contested.entry(series).or_insert(entry);
            if known.last_time <= entry.last_time {
                *known = entry;
            }
            known.is_handover = is_handover;
        }
        store.claim(series, self.number, is_handover);
        lock(&self.state).mark_contested(series);
    }

    /// Marks the own column of a series as contested, and says what it last held.
    fn give_way(&self, series: u32) -> Option<Contested> {
        let mut state = lock(&self.state);
        state.find(series)?;
        state.mark_contested(series);
        let Some((group, column)) = state.place_of(series) else {
            return Some(Contested {
                last_time: i64::MIN,
                last_bits: None,
                last_source: self.number,
                is_handover: self.writers.load(Ordering::Acquire) == 0,
            });
        };
        let group = &state.groups[group as usize];
        let live = group.live.get(column);
        let last_bits = group.last_known(column);
        let last_time = group.last_time_of(column).unwrap_or(i64::MIN);
        let is_handover = self.writers.load(Ordering::Acquire) == 0 && !live;
        Some(Contested { last_time, last_bits, last_source: self.number, is_handover })
    }
}

impl State {
    pub fn first_group(&self) -> usize {
        self.groups.first().map_or(0, |g| g.columns.len())
    }

    pub fn slot(&self, number: u32) -> Option<Slot> {
        self.slots.get(number, self.first_group())
    }

    pub fn series_of(&self, number: u32) -> Option<u32> {
        match self.slot(number)? {
            Slot::Free => None,
            Slot::Pending(series) => Some(series),
            Slot::In { group, column } => Some(self.groups[group as usize].columns[column as usize].series),
        }
    }

    fn lookup(&mut self) -> &mut HashMap<u32, u32> {
        if self.lookup.is_none() {
            let count = self.slots.len(self.first_group()) as u32;
            let map = (0..count).filter_map(|number| self.series_of(number).map(|series| (series, number))).collect();
            self.lookup = Some(map);
        }
        self.lookup.get_or_insert_default()
    }

    fn find(&mut self, series: u32) -> Option<u32> {
        self.lookup().get(&series).copied()
    }

    /// Writers have their columns: the map is made again when one asks.
    pub fn drop_lookup(&mut self) {
        self.lookup = None;
    }

    fn place_of(&mut self, series: u32) -> Option<(u32, u32)> {
        let number = self.find(series)?;
        match self.slot(number)? {
            Slot::In { group, column } => Some((group, column)),
            Slot::Free | Slot::Pending(_) => None,
        }
    }

    /// Whether the column may go once its series has ended.
    pub fn set_retired(&mut self, number: u32, is_retired: bool) {
        if let Some(Slot::In { group, column }) = self.slot(number) {
            self.groups[group as usize].columns[column as usize].set_retired(is_retired);
        }
    }

    pub fn mark_contested(&mut self, series: u32) {
        self.has_contested = true;
        if let Some((group, column)) = self.place_of(series) {
            self.groups[group as usize].columns[column as usize].set_contested(true);
        }
    }
}
