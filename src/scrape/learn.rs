//! Reads a page line by line where it is not the page of last time: known lines keep their columns, new ones get one.

use foldhash::fast::RandomState;
use hashbrown::{HashSet, HashTable};
use std::hash::BuildHasher;

use crate::exposition::{Entry, Format, ParseError, SeriesLine, parse};
use crate::model::Labels;
use crate::storage::{AppendError, Column, Row, RowWriter};

use super::created::{Created, CreatedBuilder};
use super::families::{Families, FamilyTable, PageFamilies};
use super::lines::{COLUMN_MAX, Fate, Lines};
use super::options::JobOptions;
use super::resolve::{self, Refused};
use super::samples::{Samples, Times};

/// So far ahead of the expected line a known one is looked for before the hash table is made.
const LOOK_AHEAD: usize = 4;

/// Why a page is not taken.
#[derive(Debug)]
pub(super) enum PageError {
    Parse(ParseError),
    /// `label_limit` and its kin.
    LabelLimit(String),
    SampleLimit,
    Store(AppendError),
}

impl std::fmt::Display for PageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::LabelLimit(text) => f.write_str(text),
            Self::SampleLimit => f.write_str("sample limit exceeded"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// What is needed besides the page.
pub(super) struct Context<'a> {
    pub writer: &'a mut dyn RowWriter,
    pub target: &'a Labels,
    pub job: &'a JobOptions,
    pub families: &'a FamilyTable,
    /// The page of last time.
    pub before: &'a Lines,
    /// Columns that a page may not fill: those of `up` and the `scrape_*` series.
    pub own: &'a [Column],
    pub times: Times,
}

/// A page that was read.
#[derive(Default)]
pub(super) struct Learned {
    pub lines: Lines,
    pub created: Created,
    /// None where the comment lines are those of last time.
    pub families: Option<Families>,
}

/// The lines of last time, spread out for looking up. Reuse it: the buffers stay.
#[derive(Default)]
pub(super) struct Recall {
    text: Vec<u8>,
    ends: Vec<usize>,
    fates: Vec<Fate>,
    table: HashTable<u32>,
    hasher: RandomState,
    is_mapped: bool,
    expected: usize,
}

impl Recall {
    pub(super) fn load(&mut self, lines: &Lines) {
        self.text.clear();
        self.ends.clear();
        self.fates.clear();
        self.table.clear();
        (self.is_mapped, self.expected) = (false, 0);
        lines.unpack(&mut self.text, &mut self.ends);
        self.fates.extend(lines.fates());
    }

    /// Gives large buffers back.
    pub(super) fn trim(&mut self, bytes: usize) {
        if self.text.capacity() > bytes {
            *self = Self::default();
        }
    }

    fn line(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.text.get(start..end)
    }

    /// The fate of a line that was there last time: usually the one after the line found before.
    fn find(&mut self, metric: &[u8]) -> Option<Fate> {
        let near = (self.expected..self.expected + LOOK_AHEAD).find(|index| self.line(*index) == Some(metric));
        let found = near.or_else(|| self.look_up(metric))?;
        self.expected = found + 1;
        Some(self.fates[found])
    }

    fn look_up(&mut self, metric: &[u8]) -> Option<usize> {
        if !self.is_mapped {
            self.is_mapped = true;
            let mut table = std::mem::take(&mut self.table);
            for index in 0..self.ends.len() {
                let Some(line) = self.line(index) else { continue };
                let hash = self.hasher.hash_one(line);
                if table.find(hash, |other| self.line(*other as usize) == Some(line)).is_none() {
                    table.insert_unique(hash, index as u32, |other| self.hasher.hash_one(self.line(*other as usize).unwrap_or_default()));
                }
            }
            self.table = table;
        }
        let hash = self.hasher.hash_one(metric);
        self.table.find(hash, |index| self.line(*index as usize) == Some(metric)).map(|index| *index as usize)
    }
}

