//! Gathers the samples of one page into rows: one at the scrape's time, others for samples that state their own.
//!
//! A series that stands on a page several times is stored as Prometheus stores it: in the order of the page, and what goes back in
//! time then is refused. So the rows of stated times come in rounds, of which the second has what is on the page a second time.

use hashbrown::HashMap;

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
    /// How many samples of its series stand above it; from [`AFTER`] on where one of them carries the scrape's time.
    round: u32,
    at: TimestampMs,
    column: Column,
    value: f64,
    /// How many samples with the scrape's time stand above it.
    above: u32,
    is_repeated: bool,
    is_new: bool,
}

/// Rounds from here on come after the row of the scrape's time.
const AFTER: u32 = 1 << 31;

/// Which rows of stated times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    BeforeOwnTime,
    AfterOwnTime,
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
    /// Of new series that the store did not take.
    pub unstored: u64,
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
        (self.total, self.dropped, self.unstored, self.duplicates, self.out_of_bounds, self.new_series) = (0, 0, 0, 0, 0, 0);
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
            match fate {
                Fate::REFUSED => self.unstored += 1,
                Fate::MERGED => {}
                _ => self.dropped += 1,
            }
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
                let above = self.row.cells.len() as u32;
                self.timed.push(Timed { round: 0, at, column, value: tail.value, above, is_repeated: fate.is_repeated(), is_new: false });
                if let Some(exemplar) = tail.exemplar.and_then(|text| text.read().ok()) {
                    self.timed_exemplars.push((at, column, exemplar));
                }
            }
        }
    }

    /// Takes the sample of a line that the page of last time did not have.
    pub(super) fn take_new(&mut self, fate: Fate, tail: Tail<'_>, times: Times) {
        let (ahead, timed) = (self.out_of_bounds, self.timed.len());
        self.take(fate, tail, times);
        if fate.is_refused() || self.out_of_bounds > ahead {
            return;
        }
        self.new_series += 1;
        if let Some(last) = self.timed.get_mut(timed) {
            last.is_new = true;
        }
    }

    /// Puts the samples with times of their own into the order in which they are to be stored. To be called once, when the page was read.
    pub(super) fn settle(&mut self) {
        if self.timed.iter().any(|sample| sample.is_repeated) {
            // How often each series was met, and where it has the scrape's time.
            let mut met: HashMap<Column, (u32, u32)> =
                self.timed.iter().filter(|sample| sample.is_repeated).map(|sample| (sample.column, (0, u32::MAX))).collect();
            for (place, cell) in (0u32..).zip(&self.row.cells) {
                if let Some((_, plain)) = met.get_mut(&cell.column) {
                    *plain = place;
                }
            }
            for sample in &mut self.timed {
                if let Some((count, plain)) = met.get_mut(&sample.column) {
                    sample.round = (*count).min(AFTER - 1) | if *plain < sample.above { AFTER } else { 0 };
                    *count += 1;
                }
            }
        }
        self.timed.sort_by_key(|sample| (sample.round, sample.at, sample.column));
        self.timed_exemplars.sort_by_key(|(at, ..)| *at);
    }

    /// Hands over the samples with times of their own, a row for each time. `commit` is told whether these are the first of their series.
    pub(super) fn timed_rows<E>(
        &mut self,
        part: Part,
        row: &mut Row,
        mut commit: impl FnMut(&Row, bool) -> Result<(), E>,
    ) -> Result<(), E> {
        let first_after = self.timed.partition_point(|sample| sample.round < AFTER);
        let timed = match part {
            Part::BeforeOwnTime => &self.timed[..first_after],
            Part::AfterOwnTime => &self.timed[first_after..],
        };
        for samples in timed.chunk_by(|a, b| (a.round, a.at) == (b.round, b.at)) {
            let Some(first) = samples.first() else { continue };
            row.clear(first.at);
            for sample in samples {
                row.push(sample.column, sample.value);
            }
            if first.round == 0 {
                let from = self.timed_exemplars.partition_point(|(at, ..)| *at < first.at);
                let of_time = self.timed_exemplars[from..].iter().take_while(|(at, ..)| *at == first.at);
                row.exemplars.extend(of_time.map(|(_, column, exemplar)| (*column, exemplar.clone())));
            }
            commit(row, first.round == 0)?;
        }
        Ok(())
    }

    /// The store did not take the first samples of these columns: they add no series. Returns the columns of which no other sample is on
    /// the page and which are not new.
    pub(super) fn without(&mut self, rejected: &[Column]) -> Vec<Column> {
        if rejected.is_empty() {
            return Vec::new();
        }
        let mut alone: HashMap<Column, bool> = rejected.iter().map(|column| (*column, true)).collect();
        for sample in &self.timed {
            if let Some(is_alone) = alone.get_mut(&sample.column) {
                self.new_series -= u64::from(sample.is_new);
                *is_alone = *is_alone && sample.round == 0 && !sample.is_new;
            }
        }
        for cell in &self.row.cells {
            alone.remove(&cell.column);
        }
        let mut columns: Vec<Column> = alone.into_iter().filter(|(_, is_alone)| *is_alone).map(|(column, _)| column).collect();
        columns.sort_unstable();
        columns
    }
}
