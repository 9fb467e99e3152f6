//! Reading the row log after a start: groups and their tails as they were, without the rows that stripes hold already.

use std::collections::HashMap;
use std::sync::Arc;

use super::Header;
use super::record::{Record, take};
use crate::model::Labels;
use crate::storage::GroupKey;
use crate::tsdb::bytes::{Damaged, Decoded, Reader};
use crate::tsdb::frame::{Frames, Step};
use crate::tsdb::limits::{SUBGROUPS_MAX, TAIL_ROWS_MAX};
use crate::tsdb::source::{Scratch, Source};
use crate::tsdb::store::{Store, lock};

/// What was found in one log file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Replayed {
    pub rows: u64,
    /// Rows that a stripe holds already.
    pub known: u64,
    /// Rows of a group between a gap and its next keyframe.
    pub lost: u64,
    /// Stretches that were no whole record, and records that made no sense.
    pub damaged: u64,
    /// What was wrong with the first of them.
    pub first_damage: Option<&'static str>,
}

/// A group as this file numbers it.
struct FileGroup {
    source: Arc<Source>,
    group: u32,
    /// A row is missing: nothing is taken until the next keyframe.
    is_broken: bool,
    /// Nothing is known of it from before this file, and no row of this file has said where it stands.
    is_new: bool,
    id: u64,
    /// The columns of this file's definition are those of the group.
    is_known: bool,
}

pub struct Replay<'a> {
    store: &'a Store,
    header: Header,
    groups: HashMap<u32, FileGroup>,
    /// For each group the rows (from, until) that sealed segments hold of this file.
    flushed: &'a HashMap<u64, Vec<(u64, u64)>>,
    scratch: Scratch,
    pub found: Replayed,
}

impl<'a> Replay<'a> {
    pub fn new(store: &'a Store, header: Header, flushed: &'a HashMap<u64, Vec<(u64, u64)>>) -> Self {
        Self { store, header, groups: HashMap::new(), flushed, scratch: store.take_scratch(), found: Replayed::default() }
    }

    pub fn file(mut self, bytes: &[u8]) -> Replayed {
        let mut frames = Frames::new(bytes, super::HEADER);
        for step in frames.by_ref() {
            let taken = match step {
                Step::Whole(_, body) => self.record(body),
                Step::Damaged => {
                    // Whose records these were is not known: every group waits for its next keyframe.
                    self.groups.values_mut().for_each(|group| group.is_broken = true);
                    Err(Damaged("a stretch that is no record"))
                }
            };
            if let Err(Damaged(what)) = taken {
                self.found.damaged += 1;
                self.found.first_damage.get_or_insert(what);
            }
        }
        // A torn end is what a power cut leaves; it is said, but it is no damage.
        self.store.give_scratch(self.scratch);
        self.found
    }

    fn record(&mut self, body: &[u8]) -> Decoded<()> {
        match take(body)? {
            Record::Group { number, id, subgroup, key, columns } => self.group(number, id, subgroup, &key, &columns),
            Record::Columns { number, first, columns } => self.columns(number, first, &columns),
            Record::Row { number, body } => self.row(number, body),
            Record::Metadata { family, metadata } => {
                let mut known = self.store.metadata.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                known.insert(family.to_owned(), metadata);
                Ok(())
            }
            Record::Standings(standings) => {
                lock(&self.store.standings).extend(standings.into_iter().map(|s| (s.group, s)));
                Ok(())
            }
        }
    }

    fn group(&mut self, number: u32, id: u64, subgroup: u32, key: &GroupKey, columns: &[Labels]) -> Decoded<()> {
        let full = |_| Damaged("more series than the store takes");
        let source = self.store.source(key).map_err(full)?;
        // Replay is no writer.
        source.writers.fetch_sub(1, std::sync::atomic::Ordering::AcqRel);
        if subgroup as usize >= SUBGROUPS_MAX || source.group_id(subgroup) != id {
            return Err(Damaged("a group that is not its source's"));
        }
        let series = self.series(&source, columns)?;
        let mut state = lock(&source.state);
        while state.groups.len() <= subgroup as usize {
            source.open_group(&mut state, self.store);
        }
        let group = &mut state.groups[subgroup as usize];
        let is_continued =
            group.columns.len() <= series.len() && group.columns.iter().zip(&series).all(|(column, series)| column.series == *series);
        if !is_continued {
            // An earlier run knew the group with other columns: what it left is put away first.
            self.store.flush(group, &source.key, &mut self.scratch).map_err(|_| unflushed(self.store))?;
            let (next_row, last_time) = (group.next_row, group.last_time);
            *group = crate::tsdb::group::Group::new(id, subgroup, self.store.options.sizes.stripe_rows);
            (group.next_row, group.last_time) = (next_row, last_time);
        }
        for series in series.iter().skip(group.columns.len()) {
            group.add_column(*series);
        }
        let is_broken = group.columns.iter().all(|column| !column.has_codes()) && group.times.is_empty() && !is_continued_run(group);
        drop(state);
        self.groups.insert(number, FileGroup { source, group: subgroup, is_broken, is_new: is_broken, id, is_known: true });
        Ok(())
    }

