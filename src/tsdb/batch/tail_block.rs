//! Rows of a tail as a selection copies them, and how they are read.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use super::presence::Presence;
use crate::model::{Histogram, TimestampMs};
use crate::storage::{ColumnValues, SelectError};
use crate::tsdb::group::{Group, NO_START};
use crate::tsdb::page::PageColumn;
use crate::tsdb::tail;

thread_local! {
    static PAGE: RefCell<PageColumn> = RefCell::default();
}

/// One series of a tail: 32 bytes, as a selection may have a hundred thousand of them.
pub struct TailColumn {
    /// What it holds where there are no codes, if it is live.
    last: u64,
    /// Its index in the batch.
    place: u32,
    /// Where its codes begin and end among the tail's; none where no row of the batch needs them.
    codes: (u32, u32),
    /// From this row of the tail on it holds `last`.
    settled_from: u32,
    is_live: bool,
    /// It has a sample in the rows of the batch.
    pub is_sure: bool,
    /// It has a float in every row.
    is_plain: bool,
}

/// Rows that no stripe holds yet, copied when the selection was made.
pub struct TailBlock {
    pub times: Vec<i64>,
    first: usize,
    until: usize,
    codes: Vec<u8>,
    columns: Vec<TailColumn>,
    histograms: Vec<(usize, u32, Arc<Histogram>)>,
    starts: Vec<(usize, u32, i64)>,
}

impl TailBlock {
    /// `times` are those of rows `first..until` of the tail.
    pub fn new(times: &[i64], first: usize, until: usize) -> Self {
        Self { times: times.to_vec(), first, until, codes: Vec::new(), columns: Vec::new(), histograms: Vec::new(), starts: Vec::new() }
    }

    pub fn add(&mut self, place: usize, number: u32, group: &Group) {
        let column = &group.columns[number as usize];
        let is_live = group.live.get(number);
        let is_plain = is_live && !column.has_states();
        let is_newest = is_live && self.until == group.times.len();
        let is_sure = is_plain || is_newest || is_live && !column.has_codes();
        let settled_from = if is_newest { column.last_change() as u32 } else { u32::MAX };
        let start = self.codes.len() as u32;
        if settled_from as usize > self.first {
            group.arena.read(column.chain(), &mut self.codes);
        }
        let codes = (start, self.codes.len() as u32);
        self.columns.push(TailColumn { last: column.last(), place: place as u32, codes, settled_from, is_live, is_sure, is_plain });
        let of_column = group.histograms.iter().filter(|(_, c, _)| *c == number);
        self.histograms.extend(of_column.map(|(row, _, held)| (place, u32::from(*row), held.clone())));
        if group.last_starts.contains_key(&number) {
            let of_column = group.starts.iter().filter(|(_, c, _)| *c == number);
            self.starts.extend(of_column.map(|(row, _, start)| (place, u32::from(*row), *start)));
        }
    }

    /// In order of place, so that a column is found by bisection.
    pub fn settle(&mut self) {
        self.columns.sort_by_key(|column| column.place);
        self.columns.shrink_to_fit();
        self.codes.shrink_to_fit();
    }

    pub fn find(&self, place: usize) -> Option<&TailColumn> {
        let found = self.columns.binary_search_by_key(&place, |column| column.place as usize).ok()?;
        Some(&self.columns[found])
    }
}

pub fn read_tail(
    tail: &TailBlock,
    at: usize,
    (rows, wants_numbers): (Range<usize>, bool),
    into: &mut ColumnValues,
    presence: &mut Presence,
) -> Result<(), SelectError> {
    let row = into.floats.len();
    let Some(column) = tail.find(at) else {
        into.floats.resize(row + rows.len(), 0.0);
        presence.none(rows.len());
        return Ok(());
    };
    let rows = rows.start + tail.first..rows.end + tail.first;
    if rows.start >= column.settled_from as usize || (column.is_plain && !wants_numbers) {
        // The newest value is at hand: instant queries ask for no more. Where only presence counts, any float will do.
        into.floats.resize(row + rows.len(), f64::from_bits(column.last));
        presence.all(rows.len());
        let starts = tail.starts.iter().filter(|(place, ..)| *place == at).map(|(_, r, s)| (*r, *s));
        put_side(std::iter::empty(), starts, row, rows, into);
        return Ok(());
    }
    let codes = &tail.codes[column.codes.0 as usize..column.codes.1 as usize];
    let live = column.is_live.then_some(column.last);
    PAGE.with_borrow_mut(|page| {
        tail::decode(codes, live, tail.until, page).map_err(|what| SelectError::Corrupt(format!("the tail in memory: {what}")))?;
        into.floats.extend_from_slice(&page.floats[rows.clone()]);
        match page.states.get(rows.clone()) {
            Some(states) if !page.states.is_empty() => presence.states(states),
            _ => presence.all(rows.len()),
        }
        Ok(())
    })?;
    let histograms = tail.histograms.iter().filter(|(place, ..)| *place == at).map(|(_, r, h)| (*r, h));
    put_side(histograms, tail.starts.iter().filter(|(place, ..)| *place == at).map(|(_, r, s)| (*r, *s)), row, rows, into);
    Ok(())
}

/// Adds histograms and start timestamps of these rows of a block, the first of which is `row` of the answer.
pub fn put_side<'a>(
    histograms: impl Iterator<Item = (u32, &'a Arc<Histogram>)>,
    starts: impl Iterator<Item = (u32, i64)>,
    row: usize,
    rows: Range<usize>,
    into: &mut ColumnValues,
) {
    let place = |r: usize| (row + r - rows.start) as u32;
    into.histograms.extend(histograms.filter(|(r, _)| rows.contains(&(*r as usize))).map(|(r, h)| (place(r as usize), h.clone())));
    let starts: Vec<(u32, i64)> = starts.collect();
    for (at, (from, start)) in starts.iter().enumerate().filter(|(_, (_, start))| *start != NO_START) {
        let until = starts.get(at + 1).map_or(usize::MAX, |(next, _)| *next as usize);
        let held = rows.start.max(*from as usize)..rows.end.min(until);
        into.starts.extend(held.map(|r| (place(r), TimestampMs(*start))));
    }
}
