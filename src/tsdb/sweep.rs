//! What churn leaves behind: columns that ended, sources without a writer, and the index entries that nothing refers to.
//! Swept after a seal, so that memory follows what is alive and not what has ever been.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::bits::Bits;
use super::flush::newest;
use super::group::Group;
use super::log::record::Standing;
use super::source::{Slot, Source, State};
use super::store::{Head, Store, lock, read};

/// Of a group's columns this share must be droppable before it is rebuilt: one in so many.
const GROUP_SHARE: usize = 8;

/// A group without a writer and without a row for so long, in milliseconds of data, has ended even if nobody said so.
const ENDED_AFTER_MS: i64 = 600_000;

/// Drops what ended, if it is due. Older snapshots find their rows through columns: while one is open, nothing is dropped.
pub fn sweep(store: &Arc<Store>) {
    if !store.sweep_due.load(Ordering::Acquire) || !lock(&store.pins).is_empty() {
        return;
    }
    let mut empty = Vec::new();
    let ended_before = store.newest_time.load(Ordering::Acquire).saturating_sub(ENDED_AFTER_MS);
    // What the open segment holds is found through columns.
    let mut in_open = Bits::default();
    newest(&store.segments().open).heads().into_iter().for_each(|series| in_open.set(series));
    for source in store.source_list() {
        let mut state = lock(&source.state);
        let is_abandoned = source.writers.load(Ordering::Acquire) == 0;
        drop_columns(&mut state, is_abandoned, ended_before, &in_open);
        if is_abandoned && state.groups.iter().all(|g| g.columns.is_empty() && g.times.is_empty()) {
            remember(store, &state.groups);
            empty.push(source.number);
        }
    }
    remove_sources(store, &empty);
    let garbage = read(&store.head).index.len().saturating_sub(used(store).count());
    let total = read(&store.head).index.len();
    let is_worth_it = garbage >= store.options.sizes.sweep_from && garbage * 4 >= total;
    store.sweep_due.store(is_worth_it && !rebuild(store), Ordering::Release);
}

fn remember(store: &Store, groups: &[Group]) {
    let mut standings = lock(&store.standings);
    for group in groups {
        standings.insert(group.id, Standing { group: group.id, next_row: group.next_row, last_time: group.last_time });
    }
}

/// A source that was emptied goes, unless a writer has come meanwhile.
fn remove_sources(store: &Store, numbers: &[u32]) {
    if numbers.is_empty() {
        return;
    }
    let mut sources = store.sources.write().unwrap_or_else(PoisonError::into_inner);
    for number in numbers {
        let is_idle = |source: &Arc<Source>| source.writers.load(Ordering::Acquire) == 0 && lock(&source.state).slots.len(0) == 0;
        if sources.get(*number).is_some_and(|source| is_idle(&source)) {
            sources.remove(*number);
        }
    }
    store.metrics.head_groups.set(sources.len() as f64);
}

/// Drops the columns of a source that ended: all of them where nobody writes any more, retired ones otherwise.
fn drop_columns(state: &mut State, is_abandoned: bool, ended_before: i64, in_open: &Bits) {
    for number in 0..state.groups.len() {
        let group = &state.groups[number];
        let is_gone = |at: usize| {
            let column = &group.columns[at];
            let is_silent = is_abandoned && group.times.is_empty() && group.last_time < ended_before;
            let has_ended = !group.live.get(at as u32) && !column.has_codes();
            !in_open.get(column.series) && (is_silent || (has_ended && (is_abandoned || column.is_retired())))
        };
        let gone: Vec<bool> = (0..group.columns.len()).map(is_gone).collect();
        let count = gone.iter().filter(|gone| **gone).count();
        if count > 0 && (count * GROUP_SHARE >= gone.len() || is_abandoned) {
            drop_from(state, number, &gone);
        }
    }
    let all_pending = state.groups.iter().all(|g| g.columns.is_empty());
    if is_abandoned && all_pending {
        state.slots.clear();
        state.drop_lookup();
    }
}

fn drop_from(state: &mut State, number: usize, gone: &[bool]) {
    state.slots.spell_out(state.groups.first().map_or(0, |g| g.columns.len()));
    let group = &mut state.groups[number];
    let mut places: Vec<Option<u32>> = Vec::with_capacity(gone.len());
    let mut kept = 0u32;
    for gone in gone {
        places.push((!gone).then_some(kept));
        kept += u32::from(!gone);
    }
    let place = |column: u32| places.get(column as usize).copied().flatten();
    let mut at = 0usize;
    group.columns.retain(|_| {
        at += 1;
        !gone[at - 1]
    });
    group.columns.shrink_to_fit();
    let mut live = Bits::default();
    group.live.without(&Bits::default()).filter_map(place).for_each(|column| live.set(column));
    group.live = live;
    let rekeyed = |map: &HashMap<u32, i64>| map.iter().filter_map(|(column, value)| Some((place(*column)?, *value))).collect();
    group.idle = rekeyed(&group.idle);
    group.last_starts = rekeyed(&group.last_starts);
    group.sealed_lasts = group.sealed_lasts.iter().filter_map(|(column, last)| Some((place(*column)?, *last))).collect();
    group.histograms.retain_mut(|(_, column, _)| place(*column).map(|to| *column = to).is_some());
    group.starts.retain_mut(|(_, column, _)| place(*column).map(|to| *column = to).is_some());
    // The log learns the new numbering with the next row.
    group.log_file = 0;
    state.slots.renumber(|slot| match slot {
        Slot::In { group, column } if group as usize == number => place(column).map_or(Slot::Free, |column| Slot::In { group, column }),
        other => other,
    });
    state.drop_lookup();
}

