//! What an ingest thread knows of one target, and how one visit becomes rows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::exposition::Format;
use crate::exposition::with_hint;
use crate::model::{METRIC_NAME, STALE_NAN, TimestampMs, Value};
use crate::storage::{Append, AppendError, Cell, Column, Rejected, Row, RowReport, RowWriter};

use super::created::Created;
use super::families::{Families, FamilyTable};
use super::figures::Figures;
use super::learn::{self, Context, PageError, Recall};
use super::limits::{BUFFER_KEPT_BYTES, REFUSED_SCRAPES};
use super::lines::{Fate, Lines};
use super::samples::{Part, Samples, Times};
use super::target::Setup;

const REPORT: [&str; 5] =
    ["up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"];
const EXTRA_REPORT: [&str; 3] = ["scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes"];

/// Buffers and doors that all targets of one ingest thread use in turn.
pub(super) struct Tools {
    pub append: Arc<dyn Append>,
    pub clock: Clock,
    pub figures: Figures,
    pub families: Arc<FamilyTable>,
    pub samples: Samples,
    pub recall: Recall,
    /// Rows of samples with times of their own.
    pub timed: Row,
}

/// A fetched body, plain.
pub(super) struct PlainPage<'a> {
    pub body: &'a [u8],
    pub format: Format,
}

/// One scrape as it goes into the store.
pub(super) struct Scrape<'a> {
    pub at: TimestampMs,
    /// When the fetch began, on the monotonic clock.
    pub started: Duration,
    pub page: Result<PlainPage<'a>, String>,
    /// The body reached `body_size_limit`.
    pub over_body_limit: bool,
}

/// Samples of one scrape that were not taken.
#[derive(Debug, Default)]
struct Refused {
    first: Option<(Column, Rejected)>,
    count: u64,
}

impl Refused {
    fn add(&mut self, first: Option<(Column, Rejected)>, count: u64) {
        self.first = self.first.or(first);
        self.count += count;
    }
}

/// What became of a scrape.
#[derive(Debug, Default)]
pub(super) struct Scraped {
    /// Why the target counts as down.
    pub error: Option<String>,
    pub samples: u64,
    pub duration: Duration,
    /// What the target says of its families.
    pub families: Families,
    /// Lines whose series the store did not take, and why.
    pub unstored: Option<(u64, String)>,
}

pub(super) struct TargetState {
    setup: Arc<Setup>,
    writer: Box<dyn RowWriter>,
    /// The columns of `up` and the `scrape_*` series.
    report: Vec<Column>,
    lines: Lines,
    created: Created,
    format: Format,
    /// Whether the columns of `lines` can be used again: not after a change of the job's options.
    is_current: bool,
    /// Whether the series of `lines` still go on: not after a failed scrape.
    is_live: bool,
    last_at: Option<TimestampMs>,
    families: Families,
    /// Whether samples were refused at the last scrape, which has then been said.
    has_complained: bool,
    /// Why some lines have no series in the store, and after how many scrapes it is asked for them again.
    refusal: Option<(AppendError, u32)>,
    /// Tracked series whose last sample, with a time of its own, was refused.
    behind: Vec<Column>,
    /// The page fills columns of `report`.
    fills_report: bool,
    /// Columns of lines that the last page has no more; to be given back once their stale markers are written.
    leaving: Vec<Column>,
}

impl TargetState {
    pub(super) fn open(setup: &Arc<Setup>, tools: &mut Tools) -> Result<Self, AppendError> {
        let mut writer = tools.append.writer(&setup.key)?;
        let report = report_columns(&mut *writer, setup)?;
        Ok(Self {
            setup: setup.clone(),
            writer,
            report,
            lines: Lines::default(),
            created: Created::default(),
            format: Format::Text,
            is_current: false,
            is_live: false,
            last_at: None,
            families: Families::default(),
            has_complained: false,
            refusal: None,
            behind: Vec::new(),
            fills_report: false,
            leaving: Vec::new(),
        })
    }

    /// Other options for the same target: its lines are resolved anew, its series go on.
    pub(super) fn adopt(&mut self, setup: &Arc<Setup>) -> Result<(), AppendError> {
        if !Arc::ptr_eq(&self.setup, setup) {
            self.report = report_columns(&mut *self.writer, setup)?;
            self.setup = setup.clone();
            self.is_current = false;
        }
        Ok(())
    }

