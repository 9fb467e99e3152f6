//! A group: one time column, the columns of its series, and the tail of rows that no stripe holds yet.

use std::collections::HashMap;
use std::sync::Arc;

use super::bits::Bits;
use super::cell::{put_gap, put_histogram, put_stale};
use super::row::{Changed, ChangedKind, RowCode};
use super::tail::{Arena, Column};
use crate::model::{Histogram, Value, is_stale};
use crate::storage::Rejected;

/// A cell on its way into a group: its column there, and its place in the caller's row.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub column: u32,
    pub cell: u32,
}

/// In place of a start timestamp: from here on the series has none.
pub const NO_START: i64 = i64::MIN;

/// How a row at some time meets a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// Newer than every row: it opens the next one.
    Opens,
    /// The time of the newest row, which is still in the tail.
    Completes,
    /// Older: each series is looked at.
    Late,
}

pub struct Group {
    pub id: u64,
    /// Which of its source's groups it is.
    pub subgroup: u32,
    pub columns: Vec<Column>,
    /// Columns whose value goes on until something else is said.
    pub live: Bits,
    pub times: Vec<i64>,
    /// The commit sequence of each row of the tail.
    pub sequences: Vec<u64>,
    pub next_row: u64,
    pub last_time: i64,
    pub arena: Arena,
    /// Last times of columns that are not live.
    pub idle: HashMap<u32, i64>,
    /// Newest samples (time, bits) that sealed segments have of columns which this process has not seen yet; only where it mattered.
    pub sealed_lasts: HashMap<u32, (i64, u64)>,
    /// Row of the tail, column, histogram.
    pub histograms: Vec<(u16, u32, Arc<Histogram>)>,
    /// Row of the tail, column, start timestamp from there on.
    pub starts: Vec<(u16, u32, i64)>,
    /// Of each column that ever had one; [`NO_START`] where its samples came without again.
    pub last_starts: HashMap<u32, i64>,
    /// The log file that holds this group's definition and keyframe, its number there, and how many columns are defined there.
    pub log_file: u64,
    pub log_number: u32,
    pub log_columns: usize,
    /// The log file that holds the first row of the tail.
    pub tail_log_file: u64,
    /// The file has no keyframe of this group yet.
    pub needs_keyframe: bool,
    /// Rows at which the tail is encoded.
    pub stripe_rows: usize,
    /// Sequences and times of rows that left the tail while an older snapshot was open.
    pub left: Vec<(u64, i64)>,
}

impl Group {
    pub fn new(id: u64, subgroup: u32, stripe_rows: usize) -> Self {
        // Groups that start together are encoded at different times.
        let stripe_rows = stripe_rows / 2 + (id >> 32) as usize % (stripe_rows / 2 + 1);
        Self {
            id,
            subgroup,
            columns: Vec::new(),
            live: Bits::default(),
            times: Vec::new(),
            sequences: Vec::new(),
            next_row: 0,
            last_time: i64::MIN,
            arena: Arena::default(),
            idle: HashMap::new(),
            sealed_lasts: HashMap::new(),
            histograms: Vec::new(),
            starts: Vec::new(),
            last_starts: HashMap::new(),
            log_file: 0,
            log_number: 0,
            log_columns: 0,
            tail_log_file: 0,
            needs_keyframe: false,
            stripe_rows,
            left: Vec::new(),
        }
    }

    /// The number of the tail's first row.
    pub fn first_row(&self) -> u64 {
        self.next_row - self.times.len() as u64
    }

    pub fn add_column(&mut self, series: u32) -> u32 {
        if self.columns.len() == self.columns.capacity() {
            self.columns.reserve_exact((self.columns.len() / 4).max(4));
        }
        self.columns.push(Column::new(series));
        self.columns.len() as u32 - 1
    }

    pub fn meets(&self, at: i64) -> Meeting {
        if at > self.last_time || self.next_row == 0 {
            Meeting::Opens
        } else if at == self.last_time && !self.times.is_empty() {
            Meeting::Completes
        } else {
            Meeting::Late
        }
    }

    /// The time of a column's newest sample.
    pub fn last_time_of(&self, column: u32) -> Option<i64> {
        if self.live.get(column) { Some(self.last_time) } else { self.idle.get(&column).copied() }
    }

    /// Bits of the newest value, of a column that is not live too: unless a keyframe since has made it forget.
    pub fn last_known(&self, column: u32) -> Option<u64> {
        let last = self.columns[column as usize].last();
        (self.live.get(column) || !self.columns[column as usize].is_forgotten()).then_some(last)
    }