/// Reads the whole page. What `samples` and the writer got before an error is to be thrown away.
pub(super) fn learn(
    page: &[u8],
    format: Format,
    recall: &mut Recall,
    samples: &mut Samples,
    context: &mut Context<'_>,
) -> Result<Learned, PageError> {
    let mut learned = Learned::default();
    let has_created = format == Format::OpenMetrics && memchr::memmem::find(page, b"_created").is_some();
    let mut created = has_created.then(CreatedBuilder::default);
    let mut starts: Vec<(usize, f64)> = Vec::new();
    let mut notes: Vec<&[u8]> = Vec::new();
    let mut seen: HashSet<Column> = context.own.iter().copied().collect();
    let mut scanner = parse(format, page);
    let (mut before, mut read_to): (&[u8], usize) = (&[], 0);
    let (limit, mut is_over) = (context.job.limits.samples, false);
    while let Some(entry) = scanner.next() {
        let line = match entry.map_err(PageError::Parse)? {
            Entry::Series(line) => line,
            Entry::Type { family, .. } => {
                if let Some(created) = &mut created {
                    created.enter(&family);
                }
                continue;
            }
            _ => continue,
        };
        let start = line.metric.as_ptr() as usize - page.as_ptr() as usize;
        push_note(&mut learned.lines, &mut notes, &page[read_to..start]);
        let fate = match recall.find(line.metric) {
            Some(fate) => fate.column(),
            // Beyond the limit nothing is opened in the store; the lines are still counted.
            None if limit > 0 && samples.counted() >= limit => {
                (samples.total, is_over) = (samples.total + 1, true);
                read_to = scanner.offset();
                continue;
            }
            None => new_column(&line, page, context).inspect(|_| samples.new_series += 1).inspect_err(|_| samples.refuse())?,
        };
        let fate =
            fate.map_or(Fate::DROPPED, |column| Fate::of(column, Samples::is_tracked(&line.tail, context.times), !seen.insert(column)));
        let index = learned.lines.len();
        learned.lines.push(before, line.metric, fate).map_err(|reason| at_line(page, start, reason))?;
        if let (Some(created), Some(column)) = (&mut created, fate.column()) {
            created.take(index, &line, column);
            starts.push((index, line.tail.value));
        }
        before = line.metric;
        samples.take(fate, line.tail, context.times);
        read_to = scanner.offset();
    }
    if is_over || (limit > 0 && samples.counted() > limit) {
        return Err(PageError::SampleLimit);
    }
    push_note(&mut learned.lines, &mut notes, page.get(read_to..notes_end(page, format)).unwrap_or_default());
    learned.lines.shrink();
    if !learned.lines.has_notes_of(context.before) {
        learned.families = Some(families_of(&notes, format, context.families));
    }
    if let Some(created) = created {
        learned.created = apply_starts(created.finish(), starts, &mut samples.row);
    }
    Ok(learned)
}

/// Puts the start times of this page's counters into its row.
fn apply_starts(created: Created, starts: Vec<(usize, f64)>, row: &mut Row) -> Created {
    let mut cursor = 0;
    for (index, seconds) in starts {
        created.apply(index, &mut cursor, seconds, row);
    }
    created
}

/// Where the lines that can be comments end: before OpenMetrics's `# EOF`.
fn notes_end(page: &[u8], format: Format) -> usize {
    let ends_page = format == Format::OpenMetrics;
    let last = page.iter().rev().take(b"# EOF\n".len()).position(|b| *b == b'#').filter(|_| ends_page);
    page.len() - last.map_or(0, |at| at + 1)
}

/// Comment lines between two samples; blank lines before them say nothing.
fn push_note<'a>(lines: &mut Lines, notes: &mut Vec<&'a [u8]>, gap: &'a [u8]) {
    let blank = gap.iter().take_while(|b| **b == b'\n').count();
    if gap.get(blank) == Some(&b'#') {
        lines.push_note(&gap[blank..]);
        notes.push(&gap[blank..]);
    }
}

/// What the comment lines say; they have been read once without fault.
fn families_of(notes: &[&[u8]], format: Format, table: &FamilyTable) -> Families {
    let mut families = PageFamilies::default();
    for note in notes {
        // In OpenMetrics a note by itself lacks its end: the entries before that count.
        parse(format, note).map_while(Result::ok).for_each(|entry| families.take(entry));
    }
    families.finish(table)
}

/// The column of a series that the last page did not have; none when relabeling drops it.
#[cold]
fn new_column(line: &SeriesLine<'_>, page: &[u8], context: &mut Context<'_>) -> Result<Option<Column>, PageError> {
    let start = line.metric.as_ptr() as usize - page.as_ptr() as usize;
    let labels = match resolve::series(line, context.target, context.job) {
        Ok(None) => return Ok(None),
        Ok(Some(labels)) => labels,
        Err(Refused::LabelLimit(text)) => return Err(PageError::LabelLimit(text)),
        Err(Refused::Invalid(reason)) => return Err(at_line(page, start, reason)),
    };
    let column = context.writer.column(&labels).map_err(PageError::Store)?;
    if column.0 > COLUMN_MAX {
        return Err(PageError::Store(AppendError::Limit(format!("the target has had more than {COLUMN_MAX} series"))));
    }
    Ok(Some(column))
}

fn at_line(page: &[u8], offset: usize, reason: String) -> PageError {
    let line = memchr::memchr_iter(b'\n', &page[..offset.min(page.len())]).count() + 1;
    PageError::Parse(ParseError { line, reason })
}