    /// Appends one scrape: its samples, the report series and the stale markers in one row.
    pub(super) fn take(&mut self, scrape: Scrape<'_>, tools: &mut Tools) -> Scraped {
        let at = self.forward(scrape.at, &tools.figures);
        let body_bytes = scrape.page.as_ref().map_or(if scrape.over_body_limit { -1.0 } else { 0.0 }, |page| page.body.len() as f64);
        tools.samples.clear(at);
        let (mut scraped, mut refused) = (Scraped::default(), Refused::default());
        match scrape.page {
            Ok(page) => {
                let taken = self.take_page(&page, at, tools).and_then(|()| {
                    tools.samples.settle();
                    self.commit_timed(Part::BeforeOwnTime, tools, &mut refused).map_err(PageError::Store)
                });
                if let Err(error) = taken {
                    match error {
                        PageError::LabelLimit(_) => tools.figures.over_label_limits.inc(),
                        PageError::SampleLimit => tools.figures.over_sample_limit.inc(),
                        _ => {}
                    }
                    scraped.error = Some(match error {
                        PageError::Parse(_) => with_hint(error.to_string(), page.body),
                        _ => error.to_string(),
                    });
                }
            }
            Err(error) => scraped.error = Some(error),
        }
        if scrape.over_body_limit {
            tools.figures.over_body_limit.inc();
        }
        if scraped.error.is_some() {
            tools.samples.row.clear(at);
            self.end_series(&mut tools.samples.row);
        }
        scraped.samples = tools.samples.total;
        scraped.duration = tools.clock.monotonic().saturating_sub(scrape.started);
        self.report(&scraped, body_bytes, &mut tools.samples);
        let samples = &mut tools.samples;
        tools.figures.duplicates.add(samples.duplicates);
        tools.figures.out_of_bounds.add(samples.out_of_bounds);
        refused.add(samples.refused, samples.duplicates + samples.out_of_bounds);
        match self.writer.commit(&samples.row) {
            Ok(report) => {
                count(&report, &tools.figures);
                refused.add(report.rejected.first().copied(), report.rejected.len() as u64);
                self.writer.retire(&self.leaving);
            }
            Err(error) => scraped.error = Some(error.to_string()),
        }
        if scraped.error.is_none()
            && let Err(error) = self.commit_timed(Part::AfterOwnTime, tools, &mut refused)
        {
            scraped.error = Some(error.to_string());
        }
        scraped.unstored = self.unstored(tools);
        self.leaving = Vec::new();
        self.complain(&refused);
        self.last_at = Some(at);
        tools.recall.trim(BUFFER_KEPT_BYTES);
        scraped.families = self.families.clone();
        scraped
    }

    /// Adds what is said of the scrape itself.
    fn report(&self, scraped: &Scraped, body_bytes: f64, samples: &mut Samples) {
        let job = &self.setup.job;
        let values = [
            if scraped.error.is_none() { 1.0 } else { 0.0 },
            scraped.duration.as_secs_f64(),
            samples.total as f64,
            (samples.total - samples.dropped) as f64,
            // A page that failed adds no series, and it fails with the same lines each time.
            if scraped.error.is_none() { samples.new_series as f64 } else { 0.0 },
            self.setup.timeout.as_seconds(),
            job.limits.samples as f64,
            body_bytes,
        ];
        let filled = if self.fills_report { samples.row.cells.iter().map(|cell| cell.column).collect() } else { BTreeSet::new() };
        // As in Prometheus what the page itself says comes first.
        let own = self.report.iter().zip(values).filter(|(column, _)| !filled.contains(*column));
        // In front: their columns came before those of any line, and a row in order is stored without a look at each cell's place.
        samples.row.cells.splice(0..0, own.map(|(column, value)| Cell { column: *column, value: Value::Float(value) }));
    }

    /// Says once that samples are being refused, and names one of their series.
    fn complain(&mut self, refused: &Refused) {
        let said = std::mem::replace(&mut self.has_complained, refused.first.is_some());
        if let Some((column, reason)) = refused.first.filter(|_| !said) {
            let series = self.lines.text_of(column).unwrap_or_else(|| "a series of the scrape itself".to_owned());
            tracing::warn!(target = self.setup.url, count = refused.count, series, "samples of a scrape are refused: {}", reason.as_str());
        }
    }

    /// Timestamps of one target grow; a wall clock that was set back a little does not cost samples.
    fn forward(&self, at: TimestampMs, figures: &Figures) -> TimestampMs {
        match self.last_at {
            Some(last) if at <= last => {
                figures.clock_steps.inc();
                let step = last - at;
                if step < self.setup.interval { TimestampMs(last.0 + 1) } else { at }
            }
            _ => at,
        }
    }