    fn series(&self, source: &Arc<Source>, columns: &[Labels]) -> Decoded<Vec<u32>> {
        let one = |labels: &Labels| {
            let (series, owner) = self
                .store
                .series(labels, source.number, source.base.load(std::sync::atomic::Ordering::Acquire))
                .map_err(|_| Damaged("more series than the store takes"))?;
            if owner.is_some() {
                self.store.claim(series, source.number, false);
            }
            Ok(series)
        };
        columns.iter().map(one).collect()
    }

    fn columns(&mut self, number: u32, first: u32, columns: &[Labels]) -> Decoded<()> {
        let known = self.groups.get_mut(&number).ok_or(Damaged("columns of a group that was not defined"))?;
        let (source, at) = (known.source.clone(), known.group as usize);
        if lock(&source.state).groups[at].columns.len() != first as usize {
            known.is_known = false;
            return Err(Damaged("definitions of columns are missing"));
        }
        let series = self.series(&source, columns)?;
        let mut state = lock(&source.state);
        let group = &mut state.groups[at];
        series.iter().for_each(|series| {
            group.add_column(*series);
        });
        Ok(())
    }

    fn row(&mut self, number: u32, mut body: Reader<'_>) -> Decoded<()> {
        let known = self.groups.get_mut(&number).filter(|g| g.is_known).ok_or(Damaged("a row of a group that was not defined"))?;
        let mut state = lock(&known.source.state);
        let group = &mut state.groups[known.group as usize];
        let code = &mut self.scratch.code;
        let coder = |column: u32| group.columns.get(column as usize).map(|c| c.coder());
        let follows = code.take(&mut body, group.last_time, group.next_row, coder);
        if code.is_completion && known.is_new {
            // Completes a row of a file that was cut when a stripe had taken the row, this part with it. A keyframe follows.
            self.found.known += 1;
            return Ok(());
        }
        let follows = follows.inspect_err(|_| known.is_broken = true)?;
        if !code.is_keyframe && (known.is_broken || !follows) {
            known.is_broken = true;
            self.found.lost += 1;
            return Ok(());
        }
        if code.is_keyframe && code.number < group.next_row && !group.times.is_empty() {
            return Err(Damaged("a row comes a second time"));
        }
        if code.is_keyframe && (known.is_broken || code.number != group.next_row) {
            complete_gaps(group, code);
        }
        (known.is_broken, known.is_new) = (false, false);
        let number = code.number;
        let keep = !self.flushed.get(&known.id).is_some_and(|ranges| ranges.iter().any(|(from, until)| (*from..*until).contains(&number)));
        self.found.rows += 1;
        self.found.known += u64::from(!keep);
        // A tail holds rows that follow each other: one that a stripe holds ends it.
        let is_full = group.times.len() >= self.store.options.sizes.stripe_rows;
        let is_cut = !keep || number != group.next_row;
        if !code.is_completion && !group.times.is_empty() && (is_full || is_cut) {
            let code = std::mem::take(code);
            let flushed = self.store.flush(group, &known.source.key, &mut self.scratch);
            self.scratch.code = code;
            // On a full disk a tail may grow; but it cannot jump over rows.
            if is_cut || group.times.len() >= TAIL_ROWS_MAX {
                flushed.map_err(|_| unflushed(self.store))?;
            }
        }
        let keep = keep && !(self.scratch.code.is_completion && group.times.is_empty());
        if keep && group.times.is_empty() {
            group.tail_log_file = self.header.number;
        }
        group.apply(&self.scratch.code, 0, keep);
        self.store.newest_time.fetch_max(group.last_time, std::sync::atomic::Ordering::AcqRel);
        Ok(())
    }
}

/// Rows stay in the log that is there: it must outlive this process.
fn unflushed(store: &Store) -> Damaged {
    store.log.keep_all();
    Damaged("the disk takes no stripes")
}

/// The group went on from an earlier file of the same run of numbers.
fn is_continued_run(group: &crate::tsdb::group::Group) -> bool {
    group.next_row > 0 && group.live.count() > 0
}

/// A keyframe says all that is live: what it does not name is not.
fn complete_gaps(group: &crate::tsdb::group::Group, code: &mut crate::tsdb::row::RowCode) {
    let mut seen = crate::tsdb::bits::Bits::default();
    code.changed.iter().for_each(|changed| seen.set(changed.column));
    code.gaps = group.live.without(&seen).collect();
}
