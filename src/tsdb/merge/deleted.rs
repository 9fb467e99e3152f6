//! Deleted samples in a merge: they are left out of the output, and series of which nothing is left with them.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use super::writer::failed;
use crate::tsdb::page::decode::{Decoder, decode};
use crate::tsdb::page::{PageColumn, State};
use crate::tsdb::segment::stripe::StripeBody;
use crate::tsdb::segment::{GroupEntry, Segment, SegmentFile, SegmentIndex};
use crate::tsdb::tombstones::{Tombstones, hides};

/// The ids of series of which no sample of these segments is left.
pub fn wholly(inputs: &[Arc<Segment>], indexes: &[Arc<SegmentIndex>], tombstones: &Tombstones) -> io::Result<HashSet<u64>> {
    let mut gone: HashSet<u64> = HashSet::new();
    let mut left: HashSet<u64> = HashSet::new();
    for (input, index) in inputs.iter().zip(indexes) {
        for group in &index.groups {
            let touched = group.series.iter().map(|series| (*series, index.series.id(*series)));
            for (series, id) in touched.filter(|(_, id)| tombstones.of(*id).is_some()).collect::<Vec<_>>() {
                gone.insert(id);
                if !left.contains(&id) && has_left(&input.file, group, series, tombstones.of(id).unwrap_or_default())? {
                    left.insert(id);
                }
            }
        }
    }
    gone.retain(|id| !left.contains(id));
    Ok(gone)
}

/// Whether a series of a group has a sample outside of these stretches.
fn has_left(file: &SegmentFile, group: &GroupEntry, series: u32, stretches: &[(i64, i64)]) -> io::Result<bool> {
    let mut decoder = Decoder::default();
    for stripe in &group.stripes {
        let head = file.stripe_head(stripe).map_err(failed)?;
        let Some(range) = head.position(series).and_then(|position| head.page_range(position)) else { continue };
        let page = file.read(stripe.pages_offset() + range.start as u64, range.len()).map_err(failed)?;
        decode(&page, head.times.len(), &mut decoder).map_err(|what| failed(file.damaged(stripe.offset, what)))?;
        let holds = |row: usize| decoder.states.get(row).is_none_or(|state| *state != State::Gap);
        if head.times.iter().enumerate().any(|(row, at)| holds(row) && !hides(stretches, *at)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes gaps of the deleted samples of a column that is the next page of this stripe.
pub fn leave_out(stretches: &[(i64, i64)], column: &mut PageColumn, body: &mut StripeBody) {
    if column.states.is_empty() {
        column.states.resize(column.floats.len(), State::Value);
    }
    let StripeBody { times, series, histograms, starts, .. } = body;
    for (state, at) in column.states.iter_mut().zip(times.iter()) {
        if hides(stretches, *at) {
            *state = State::Gap;
        }
    }
    let page = series.len() as u32;
    let is_hidden = |row: u32| times.get(row as usize).is_some_and(|at| hides(stretches, *at));
    histograms.retain(|(of, row, _)| *of != page || !is_hidden(*row));
    // A start holds from its row on, also where that row is deleted.
    if column.states.iter().all(|state| *state == State::Gap) {
        starts.retain(|(of, ..)| *of != page);
    }
}