    /// How many lines of the last page have no series in the store, and why.
    fn unstored(&self, tools: &Tools) -> Option<(u64, String)> {
        let (why, _) = self.refusal.as_ref().filter(|_| tools.samples.unstored > 0)?;
        tools.figures.unstored(&self.setup.job.job_name, &self.setup.url).add(tools.samples.unstored);
        Some((tools.samples.unstored, why.to_string()))
    }

    /// Whether it is time to ask the store again for series that it refused.
    fn retries(&mut self) -> bool {
        let Some((_, wait)) = &mut self.refusal else { return false };
        *wait = wait.saturating_sub(1);
        *wait == 0
    }

    /// Reads the page into `tools.samples`.
    fn take_page(&mut self, page: &PlainPage<'_>, at: TimestampMs, tools: &mut Tools) -> Result<(), PageError> {
        if page.body.is_empty() {
            // All series end, but the lines stay known, as in Prometheus: a target that starts says nothing for a moment.
            self.end_series(&mut tools.samples.row);
            return Ok(());
        }
        let retries = self.retries();
        let job = self.setup.job.clone();
        let times = Times { at, honor: job.honor_timestamps, track: job.track_timestamps_staleness };
        if !retries && self.is_current && self.format == page.format && self.replay(page, times, &mut tools.samples) {
            if job.limits.samples > 0 && tools.samples.counted() > job.limits.samples {
                return Err(PageError::SampleLimit);
            }
            tools.figures.replayed.inc();
            self.is_live = true;
            return Ok(());
        }
        tools.figures.learned.inc();
        tools.samples.clear(at);
        if self.is_current {
            tools.recall.load(&self.lines);
        } else {
            tools.recall.load(&Lines::default());
        }
        let mut context = Context {
            writer: &mut *self.writer,
            target: &self.setup.labels,
            job: &job,
            families: &tools.families,
            before: &self.lines,
            times,
            retries,
        };
        let learned = learn::learn(page.body, page.format, &mut tools.recall, &mut tools.samples, &mut context)?;
        self.end_missing(&learned.lines, &mut tools.samples.row);
        self.leaving = gone(&self.lines, &learned.lines, &self.report);
        self.fills_report = learned.lines.fates().any(|fate| fate.column().is_some_and(|column| self.report.contains(&column)));
        self.refusal = match (learned.refusal, self.refusal.take()) {
            (Some(why), None) => {
                tracing::warn!(target = self.setup.url, "new series of a target are refused, all others go on: {why}");
                Some((why, REFUSED_SCRAPES))
            }
            (Some(why), Some(_)) => Some((why, REFUSED_SCRAPES)),
            (None, Some(held)) if learned.lines.fates().any(Fate::is_refused) => Some(held),
            (None, _) => None,
        };
        if let Some(families) = learned.families {
            self.describe(&families, tools)?;
            self.families = families;
        }
        (self.lines, self.created) = (learned.lines, learned.created);
        (self.format, self.is_current, self.is_live) = (page.format, true, true);
        Ok(())
    }

    fn replay(&self, page: &PlainPage<'_>, times: Times, samples: &mut Samples) -> bool {
        let mut cursor = 0;
        let has_created = !self.created.is_empty();
        self.lines.replay(page.format, page.body, |index, fate, tail| {
            if has_created {
                self.created.apply(index, &mut cursor, tail.value, &mut samples.row);
            }
            let as_before = fate.column().is_none() || Samples::is_tracked(&tail, times) == fate.is_tracked();
            samples.take(fate, tail, times);
            as_before
        })
    }

    fn describe(&mut self, families: &Families, tools: &Tools) -> Result<(), PageError> {
        tools.figures.metadata_changed(&self.setup.job.job_name, self.families.len(), families.len());
        for family in families.iter() {
            let known = self.families.binary_search_by(|other| other.name.cmp(&family.name));
            if !known.is_ok_and(|at| self.families[at] == *family) {
                self.writer.describe(&family.name, &family.metadata).map_err(PageError::Store)?;
            }
        }
        Ok(())
    }