    /// Whether this value is what the column holds already at its newest time.
    pub fn holds(&self, column: u32, value: &Value) -> bool {
        match value {
            Value::Float(float) if self.live.get(column) => float.to_bits() == self.columns[column as usize].last(),
            Value::Float(float) => {
                let is_end = is_stale(*float) && !self.histograms.iter().any(|(_, c, _)| *c == column);
                is_end || self.last_known(column).is_none_or(|bits| bits == float.to_bits())
            }
            Value::Histogram(h) => self.histograms.iter().rfind(|(_, c, _)| *c == column).is_some_and(|(_, _, held)| held.same_bits(h)),
        }
    }

    /// Why a sample that does not open a row cannot be taken here; `Ok(true)` when it is there already, `Ok(false)` when its series goes forward.
    pub fn check_late(&self, column: u32, at: i64, value: &Value) -> Result<bool, Rejected> {
        match self.last_time_of(column) {
            // A column that was never written in this run.
            None if self.sealed_lasts.contains_key(&column) => {
                let (last, bits) = self.sealed_lasts[&column];
                match value {
                    _ if at < last => Err(Rejected::OutOfOrder),
                    Value::Float(float) if at == last && float.to_bits() == bits => Ok(true),
                    _ if at == last => Err(Rejected::Duplicate),
                    _ => Ok(false),
                }
            }
            Some(last) if at < last => Err(Rejected::OutOfOrder),
            Some(last) if at == last && self.holds(column, value) => Ok(true),
            Some(last) if at == last => Err(Rejected::Duplicate),
            _ => Ok(false),
        }
    }

