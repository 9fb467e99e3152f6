//! Gathers the samples of one page into rows: one at the scrape's time, others for samples that state their own.

use crate::exposition::Tail;
use crate::model::{Exemplar, TimestampMs};
use crate::storage::{Column, Rejected, Row};

use super::limits::AHEAD_MS_MAX;
use super::lines::Fate;

/// Whose time holds, as the job says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// When the scrape began.
    pub at: TimestampMs,
    pub honor: bool,
    /// Series with times of their own end by stale markers, too.
    pub track: bool,
}

/// A sample with a time of its own.
#[derive(Clone, Debug)]
struct Timed {
    at: TimestampMs,
    column: Column,
    value: f64,
}

/// The samples of one page. Reuse it: `clear` keeps the buffers.
#[derive(Debug, Default)]
pub(super) struct Samples {
    /// What carries the scrape's time.
    pub row: Row,
    timed: Vec<Timed>,
    timed_exemplars: Vec<(TimestampMs, Column, Exemplar)>,
    /// All sample lines.
    pub total: u64,
    /// Taken out by metric relabeling, or what the scrape failed at.
    pub dropped: u64,
    /// The same series again, at the same time.
    pub duplicates: u64,
    /// Too far in the future.
    pub out_of_bounds: u64,
    /// One of the samples that were refused here, and why.
    pub refused: Option<(Column, Rejected)>,
    /// Lines that were not there last time.
    pub new_series: u64,
}

impl Samples {
    pub(super) fn clear(&mut self, at: TimestampMs) {
        self.row.clear(at);
        self.timed.clear();
        self.timed_exemplars.clear();
        (self.total, self.dropped, self.duplicates, self.out_of_bounds, self.new_series) = (0, 0, 0, 0, 0);
        self.refused = None;
    }

    /// Samples that count towards `sample_limit`.
    pub(super) fn counted(&self) -> u64 {
        (self.row.cells.len() + self.timed.len()) as u64
    }

    /// Whether such a sample's series is to end by a stale marker.
    #[inline]
    pub(super) fn is_tracked(tail: &Tail<'_>, times: Times) -> bool {
        times.track || !times.honor || tail.at.is_none()
    }

    /// A line that the scrape fails at: it counts as scraped, not as kept.
    pub(super) fn refuse(&mut self) {
        self.total += 1;
        self.dropped += 1;
    }

    /// Takes one line's sample.
    #[inline]
    pub(super) fn take(&mut self, fate: Fate, tail: Tail<'_>, times: Times) {
        self.total += 1;
        let Some(column) = fate.column() else {
            self.dropped += 1;
            return;
        };
        match tail.at.filter(|_| times.honor) {
            None if fate.is_repeated() => {
                self.duplicates += 1;
                self.refused.get_or_insert((column, Rejected::Duplicate));
            }
            None => {
                self.row.push(column, tail.value);
                if let Some(exemplar) = tail.exemplar
                    && let Ok(exemplar) = exemplar.read()
                {
                    self.row.exemplars.push((column, exemplar));
                }
            }
            Some(at) if at.0.saturating_sub(times.at.0) > AHEAD_MS_MAX => {
                self.out_of_bounds += 1;
                self.refused.get_or_insert((column, Rejected::TooFarAhead));
            }
            Some(at) => {
                self.timed.push(Timed { at, column, value: tail.value });
                if let Some(exemplar) = tail.exemplar.and_then(|text| text.read().ok()) {
                    self.timed_exemplars.push((at, column, exemplar));
                }
            }
        }
    }

    /// Hands over the samples with times of their own, a row for each time, in order. A second value of one series
    /// for one time is left out, and counted where it differs.
    pub(super) fn timed_rows<E>(&mut self, row: &mut Row, mut commit: impl FnMut(&Row) -> Result<(), E>) -> Result<(), E> {
        let mut timed = std::mem::take(&mut self.timed);
        // Stable: of two the first on the page wins.
        timed.sort_by_key(|sample| (sample.at, sample.column));
        self.timed_exemplars.sort_by_key(|(at, ..)| *at);
        let mut exemplars = std::mem::take(&mut self.timed_exemplars).into_iter().peekable();
        for samples in timed.chunk_by(|a, b| a.at == b.at) {
            let Some(first) = samples.first() else { continue };
            row.clear(first.at);
            for series in samples.chunk_by(|a, b| a.column == b.column) {
                row.push(series[0].column, series[0].value);
                let others = series[1..].iter().filter(|again| again.value.to_bits() != series[0].value.to_bits()).count() as u64;
                if others > 0 {
                    self.duplicates += others;
                    self.refused.get_or_insert((series[0].column, Rejected::Duplicate));
                }
            }
            while let Some((_, column, exemplar)) = exemplars.next_if(|(at, ..)| *at == first.at) {
                row.exemplars.push((column, exemplar));
            }
            commit(row)?;
        }
        timed.clear();
        self.timed = timed;
        Ok(())
    }
}