    fn commit_timed(&mut self, part: Part, tools: &mut Tools, refused: &mut Refused) -> Result<(), AppendError> {
        let (writer, figures, last_at) = (&mut self.writer, &tools.figures, self.last_at);
        let mut rejected = Vec::new();
        tools.samples.timed_rows(part, &mut tools.timed, |row, is_first| {
            let report = writer.commit(row)?;
            refused.add(report.rejected.first().copied(), report.rejected.len() as u64);
            // Prometheus does not count what is behind a sample of the same page alone.
            let is_behind = part == Part::AfterOwnTime && last_at.is_some_and(|last| row.at <= last);
            if is_first || is_behind {
                count(&report, figures);
            }
            if is_first {
                rejected.extend_from_slice(&report.rejected);
            }
            Ok(())
        })?;
        if part == Part::BeforeOwnTime {
            let columns: Vec<Column> = rejected.iter().map(|(column, _)| *column).collect();
            let mut behind = tools.samples.without(&columns);
            // Only what is behind a sample of its series says that there is one to end.
            let ends = |why: &Rejected| matches!(why, Rejected::OutOfOrder | Rejected::Duplicate);
            let known: BTreeSet<Column> = rejected.iter().filter(|(_, why)| ends(why)).map(|(column, _)| *column).collect();
            behind.retain(|column| known.contains(column));
            self.end_behind(behind, &mut tools.samples);
        }
        Ok(())
    }

    /// A tracked series ends where its sample is refused, as if it were not on the page; once, until a sample is taken again.
    fn end_behind(&mut self, behind: Vec<Column>, samples: &mut Samples) {
        if self.setup.job.track_timestamps_staleness {
            for column in behind.iter().filter(|column| self.behind.binary_search(column).is_err()) {
                samples.row.push(*column, STALE_NAN);
            }
            self.behind = behind;
        }
    }

    /// Stale markers for what was tracked last time and is not now.
    fn end_missing(&self, now: &Lines, row: &mut Row) {
        if !self.is_live {
            return;
        }
        let (before, after) = (tracked(&self.lines), tracked(now));
        for column in before {
            if after.binary_search(&column).is_err() && !self.report.contains(&column) {
                row.push(column, STALE_NAN);
            }
        }
    }

    /// Stale markers for all series but the report's.
    fn end_series(&mut self, row: &mut Row) {
        if self.is_live {
            for column in tracked(&self.lines).into_iter().filter(|column| !self.report.contains(column)) {
                row.push(column, STALE_NAN);
            }
            self.is_live = false;
        }
    }

    /// The target is gone: everything it had ends at `at`.
    pub(super) fn end(&mut self, at: TimestampMs, tools: &mut Tools) -> Result<(), AppendError> {
        let row = &mut tools.samples.row;
        row.clear(at);
        self.end_series(row);
        if self.last_at.is_some() {
            for column in &self.report {
                row.push(*column, STALE_NAN);
            }
        }
        tools.figures.metadata_changed(&self.setup.job.job_name, self.families.len(), 0);
        if row.cells.is_empty() { Ok(()) } else { self.writer.commit(row).map(|_| ()) }
    }
}

/// Columns that the page before had and this one has not, but for the target's own.
fn gone(before: &Lines, now: &Lines, own: &[Column]) -> Vec<Column> {
    let columns = |lines: &Lines| -> BTreeSet<Column> { lines.fates().filter_map(|fate| fate.column()).collect() };
    let now = columns(now);
    columns(before).into_iter().filter(|column| !now.contains(column) && !own.contains(column)).collect()
}

/// Sorted, unique columns whose series end by a stale marker.
fn tracked(lines: &Lines) -> Vec<Column> {
    let mut columns: Vec<Column> = lines.fates().filter(|fate| fate.is_tracked()).filter_map(|fate| fate.column()).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

fn report_columns(writer: &mut dyn RowWriter, setup: &Setup) -> Result<Vec<Column>, AppendError> {
    let extra: &[&str] = if setup.job.extra_scrape_metrics { &EXTRA_REPORT } else { &[] };
    let mut columns = Vec::new();
    for name in REPORT.iter().chain(extra) {
        let mut labels = setup.labels.to_builder();
        labels.set(METRIC_NAME, name);
        columns.push(writer.column(&labels.build())?);
    }
    Ok(columns)
}

fn count(report: &RowReport, figures: &Figures) {
    for (_, reason) in &report.rejected {
        match reason {
            Rejected::OutOfOrder => figures.out_of_order.inc(),
            Rejected::Duplicate => figures.duplicates.inc(),
            Rejected::OutOfBounds | Rejected::TooFarAhead | Rejected::TooOld => figures.out_of_bounds.inc(),
        }
    }
}

#[cfg(test)]
mod tests;
