//! Taking a row: which cells go to which group, which are refused, then log first, memory after.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::group::{Group, Meeting, NO_START, Place};
use super::limits::SUBGROUPS_MAX;
use super::log::record::{put_columns, put_group, put_row};
use super::source::{Scratch, Slot, Source, State};
use super::store::{Contested, Store, lock};
use crate::model::{Labels, Value};
use crate::storage::{AppendError, Column, Rejected, Row, RowReport};

mod late;

/// Groups with fewer live columns are not worth a second time column.
const SPLIT_FROM: usize = 8;
/// A keyframe at least so often, in rows.
const KEYFRAME_ROWS: u64 = 1024;

/// One commit on its way.
struct Commit<'a> {
    store: &'a Arc<Store>,
    source: &'a Source,
    row: &'a Row,
    report: RowReport,
    /// What must be synced before this is durable.
    written: u64,
    /// Cells that were taken out of order.
    late: usize,
    /// The whole row lies further behind than is taken without an out-of-order window.
    is_beyond: bool,
}

impl Source {
    pub fn commit(&self, store: &Arc<Store>, row: &Row) -> Result<RowReport, AppendError> {
        store.check_writable()?;
        let mut scratch = store.take_scratch();
        let mut commit = Commit { store, source: self, row, report: RowReport::default(), written: 0, late: 0, is_beyond: false };
        let done = commit.run(&mut lock(&self.state), &mut scratch);
        store.give_scratch(scratch);
        done?;
        if store.options.sync_interval.0 == 0 && (commit.written > 0 || commit.late > 0) {
            let late = if commit.late > 0 { store.sync_open() } else { Ok(()) };
            late.and_then(|()| store.log.sync_to(commit.written))
                .map_err(|error| store.stop_writing("syncing the row log", &error, false))?;
        }
        commit.count();
        Ok(commit.report)
    }
}

