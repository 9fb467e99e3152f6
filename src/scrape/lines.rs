//! A compact memory of the last page of a target: which line stood where, and which column it belongs to.
//!
//! A page rarely changes but for its values. Each line's name-with-labels text is kept without what it has in common with the
//! line before; comparing the new page with it needs no parsing, no hash and no allocation, and it is exact.

use xxhash_rust::xxh64::xxh64;

use crate::exposition::{Format, Scanner, Tail};
use crate::storage::Column;

use super::limits::METRIC_BYTES_MAX;

const TRACKED: u32 = 1 << 30;
const REPEATED: u32 = 1 << 31;
const DROPPED: u32 = u32::MAX;
const REFUSED: u32 = u32::MAX - 1;
const MERGED: u32 = u32::MAX - 2;
const COLUMN: u32 = TRACKED - 1;
/// Columns beyond this number cannot be told from the flags and from lines without a column.
pub(super) const COLUMN_MAX: u32 = COLUMN - 3;

/// What becomes of the samples of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate(u32);

impl Fate {
    /// Taken out by metric relabeling.
    pub(super) const DROPPED: Self = Self(DROPPED);
    /// The store took no new series when it was asked for this one.
    pub(super) const REFUSED: Self = Self(REFUSED);
    /// Metric relabeling made it a series that stands further up: Prometheus leaves it out and does not count it.
    pub(super) const MERGED: Self = Self(MERGED);

    /// `tracked`: a stale marker follows when the line goes. `repeated`: the column had a line further up.
    pub(super) fn of(column: Column, tracked: bool, repeated: bool) -> Self {
        Self(column.0 & COLUMN | if tracked { TRACKED } else { 0 } | if repeated { REPEATED } else { 0 })
    }

    pub(super) fn column(self) -> Option<Column> {
        (self.0 < MERGED).then_some(Column(self.0 & COLUMN))
    }

    pub(super) fn is_refused(self) -> bool {
        self.0 == REFUSED
    }

    pub(super) fn is_tracked(self) -> bool {
        self.0 < MERGED && self.0 & TRACKED != 0
    }

    pub(super) fn is_repeated(self) -> bool {
        self.0 < MERGED && self.0 & REPEATED != 0
    }
}

/// One sample line: bytes shared with the line before (low 8 bits), own bytes after them (high 24 bits).
#[derive(Clone, Copy, Debug)]
struct Line {
    extent: u32,
    fate: Fate,
}

impl Line {
    fn shared(self) -> usize {
        (self.extent & 0xff) as usize
    }

    fn own(self) -> usize {
        (self.extent >> 8) as usize
    }
}

/// A run of comment lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Note {
    bytes: u32,
    hash: u64,
}

/// The lines of one page.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    lines: Vec<Line>,
    own: Vec<u8>,
    notes: Vec<Note>,
}

impl Lines {
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn fates(&self) -> impl Iterator<Item = Fate> {
        self.lines.iter().map(|line| line.fate)
    }

    /// The text of the column's last line: of the repetition, where a page has the series twice.
    pub(super) fn text_of(&self, column: Column) -> Option<String> {
        let index = self.lines.iter().rposition(|line| line.fate.column() == Some(column))?;
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        self.unpack(&mut text, &mut ends);
        let start = if index == 0 { 0 } else { ends[index - 1] };
        Some(String::from_utf8_lossy(&text[start..ends[index]]).into_owned())
    }

    /// Appends a line; `before` is the metric text of the line above, empty for the first.
    /// The error names the limit.
    pub(super) fn push(&mut self, before: &[u8], metric: &[u8], fate: Fate) -> Result<(), String> {
        if metric.len() > METRIC_BYTES_MAX {
            return Err(format!("a name with its labels has {} bytes, more than the limit of {METRIC_BYTES_MAX} bytes", metric.len()));
        }
        let shared = before.iter().zip(metric).take(0xff).take_while(|(a, b)| a == b).count();
        let own = metric.len() - shared;
        self.lines.push(Line { extent: shared as u32 | (own as u32) << 8, fate });
        self.own.extend_from_slice(&metric[shared..]);
        Ok(())
    }

    /// Appends a run of comment lines, newlines included.
    pub(super) fn push_note(&mut self, text: &[u8]) {
        self.notes.push(Note { bytes: text.len() as u32, hash: xxh64(text, 0) });
    }