/// Series that anything refers to.
fn used(store: &Store) -> Bits {
    let mut used = Bits::default();
    for source in store.source_list() {
        mark_state(&lock(&source.state), &mut used);
    }
    newest(&store.segments().open).heads().into_iter().for_each(|series| used.set(series));
    lock(&store.contested).keys().for_each(|series| used.set(*series));
    lock(&store.exemplars).iter().for_each(|(series, ..)| used.set(*series));
    used
}

fn mark_state(state: &State, used: &mut Bits) {
    state.groups.iter().flat_map(|g| &g.columns).for_each(|column| used.set(column.series));
    state.slots.pending().for_each(|series| used.set(series));
}

/// Makes the index anew with only what is used. Everything that knows series by number is told, while nothing else runs.
fn rebuild(store: &Arc<Store>) -> bool {
    let _renumbering = store.renumbering.write().unwrap_or_else(PoisonError::into_inner);
    let pins = lock(&store.pins);
    if !pins.is_empty() {
        // Snapshots gave out symbols of the present index: the next round tries again.
        return false;
    }
    let sources = store.source_list();
    let mut states: Vec<_> = sources.iter().map(|source| lock(&source.state)).collect();
    let mut exemplars = lock(&store.exemplars);
    let mut contested = lock(&store.contested);
    let mut head = store.head.write().unwrap_or_else(PoisonError::into_inner);
    let open = newest(&store.segments().open);
    let mut used = Bits::default();
    states.iter().for_each(|state| mark_state(state, &mut used));
    open.heads().into_iter().for_each(|series| used.set(series));
    contested.keys().for_each(|series| used.set(*series));
    exemplars.iter().for_each(|(series, ..)| used.set(*series));
    let Some((fresh, numbers)) = copy(&head, &sources, &used) else { return false };
    let number = |series: u32| numbers.get(series as usize).copied().unwrap_or(0);
    for state in &mut states {
        state.groups.iter_mut().flat_map(|g| &mut g.columns).for_each(|column| column.series = number(column.series));
        state.slots.renumber(|slot| if let Slot::Pending(series) = slot { Slot::Pending(number(series)) } else { slot });
        state.drop_lookup();
    }
    open.renumber(number);
    exemplars.renumber(number);
    *contested = contested.iter().map(|(series, entry)| (number(*series), *entry)).collect();
    *head = fresh;
    store.metrics.head_series.set(head.index.len() as f64);
    true
}

/// The used part of the index, and each series' number in it.
fn copy(head: &Head, sources: &[Arc<Source>], used: &Bits) -> Option<(Head, Vec<u32>)> {
    let mut fresh = Head::default();
    let mut bases = HashMap::new();
    for source in sources {
        let base = fresh.index.base(&source.key.labels)?;
        bases.insert(source.number, base);
    }
    let none = fresh.index.base(&crate::model::Labels::empty())?;
    let mut numbers = vec![0u32; head.index.len()];
    for series in used.without(&Bits::default()).filter(|series| (*series as usize) < head.index.len()) {
        let home = head.homes[series as usize];
        let base = bases.get(&home).copied().unwrap_or(none);
        let number = fresh.index.add(head.index.id(series), &head.index.labels(series), base)?;
        fresh.homes.push(home);
        if let Some(away) = head.away.get(&series) {
            fresh.away.insert(number, away.clone());
        }
        numbers[series as usize] = number;
    }
    fresh.index.cover();
    for source in sources {
        source.base.store(bases.get(&source.number).copied().unwrap_or(none), Ordering::Release);
    }
    Some((fresh, numbers))
}

/// Whether more has ended than lives, so that waiting for the next seal would cost too much memory.
pub fn is_due(store: &Store) -> bool {
    let total = read(&store.head).index.len();
    if total < store.options.sizes.sweep_from * 2 {
        return false;
    }
    let live: usize =
        store.source_list().iter().map(|source| lock(&source.state).groups.iter().map(|g| g.live.count()).sum::<usize>()).sum();
    total > live * 2 && total - live >= store.options.sizes.sweep_from
}
