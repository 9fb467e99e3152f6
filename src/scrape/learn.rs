//! Reads a page line by line where it is not the page of last time: known lines keep their columns, new ones get one.

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashTable};
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
    pub times: Times,
    /// Lines that the store refused last time are asked for again.
    pub retries: bool,
}

/// A page that was read.
#[derive(Default)]
pub(super) struct Learned {
    pub lines: Lines,
    pub created: Created,
    /// None where the comment lines are those of last time.
    pub families: Option<Families>,
    /// Why new series were refused, if any was.
    pub refusal: Option<AppendError>,
}

/// What becomes of a line that the last page did not have.
enum New {
    Kept(Column),
    Dropped,
    Refused(AppendError),
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
    let mut seen = Seen { format, first: HashMap::new(), refusal: None };
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
        let known = recall.find(line.metric).filter(|fate| !(fate.is_refused() && context.retries));
        if known.is_none() && limit > 0 && samples.counted() >= limit {
            // Beyond the limit nothing is opened in the store; the lines are still counted.
            (samples.total, is_over) = (samples.total + 1, true);
            read_to = scanner.offset();
            continue;
        }
        let (fate, is_new) = seen.fate_of(&line, page, known, context).inspect_err(|_| samples.refuse())?;
        let index = learned.lines.len();
        learned.lines.push(before, line.metric, fate).map_err(|reason| at_line(page, start, reason))?;
        if let (Some(created), Some(column)) = (&mut created, fate.column()) {
            created.take(index, &line, column);
            starts.push((index, line.tail.value));
        }
        before = line.metric;
        if is_new {
            samples.take_new(fate, line.tail, context.times);
        } else {
            samples.take(fate, line.tail, context.times);
        }
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
    learned.refusal = seen.refusal;
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

/// The series of a page so far.
struct Seen {
    format: Format,
    /// Where the first line of each begins.
    first: HashMap<Column, u32>,
    refusal: Option<AppendError>,
}

impl Seen {
    /// What becomes of a line, and whether it counts as new: not where the same line stands above.
    fn fate_of(
        &mut self,
        line: &SeriesLine<'_>,
        page: &[u8],
        known: Option<Fate>,
        context: &mut Context<'_>,
    ) -> Result<(Fate, bool), PageError> {
        let column = match known {
            Some(fate) => fate.column().ok_or(fate),
            None => match new_column(line, page, context)? {
                New::Kept(column) => Ok(column),
                New::Dropped => Err(Fate::DROPPED),
                New::Refused(why) => {
                    self.refusal.get_or_insert(why);
                    Err(Fate::REFUSED)
                }
            },
        };
        let column = match column {
            Ok(column) => column,
            Err(fate) => return Ok((fate, false)),
        };
        let start = (line.metric.as_ptr() as usize - page.as_ptr() as usize) as u32;
        let first = *self.first.entry(column).or_insert(start);
        let is_again = first != start;
        let is_new = known.is_none() && !(is_again && stands_at(page, first, line.metric));
        let has_own_time = line.tail.at.is_some() && context.times.honor;
        if is_again && !has_own_time && !context.job.metric_relabel.is_empty() && !self.is_same(page, first, line) {
            return Ok((Fate::MERGED, is_new));
        }
        Ok((Fate::of(column, Samples::is_tracked(&line.tail, context.times), is_again), is_new))
    }

    /// Whether the line that begins there has the same labels, in whatever order, before any relabeling.
    fn is_same(&self, page: &[u8], start: u32, line: &SeriesLine<'_>) -> bool {
        let sorted = |line: &SeriesLine<'_>| {
            let mut pairs = line.pairs().ok()?.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect::<Vec<_>>();
            pairs.sort();
            Some(pairs)
        };
        if stands_at(page, start, line.metric) {
            return true;
        }
        match parse(self.format, page.get(start as usize..).unwrap_or_default()).next() {
            Some(Ok(Entry::Series(other))) => sorted(&other) == sorted(line),
            _ => false,
        }
    }
}

/// Whether the line that begins there has this name with labels.
fn stands_at(page: &[u8], start: u32, metric: &[u8]) -> bool {
    let line = page.get(start as usize..).unwrap_or_default();
    let ends = |after: Option<&u8>| metric.ends_with(b"}") || matches!(after, Some(b' ' | b'\t'));
    line.starts_with(metric) && ends(line.get(metric.len()))
}

/// The column of a series that the last page did not have. Where the store takes no more series only this line is left out.
#[cold]
fn new_column(line: &SeriesLine<'_>, page: &[u8], context: &mut Context<'_>) -> Result<New, PageError> {
    let start = line.metric.as_ptr() as usize - page.as_ptr() as usize;
    let labels = match resolve::series(line, context.target, context.job) {
        Ok(None) => return Ok(New::Dropped),
        Ok(Some(labels)) => labels,
        Err(Refused::LabelLimit(text)) => return Err(PageError::LabelLimit(text)),
        Err(Refused::Invalid(reason)) => return Err(at_line(page, start, reason)),
    };
    match context.writer.column(&labels) {
        Ok(column) if column.0 > COLUMN_MAX => {
            Ok(New::Refused(AppendError::Limit(format!("the target has had more than {COLUMN_MAX} series"))))
        }
        Ok(column) => Ok(New::Kept(column)),
        Err(why @ AppendError::Limit(_)) => Ok(New::Refused(why)),
        Err(error) => Err(PageError::Store(error)),
    }
}

fn at_line(page: &[u8], offset: usize, reason: String) -> PageError {
    let line = memchr::memchr_iter(b'\n', &page[..offset.min(page.len())]).count() + 1;
    PageError::Parse(ParseError { line, reason })
}
