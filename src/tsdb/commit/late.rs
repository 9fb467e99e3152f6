//! Samples behind their series' newest: refused as Prometheus refuses them, or, within the out-of-order window, written at once
//! as a stripe of one row in the open segment, where they are durable and found without ever being in a tail.
//!
//! All late rows of a source make one further group of it. Its stripes carry the commit's sequence in place of a row's number, so
//! that a snapshot knows which of them came after it; merges put stripes that follow each other together, as everywhere.

use std::sync::atomic::Ordering;

use super::Commit;
use crate::model::Value;
use crate::storage::{AppendError, Rejected};
use crate::tsdb::page::{PageColumn, State as RowState, encode};
use crate::tsdb::source::{LATE, Scratch, State};
use crate::tsdb::store::Store;

impl Commit<'_> {
    /// Why no cell of the row is taken, whatever its series: it is older than the store keeps, or than it still takes.
    pub(super) fn refused_whole(&mut self) -> Option<Rejected> {
        let (at, window) = (self.row.at.0, window(self.store));
        if at < self.store.clock.now().0.saturating_sub(self.store.options.retention_time.0) {
            return Some(if window > 0 { Rejected::TooOld } else { Rejected::OutOfBounds });
        }
        let newest = self.store.newest_time.load(Ordering::Acquire);
        let bounds = self.store.options.bounds?.0;
        if at >= newest.saturating_sub(bounds) {
            return None;
        }
        if window > 0 && at >= newest.saturating_sub(window) {
            self.is_beyond = true;
            return None;
        }
        Some(if window > 0 { Rejected::TooOld } else { Rejected::OutOfBounds })
    }

    /// A cell behind its series' newest sample: refused, or kept for [`Self::commit_late`].
    pub(super) fn out_of_order(&mut self, late: &mut Vec<(u32, u32)>, cell: u32, series: Option<u32>) {
        let (column, window) = (self.row.cells[cell as usize].column, window(self.store));
        let newest = self.store.newest_time.load(Ordering::Acquire);
        match series {
            Some(series) if window > 0 && self.row.at.0 >= newest.saturating_sub(window) => late.push((cell, series)),
            _ if window > 0 => self.report.rejected.push((column, Rejected::TooOld)),
            _ => self.report.rejected.push((column, Rejected::OutOfOrder)),
        }
    }

    /// Writes the late cells of the row.
    pub(super) fn commit_late(&mut self, state: &mut State, scratch: &mut Scratch) -> Result<(), AppendError> {
        scratch.late.sort_unstable_by_key(|(_, series)| *series);
        scratch.late.dedup_by_key(|(_, series)| *series);
        self.fill_stripe(scratch);
        state.has_late = true;
        let sequence = {
            // Held while the row is written, so that no snapshot has its sequence without the row.
            let _log = self.store.log.lock();
            let sequence = self.store.sequence.load(Ordering::Relaxed) + 1;
            scratch.stripe.first_row = sequence;
            self.store.append_stripe(self.source.group_id(LATE), LATE, &self.source.key, &scratch.stripe)?;
            self.store.sequence.store(sequence, Ordering::Release);
            sequence
        };
        self.store.late_unsynced.store(true, Ordering::Release);
        self.late = scratch.late.len();
        self.report.accepted += self.late;
        self.store.versions.touch(self.row.at.0, sequence);
        Ok(())
    }

    fn fill_stripe(&self, scratch: &mut Scratch) {
        let Scratch { late, page, stripe, .. } = scratch;
        stripe.clear();
        (stripe.part, stripe.has_more) = (0, false);
        stripe.times.push(self.row.at.0);
        for (position, (cell, series)) in (0u32..).zip(late.iter()) {
            let cell = &self.row.cells[*cell as usize];
            if let Value::Histogram(histogram) = &cell.value {
                stripe.histograms.push((position, 0, histogram.clone()));
            }
            if let Some((_, start)) = self.row.starts.iter().find(|(column, _)| *column == cell.column) {
                stripe.starts.push((position, 0, start.0));
            }
            fill_page(page, &cell.value);
            let start = stripe.pages.len();
            encode(page, &mut stripe.pages);
            stripe.series.push(*series);
            stripe.lengths.push((stripe.pages.len() - start) as u32);
        }
    }
}

fn fill_page(page: &mut PageColumn, value: &Value) {
    page.clear();
    match value {
        Value::Float(float) => {
            page.floats.push(*float);
            page.states.extend(value.is_stale().then_some(RowState::Stale));
        }
        Value::Histogram(_) => {
            page.floats.push(0.0);
            page.states.push(RowState::Histogram);
        }
    }
}

fn window(store: &Store) -> i64 {
    store.out_of_order_window.load(Ordering::Acquire)
}