    /// Spells the cells of a row that was begun; `places` are ascending by column. `seen` is a buffer.
    pub fn spell<'a>(&self, meeting: Meeting, places: &[Place], value: impl Fn(u32) -> &'a Value, code: &mut RowCode, seen: &mut Bits) {
        seen.clear();
        for place in places {
            seen.set(place.column);
            self.spell_cell(place.column, value(place.cell), code);
        }
        if meeting != Meeting::Completes {
            code.gaps.extend(self.live.without(seen));
        }
    }

    /// Begins a row's spelling.
    pub fn begin(&self, meeting: Meeting, at: i64, is_keyframe: bool, code: &mut RowCode) {
        code.clear();
        code.at = at;
        code.is_completion = meeting == Meeting::Completes;
        code.is_keyframe = is_keyframe;
        code.number = if code.is_completion { self.next_row.wrapping_sub(1) } else { self.next_row };
    }

    fn spell_cell(&self, column: u32, value: &Value, code: &mut RowCode) {
        let mut after = self.columns[column as usize].coder();
        let live = self.live.get(column);
        let kind = match value {
            Value::Float(float) if is_stale(*float) => {
                put_stale(&mut code.codes);
                ChangedKind::Stale
            }
            Value::Float(float) => {
                let bits = float.to_bits();
                if code.is_keyframe {
                    after.put_absolute(&mut code.codes, bits);
                } else if live && bits == after.last {
                    return;
                } else {
                    after.put(&mut code.codes, bits);
                }
                ChangedKind::Value
            }
            Value::Histogram(histogram) => {
                put_histogram(&mut code.codes);
                code.histograms.push(histogram.clone());
                ChangedKind::Histogram
            }
        };
        code.changed.push(Changed { column, end: code.codes.len() as u32, after, kind });
    }

    /// Takes a spelled row. Without `keep` (a stripe holds it already) only what later rows build on is remembered.
    pub fn apply(&mut self, code: &RowCode, sequence: u64, keep: bool) {
        let before = self.last_time;
        if !code.is_completion {
            self.next_row = code.number + 1;
            self.last_time = code.at;
            if keep {
                if self.times.is_empty() && self.starts.is_empty() {
                    self.begin_starts();
                }
                self.times.push(code.at);
                self.sequences.push(sequence);
            }
        }
        let row = self.times.len().saturating_sub(1) as u16;
        let (mut scratch, mut gap) = (Vec::with_capacity(24), Vec::with_capacity(1));
        put_gap(&mut gap);
        let (mut start, mut histograms) = (0usize, code.histograms.iter());
        for changed in &code.changed {
            let bytes = &code.codes[start..changed.end as usize];
            start = changed.end as usize;
            let histogram = if changed.kind == ChangedKind::Histogram { histograms.next() } else { None };
            self.apply_cell(changed, bytes, row, keep, &mut scratch, histogram);
        }
        for column in &code.gaps {
            if let Some(state) = self.columns.get_mut(*column as usize) {
                if keep {
                    state.put_state(&mut self.arena, &mut scratch, row, true, &gap);
                }
                self.live.unset(*column);
                self.idle.insert(*column, before);
            }
        }
        for (column, start) in &code.starts {
            if self.last_starts.insert(*column, *start) != Some(*start) && keep {
                self.starts.push((row, *column, *start));
            }
        }
        if code.is_keyframe {
            self.forget_coders(code);
        }
    }

    /// A reader may begin at a keyframe: of columns without a value in it, nothing before counts.
    fn forget_coders(&mut self, code: &RowCode) {
        let mut named = code.changed.iter().filter(|c| c.kind == ChangedKind::Value).map(|c| c.column).peekable();
        for (number, column) in self.columns.iter_mut().enumerate() {
            if named.next_if_eq(&(number as u32)).is_none() {
                column.forget();
            }
        }
    }

    fn apply_cell(
        &mut self,
        changed: &Changed,
        bytes: &[u8],
        row: u16,
        keep: bool,
        scratch: &mut Vec<u8>,
        histogram: Option<&Arc<Histogram>>,
    ) {
        let column = changed.column;
        let was_live = self.live.get(column);
        let Some(state) = self.columns.get_mut(column as usize) else { return };
        match changed.kind {
            ChangedKind::Value => {
                if keep && !(was_live && state.last() == changed.after.last) {
                    state.put_value(&mut self.arena, scratch, row, was_live, bytes, changed.after);
                } else {
                    state.set_coder(changed.after);
                }
                if !was_live {
                    self.live.set(column);
                    self.idle.remove(&column);
                }
            }
            ChangedKind::Stale | ChangedKind::Histogram => {
                if keep {
                    state.put_state(&mut self.arena, scratch, row, was_live, bytes);
                }
                self.live.unset(column);
                self.idle.insert(column, self.last_time);
                if let (Some(histogram), true) = (histogram, keep) {
                    self.histograms.push((row, column, histogram.clone()));
                }
            }
        }
    }

    /// How many rows of the tail a snapshot of this sequence sees, and the last time it may see in stripes (none: all).
    pub fn visible(&self, sequence: u64) -> (usize, Option<i64>) {
        let rows = self.sequences.partition_point(|s| *s <= sequence);
        let hidden = self.left.partition_point(|(s, _)| *s <= sequence);
        let cut = match (hidden, self.left.get(hidden)) {
            (_, None) => None,
            (0, Some((_, time))) => Some(time.saturating_sub(1)),
            (at, Some(_)) => Some(self.left[at - 1].1),
        };
        (rows, cut)
    }

    /// The tail is in a stripe now.
    pub fn restart_tail(&mut self, oldest_snapshot: Option<u64>, stripe_rows: usize) {
        match oldest_snapshot {
            Some(oldest) => {
                self.left.retain(|(s, _)| *s > oldest);
                let newer = self.sequences.iter().zip(&self.times).filter(|(s, _)| **s > oldest);
                self.left.extend(newer.map(|(s, t)| (*s, *t)));
            }
            None => self.left.clear(),
        }
        self.times.clear();
        self.sequences.clear();
        self.arena.clear();
        self.columns.iter_mut().for_each(Column::restart);
        self.histograms = Vec::new();
        self.begin_starts();
        self.stripe_rows = stripe_rows;
    }

    /// Rows that only stripes have came after those that are known here: what columns hold is not known any more.
    pub fn stood_at(&mut self, next_row: u64, newest: i64) {
        self.next_row = self.next_row.max(next_row);
        self.last_time = self.last_time.max(newest);
        self.live.clear();
        self.idle.clear();
        self.columns.iter_mut().for_each(Column::forget);
        self.log_file = 0;
    }

    /// What is known of starts holds from the tail's first row on.
    fn begin_starts(&mut self) {
        let known = self.last_starts.iter().filter(|(_, start)| **start != NO_START);
        self.starts = known.map(|(column, start)| (0, *column, *start)).collect();
        self.starts.sort_unstable();
    }

    pub fn size_bytes(&self) -> usize {
        let tail = self.arena.size_bytes() + self.times.capacity() * 8 + self.sequences.capacity() * 8;
        std::mem::size_of::<Self>()
            + self.columns.capacity() * std::mem::size_of::<Column>()
            + tail
            + self.live.size_bytes()
            + self.idle.capacity() * 20
    }
}