    /// Whether the comment lines are those of the other page.
    pub(super) fn has_notes_of(&self, other: &Self) -> bool {
        self.notes == other.notes
    }

    pub(super) fn shrink(&mut self) {
        self.lines.shrink_to_fit();
        self.own.shrink_to_fit();
        self.notes.shrink_to_fit();
    }

    /// Writes out all metric texts, one after the other, and where each ends.
    pub(super) fn unpack(&self, text: &mut Vec<u8>, ends: &mut Vec<usize>) {
        let (mut own, mut before) = (0, 0);
        for line in &self.lines {
            let start = text.len();
            text.extend_from_within(before..before + line.shared());
            text.extend_from_slice(&self.own[own..own + line.own()]);
            own += line.own();
            ends.push(text.len());
            before = start;
        }
    }

    /// Walks a page that is expected to have exactly these lines. `sample` gets each line's index, fate and values, and says
    /// whether they are of the expected kind. False where the page differs: what `sample` got then means nothing.
    pub(super) fn replay(&self, format: Format, page: &[u8], mut sample: impl FnMut(usize, Fate, Tail<'_>) -> bool) -> bool {
        let mut scanner = Scanner::new(format, page);
        let (mut own_at, mut notes) = (0, self.notes.iter());
        let mut before: &[u8] = &[];
        for (index, line) in self.lines.iter().enumerate() {
            if !skip_notes(&mut scanner, format, &mut notes) {
                return false;
            }
            let rest = scanner.rest();
            let (shared, length) = (line.shared(), line.shared() + line.own());
            let own = &self.own[own_at..own_at + line.own()];
            // A metric ends at `}` or at a blank: after it the longer name of another metric cannot go on.
            let is_same = rest.len() > length
                && rest[shared..length] == *own
                && rest[..shared] == before[..shared]
                && (rest[length] == b' ' || rest[length] == b'\t' || rest[length - 1] == b'}');
            if !is_same {
                return false;
            }
            let Some(tail) = scanner.tail_after(length) else { return false };
            if !sample(index, line.fate, tail) {
                return false;
            }
            own_at += line.own();
            before = &rest[..length];
        }
        skip_notes(&mut scanner, format, &mut notes) && notes.len() == 0 && is_end(format, scanner.rest())
    }
}

/// Passes over comment lines that are those of last time.
fn skip_notes(scanner: &mut Scanner<'_>, format: Format, notes: &mut std::slice::Iter<'_, Note>) -> bool {
    if format == Format::Text {
        let blank = scanner.rest().iter().take_while(|b| **b == b'\n').count();
        scanner.skip(blank);
    }
    let rest = scanner.rest();
    if rest.first() != Some(&b'#') || is_end(format, rest) {
        return true;
    }
    let Some(note) = notes.next() else { return false };
    match rest.get(..note.bytes as usize) {
        Some(text) if xxh64(text, 0) == note.hash => {
            scanner.skip(text.len());
            true
        }
        _ => false,
    }
}

fn is_end(format: Format, rest: &[u8]) -> bool {
    match format {
        Format::Text => rest.is_empty(),
        Format::OpenMetrics => rest == b"# EOF\n" || rest == b"# EOF",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replays(known: &[&str], page: &str) -> bool {
        let (mut lines, mut before) = (Lines::default(), "");
        for metric in known {
            lines.push(before.as_bytes(), metric.as_bytes(), Fate::of(Column(0), true, false)).unwrap();
            before = metric;
        }
        lines.replay(Format::Text, page.as_bytes(), |_, _, _| true)
    }

    #[test]
    fn only_the_very_same_lines_are_the_same() {
        assert!(replays(&["b", "b{x=\"1\"}", "b{x=\"12\"}"], "b 1\nb{x=\"1\"} 2\n\nb{x=\"12\"}\t3 4\n"));
        assert!(!replays(&["b"], "b1 5\n"), "not the value 1 at the time 5");
        assert!(!replays(&["b{x=\"1\"}", "b{x=\"12\"}"], "b{x=\"1\"} 2\nc{x=\"12\"} 3\n"), "what is shared is compared, too");
        assert!(!replays(&["a", "b"], "a 1\n"));
        assert!(!replays(&["a"], "a 1\nb 1\n"));
        assert!(!replays(&["a"], "# a comment\na 1\n"));
    }
}