impl Commit<'_> {
    fn run(&mut self, state: &mut State, scratch: &mut Scratch) -> Result<(), AppendError> {
        if let Some(why) = self.refused_whole() {
            self.report.rejected.extend(self.row.cells.iter().map(|cell| (cell.column, why)));
            return Ok(());
        }
        scratch.late.clear();
        scratch.moved.clear();
        if self.place_all(state, scratch) {
            self.commit_group(state, 0, scratch)?;
        } else {
            self.place(state, scratch)?;
            self.commit_places(state, scratch)?;
        }
        if !scratch.moved.is_empty() {
            self.move_cells(state, scratch);
            self.commit_places(state, scratch)?;
            for cell in scratch.moved.drain(..) {
                let series = state.series_of(self.row.cells[cell as usize].column.0);
                self.out_of_order(&mut scratch.late, cell, series);
            }
        }
        if !scratch.late.is_empty() {
            self.commit_late(state, scratch)?;
        }
        self.keep_exemplars(state);
        Ok(())
    }

    fn count(&self) {
        let metrics = &self.store.metrics;
        let histograms = self.row.cells.iter().filter(|cell| matches!(cell.value, Value::Histogram(_))).count();
        let accepted = self.report.accepted as u64;
        metrics.appended_histograms.add((histograms as u64).min(accepted));
        metrics.appended_floats.add(accepted.saturating_sub(histograms as u64));
        metrics.late.add(if self.is_beyond { accepted } else { self.late as u64 });
        for (_, why) in &self.report.rejected {
            match why {
                Rejected::OutOfOrder => metrics.out_of_order.inc(),
                Rejected::Duplicate => metrics.duplicates.inc(),
                Rejected::OutOfBounds | Rejected::TooFarAhead => metrics.out_of_bounds.inc(),
                Rejected::TooOld => metrics.too_old.inc(),
            }
        }
    }

    /// The usual row: known columns of the only group, ascending. False, without a place for any, where it is another.
    fn place_all(&self, state: &State, scratch: &mut Scratch) -> bool {
        scratch.group.clear();
        let Some(last) = self.row.cells.last() else { return false };
        let is_usual = state.slots.is_in_order()
            && (last.column.0 as usize) < state.first_group()
            && self.row.cells.is_sorted_by(|a, b| a.column < b.column);
        if is_usual {
            scratch.group.extend(self.row.cells.iter().zip(0..).map(|(cell, at)| Place { column: cell.column.0, cell: at }));
        }
        is_usual
    }

    /// Finds each cell's place; columns written for the first time get one.
    fn place(&mut self, state: &mut State, scratch: &mut Scratch) -> Result<(), AppendError> {
        scratch.places.clear();
        scratch.pending.clear();
        for (at, cell) in self.row.cells.iter().enumerate() {
            match state.slot(cell.column.0) {
                Some(Slot::In { group, column }) => scratch.places.push((group, Place { column, cell: at as u32 })),
                Some(Slot::Pending(_)) => scratch.pending.push(at as u32),
                None | Some(Slot::Free) => {
                    return Err(AppendError::Limit(format!("column {} was not given out by this writer", cell.column.0)));
                }
            }
        }
        if !scratch.pending.is_empty() {
            let group = self.group_for_new(state, scratch.places.first().map(|(group, _)| *group));
            self.place_pending(state, scratch, group);
        }
        sort(&mut scratch.places);
        Ok(())
    }

    /// The group that columns written for the first time go to: that of the row's other cells, or one that this row fits.
    fn group_for_new(&self, state: &mut State, of_others: Option<u32>) -> u32 {
        let at = self.row.at.0;
        if let Some(group) = of_others.filter(|group| state.groups[*group as usize].meets(at) != Meeting::Late) {
            return group;
        }
        if let Some(open) = state.groups.iter().position(|g| g.meets(at) == Meeting::Completes) {
            return open as u32;
        }
        let fits = |g: &Group| g.meets(at) == Meeting::Opens;
        match state.groups.first() {
            Some(first) if fits(first) && first.live.count() < SPLIT_FROM => return 0,
            _ => {}
        }
        self.empty_group(state)
    }

    /// A group without live columns that a row of this time can open; a new one if there is none.
    fn empty_group(&self, state: &mut State) -> u32 {
        let at = self.row.at.0;
        let fits = |g: &Group| g.meets(at) == Meeting::Opens;
        let ended = state.groups.iter().position(|g| fits(g) && g.next_row > 0 && g.live.count() == 0);
        if let Some(ended) = ended {
            return ended as u32;
        }
        if state.groups.len() >= SUBGROUPS_MAX
            && let Some(any) = state.groups.iter().position(fits)
        {
            self.store.metrics.limits_hit.inc();
            return any as u32;
        }
        // A group of this number may have stood at a later time in an earlier run.
        loop {
            let number = self.source.open_group(state, self.store);
            if fits(&state.groups[number as usize]) {
                return number;
            }
        }
    }

    fn place_pending(&self, state: &mut State, scratch: &mut Scratch, group: u32) {
        let first = state.first_group() as u32;
        let numbers = || scratch.pending.iter().map(|cell| self.row.cells[*cell as usize].column.0);
        let in_order = group == 0 && state.slots.is_in_order() && numbers().zip(first..).all(|(number, expected)| number == expected);
        for cell in &scratch.pending {
            let number = self.row.cells[*cell as usize].column.0;
            let Some(series) = state.series_of(number) else { continue };
            if !in_order {
                // The order is written down before the first group grows.
                let before = state.first_group();
                state.slots.set(number, Slot::Pending(series), before);
            }
        }
        let mut contested = Vec::new();
        for cell in &scratch.pending {
            let number = self.row.cells[*cell as usize].column.0;
            let series = if in_order { state.slots.get(first, first as usize).and_then(pending) } else { state.series_of(number) };
            let Some(series) = series else { continue };
            let column = state.groups[group as usize].add_column(series);
            if in_order {
                state.slots.advance(1);
            } else {
                let count = state.first_group();
                state.slots.set(number, Slot::In { group, column }, count);
            }
            if state.has_contested {
                contested.push(series);
            }
            scratch.places.push((group, Place { column, cell: *cell }));
        }
        if !contested.is_empty() {
            let known = lock(&self.store.contested);
            for column in &mut state.groups[group as usize].columns {
                column.set_contested(column.is_contested() || known.contains_key(&column.series));
            }
        }
    }

    fn commit_places(&mut self, state: &mut State, scratch: &mut Scratch) -> Result<(), AppendError> {
        let places = std::mem::take(&mut scratch.places);
        let mut done = Ok(());
        for of_group in places.chunk_by(|a, b| a.0 == b.0) {
            scratch.group.clear();
            scratch.group.extend(of_group.iter().map(|(_, place)| *place));
            done = self.commit_group(state, of_group[0].0, scratch);
            if done.is_err() {
                break;
            }
        }
        scratch.places = places;
        scratch.places.clear();
        done
    }

    fn commit_group(&mut self, state: &mut State, number: u32, scratch: &mut Scratch) -> Result<(), AppendError> {
        let at = self.row.at.0;
        let has_contested = state.has_contested;
        let groups = state.groups.len();
        let group = &mut state.groups[number as usize];
        if has_contested {
            self.check_contested(group, scratch);
        }
        let meeting = group.meets(at);
        match meeting {
            Meeting::Opens if groups < SUBGROUPS_MAX && is_disjoint(group, &scratch.group) => {
                scratch.moved.extend(scratch.group.iter().map(|place| place.cell));
                return Ok(());
            }
            Meeting::Opens => {
                self.look_up_sealed(group, &scratch.group);
                if !group.sealed_lasts.is_empty() {
                    self.check_late(group, meeting, scratch);
                }
                if group.times.len() >= group.stripe_rows {
                    self.store.flush(group, &self.source.key, scratch)?;
                    state.drop_lookup();
                }
            }
            Meeting::Completes | Meeting::Late => {
                self.look_up_sealed(group, &scratch.group);
                self.check_late(group, meeting, scratch);
            }
        }
        if scratch.group.is_empty() {
            return Ok(());
        }
        let group = &mut state.groups[number as usize];
        let sequence = self.write(group, meeting, scratch, &state.slots)?;
        group.apply(&scratch.code, sequence, true);
        self.report.accepted += scratch.group.len();
        self.store.versions.touch(at, sequence);
        self.store.newest_time.fetch_max(at, Ordering::AcqRel);
        Ok(())
    }

    /// What sealed segments know of columns whose last time this process does not know: those of an earlier run.
    fn look_up_sealed(&self, group: &mut Group, places: &[Place]) {
        let at = self.row.at.0;
        let segments = self.store.segments();
        if segments.sealed.iter().all(|segment| segment.footer.max_time < at) {
            return;
        }
        for place in places {
            if group.last_time_of(place.column).is_some() {
                continue;
            }
            let id = super::store::read(&self.store.head).index.id(group.columns[place.column as usize].series);
            if let Some(last) = super::batch::sealed_last(self.store, id, at) {
                group.sealed_lasts.insert(place.column, last);
            }
        }
    }

    /// Takes out what is refused, what is there already, and what must go to another group.
    fn check_late(&mut self, group: &Group, meeting: Meeting, scratch: &mut Scratch) {
        if meeting == Meeting::Late {
            self.store.metrics.clock_backwards.inc();
        }
        let Scratch { group: places, moved, late, .. } = scratch;
        let (at, cells) = (self.row.at.0, &self.row.cells);
        places.retain(|place| {
            let cell = &cells[place.cell as usize];
            match group.check_late(place.column, at, &cell.value) {
                Ok(true) => self.report.accepted += 1,
                Ok(false) if meeting != Meeting::Late => return true,
                Ok(false) => moved.push(place.cell),
                Err(Rejected::OutOfOrder) => self.out_of_order(late, place.cell, Some(group.columns[place.column as usize].series)),
                Err(why) => self.report.rejected.push((cell.column, why)),
            }
            false
        });
    }

    /// The checked path of series that several sources claim. A cell that moves to another group of its source comes here twice.
    fn check_contested(&mut self, group: &mut Group, scratch: &mut Scratch) {
        let mut contested = lock(&self.store.contested);
        let (at, own, cells) = (self.row.at.0, self.source.number, &self.row.cells);
        let Scratch { group: places, late, .. } = scratch;
        places.retain(|place| {
            let column = &mut group.columns[place.column as usize];
            let cell = &cells[place.cell as usize];
            let Some(known) = contested.get_mut(&column.series).filter(|_| column.is_contested()) else { return true };
            let bits = if let Value::Float(float) = cell.value { Some(float.to_bits()) } else { None };
            if known.last_source != own {
                if cell.value.is_stale() {
                    // A claimant's end does not end what another keeps alive.
                    return false;
                }
                if at < known.last_time {
                    self.out_of_order(late, place.cell, Some(column.series));
                    return false;
                }
                if at == known.last_time {
                    match bits.is_some() && bits == known.last_bits {
                        true => self.report.accepted += 1,
                        false => self.report.rejected.push((cell.column, Rejected::Duplicate)),
                    }
                    return false;
                }
            }
            if known.is_handover {
                column.set_contested(false);
                contested.remove(&column.series);
            } else if at > known.last_time {
                *known = Contested { last_time: at, last_bits: bits, last_source: own, is_handover: false };
            }
            true
        });
    }

    /// Gives cells that do not fit their group's times a column in another group.
    fn move_cells(&self, state: &mut State, scratch: &mut Scratch) {
        let at = self.row.at.0;
        let of = |state: &State, cell: u32| match state.slot(self.row.cells[cell as usize].column.0) {
            Some(Slot::In { group, column }) => Some((group, column)),
            _ => None,
        };
        let from: Vec<u32> = scratch.moved.iter().filter_map(|cell| of(state, *cell)).map(|(group, _)| group).collect();
        let is_other = |number: usize| !from.contains(&(number as u32));
        let open = state.groups.iter().enumerate().position(|(n, g)| n > 0 && is_other(n) && g.meets(at) == Meeting::Completes);
        let target = match open {
            Some(open) => open as u32,
            None => self.empty_group(state),
        };
        // A series that was here before takes its column again: a group never has two of one series.
        let columns = state.groups[target as usize].columns.iter().enumerate();
        let before: HashMap<u32, u32> = columns.map(|(number, column)| (column.series, number as u32)).collect();
        for cell in std::mem::take(&mut scratch.moved) {
            let Some((group, column)) = of(state, cell) else { continue };
            let old = &state.groups[group as usize].columns[column as usize];
            let (series, is_contested) = (old.series, old.is_contested());
            let grown = usize::from(target == 0 && !before.contains_key(&series));
            let moved = before.get(&series).copied().unwrap_or_else(|| state.groups[target as usize].add_column(series));
            state.groups[target as usize].columns[moved as usize].set_contested(is_contested);
            let count = state.first_group() - grown;
            state.slots.set(self.row.cells[cell as usize].column.0, Slot::In { group: target, column: moved }, count);
            scratch.places.push((target, Place { column: moved, cell }));
        }
        sort(&mut scratch.places);
    }

    /// Spells the row and writes it to the log. What comes back is its sequence.
    fn write(
        &mut self,
        group: &mut Group,
        meeting: Meeting,
        scratch: &mut Scratch,
        slots: &super::source::Slots,
    ) -> Result<u64, AppendError> {
        let cells = &self.row.cells;
        loop {
            let number = self.store.log.number();
            let is_first = group.log_file != number || group.needs_keyframe;
            // A tail's first row is one: a start reads no further back.
            let is_due = is_first || group.times.is_empty() || group.next_row.is_multiple_of(KEYFRAME_ROWS);
            let is_keyframe = meeting == Meeting::Opens && is_due;
            group.begin(meeting, self.row.at.0, is_keyframe, &mut scratch.code);
            group.spell(meeting, &scratch.group, |cell| &cells[cell as usize].value, &mut scratch.code, &mut scratch.seen);
            self.spell_starts(group, scratch, slots);
            let definitions = self.definitions(group, number);
            let mut log = self.store.log.lock();
            if log.number() != number {
                continue;
            }
            scratch.frames.clear();
            if group.log_file != number {
                group.log_number = log.new_group();
                put_group(&mut scratch.frames, group.log_number, group.id, group.subgroup, &self.source.key, definitions.iter());
            } else if !definitions.is_empty() {
                put_columns(&mut scratch.frames, group.log_number, group.log_columns as u32, definitions.iter());
            }
            put_row(&mut scratch.frames, group.log_number, &scratch.code, group.last_time, group.columns.len());
            let appended = log.append(&scratch.frames, is_keyframe && is_first);
            self.written = appended.map_err(|error| self.store.stop_writing("writing the row log", &error, true))?;
            self.store.metrics.log_bytes.add(scratch.frames.len() as u64);
            group.needs_keyframe = meeting != Meeting::Opens && is_first;
            (group.log_file, group.log_columns) = (number, group.columns.len());
            if group.times.is_empty() {
                group.tail_log_file = number;
            }
            let sequence = self.store.sequence.load(Ordering::Relaxed) + 1;
            self.store.sequence.store(sequence, Ordering::Release);
            if log.is_full()
                && let Err(error) = log.rotate(self.store.newest_time.load(Ordering::Acquire))
            {
                self.store.stop_writing("starting a file of the row log", &error, true);
            }
            return Ok(sequence);
        }
    }

    /// Label sets that the log file does not know yet.
    fn definitions(&self, group: &Group, log_file: u64) -> Vec<Labels> {
        let known = if group.log_file == log_file { group.log_columns } else { 0 };
        if known == group.columns.len() {
            return Vec::new();
        }
        let head = super::store::read(&self.store.head);
        group.columns[known..].iter().map(|column| head.index.labels(column.series)).collect()
    }

    fn spell_starts(&self, group: &Group, scratch: &mut Scratch, slots: &super::source::Slots) {
        if self.row.starts.is_empty() && group.last_starts.is_empty() {
            return;
        }
        if scratch.code.is_keyframe {
            // A reader that begins here knows nothing of before.
            let known = group.last_starts.iter().filter(|(_, start)| **start != NO_START);
            scratch.code.starts.extend(known.map(|(column, start)| (*column, *start)));
            scratch.code.starts.sort_unstable();
        }
        let mut stated = Vec::new();
        for (column, start) in &self.row.starts {
            if let Some(Slot::In { group: number, column }) = slots.get(column.0, group.columns.len().max(column.0 as usize + 1))
                && number == group.subgroup
                && (column as usize) < group.columns.len()
            {
                stated.push(column);
                if group.last_starts.get(&column) != Some(&start.0) {
                    scratch.code.starts.push((column, start.0));
                }
            }
        }
        let known = |column: &u32| group.last_starts.get(column).is_some_and(|start| *start != NO_START);
        if stated.iter().filter(|column| known(column)).count() < group.last_starts.values().filter(|start| **start != NO_START).count() {
            // A sample that comes without a start has none, whatever the one before had.
            stated.sort_unstable();
            let without = scratch.group.iter().map(|place| place.column);
            let without = without.filter(|column| known(column) && stated.binary_search(column).is_err());
            scratch.code.starts.extend(without.map(|column| (column, NO_START)));
        }
    }

    fn keep_exemplars(&self, state: &State) {
        if self.row.exemplars.is_empty() {
            return;
        }
        let mut exemplars = lock(&self.store.exemplars);
        for (Column(number), exemplar) in &self.row.exemplars {
            if let Some(series) = state.series_of(*number) {
                exemplars.push(series, self.row.at, exemplar.clone());
            }
        }
    }
}

fn pending(slot: Slot) -> Option<u32> {
    match slot {
        Slot::Pending(series) => Some(series),
        Slot::In { .. } | Slot::Free => None,
    }
}

/// Ascending by group and column; of two cells for one column the first stays.
fn sort(places: &mut Vec<(u32, Place)>) {
    let key = |p: &(u32, Place)| (p.0, p.1.column);
    if !places.is_sorted_by(|a, b| key(a) < key(b)) {
        places.sort_by_key(key);
        places.dedup_by_key(|p| key(p));
    }
}

/// None of a wide group's live columns is in the row: these series have times of their own.
fn is_disjoint(group: &Group, places: &[Place]) -> bool {
    group.next_row > 0 && places.iter().all(|place| !group.live.get(place.column)) && group.live.count() >= SPLIT_FROM
}
