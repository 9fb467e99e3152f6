//! Tails to stripes: a group's rows leave memory, column by column, into the open segment.

use std::sync::Arc;

use super::group::Group;
use super::limits::STRIPE_COLUMNS_MAX;
use super::page::{State, encode};
use super::segment::OpenSegment;
use super::segment::stripe::StripeBody;
use super::source::Scratch;
use super::store::{Store, read};
use super::tail;
use crate::storage::{AppendError, GroupKey};

impl Store {
    /// Encodes the rows of a group's tail and appends them to the open segment. After an error the tail is as it was.
    pub fn flush(&self, group: &mut Group, key: &GroupKey, scratch: &mut Scratch) -> Result<(), AppendError> {
        if group.times.is_empty() {
            return Ok(());
        }
        let columns = group.columns.len() as u32;
        let mut from = 0u32;
        while from < columns {
            let until = (from + STRIPE_COLUMNS_MAX as u32).min(columns);
            encode_columns(group, from..until, scratch);
            (scratch.stripe.part, scratch.stripe.has_more) = (from / STRIPE_COLUMNS_MAX as u32, until < columns);
            self.append_stripe(group.id, group.subgroup, key, &scratch.stripe)?;
            from = until;
        }
        group.restart_tail(self.oldest_pin(), self.options.sizes.stripe_rows);
        Ok(())
    }

    pub fn append_stripe(&self, group: u64, subgroup: u32, key: &GroupKey, stripe: &StripeBody) -> Result<(), AppendError> {
        loop {
            let open = newest(&self.segments().open);
            let labels = |series: u32| read(&self.head).index.labels(series);
            let appended = open.append(group, subgroup, key, stripe, labels);
            match appended {
                Ok(Some(bytes)) => {
                    self.metrics.segment_bytes.add(bytes);
                    return Ok(());
                }
                // Sealed a moment ago: its successor is there before the seal lets go of it.
                Ok(None) => std::thread::yield_now(),
                Err(error) => return Err(self.stop_writing("writing a segment", &error, true)),
            }
        }
    }
}

impl Store {
    /// Makes everything that was written to segments durable.
    pub fn sync_open(&self) -> std::io::Result<()> {
        let mut open = Some(self.segments().open.clone());
        while let Some(segment) = open {
            segment.sync()?;
            open = segment.next.get().cloned();
        }
        Ok(())
    }
}

/// The last of a chain of segments that were open one after the other.
pub fn newest(open: &Arc<OpenSegment>) -> Arc<OpenSegment> {
    let mut newest = open.clone();
    while let Some(next) = newest.next.get() {
        newest = next.clone();
    }
    newest
}

/// Fills the scratch's stripe with a range of columns; columns that hold nothing are left out.
fn encode_columns(group: &Group, columns: std::ops::Range<u32>, scratch: &mut Scratch) {
    let Scratch { page, codes, stripe, .. } = scratch;
    stripe.clear();
    stripe.first_row = group.first_row();
    stripe.times.extend_from_slice(&group.times);
    let rows = group.times.len();
    let mut held: Vec<_> = group.histograms.iter().collect();
    held.sort_by_key(|(_, column, _)| *column);
    for number in columns {
        let column = &group.columns[number as usize];
        let live = group.live.get(number);
        if !column.has_codes() && !live {
            continue;
        }
        codes.clear();
        group.arena.read(column.chain(), codes);
        if tail::decode(codes, live.then_some(column.last()), rows, page).is_err() {
            debug_assert!(false, "a tail that this process wrote cannot be read");
            continue;
        }
        if !page.states.is_empty() && page.states.iter().all(|state| *state == State::Gap) {
            continue;
        }
        let start = stripe.pages.len();
        encode(page, &mut stripe.pages);
        let position = stripe.series.len() as u32;
        stripe.series.push(column.series);
        stripe.lengths.push((stripe.pages.len() - start) as u32);
        if page.states.contains(&State::Histogram) {
            let of_column = &held[held.partition_point(|(_, c, _)| *c < number)..held.partition_point(|(_, c, _)| *c <= number)];
            stripe.histograms.extend(of_column.iter().map(|(row, _, held)| (position, u32::from(*row), held.clone())));
        }
        if group.last_starts.contains_key(&number) {
            let of_column = group.starts.iter().filter(|(_, c, _)| *c == number);
            stripe.starts.extend(of_column.map(|(row, _, start)| (position, u32::from(*row), *start)));
        }
    }
}
