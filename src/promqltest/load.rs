//! `load`: series into the store, row by row.

use std::collections::BTreeMap;

use super::script::{Placed, duration};
use crate::model::number::quote;
use crate::model::{DurationMs, Labels, TimestampMs, Value};
use crate::promql::series::{Values, parse_metric, parse_series};
use crate::promql::test_histograms::{classic_to_native, with_reset_hints};
use crate::storage::{Append, Cell, Column, GroupKey, GroupSource, Row, RowWriter};

/// Series whose values are `gap` apart, from zero on.
#[derive(Debug)]
pub struct Load {
    gap: DurationMs,
    with_nhcb: bool,
    /// In order of appearance; a later line with equal labels replaces an earlier one.
    series: Vec<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    labels: Labels,
    values: Values,
    /// Start timestamps, relative to each value's time.
    starts: Vec<Option<DurationMs>>,
}

impl Load {
    pub fn parse(line: &str, body: &[&str]) -> Placed<Self> {
        let mut words = line.split_whitespace();
        let with_nhcb = match words.next() {
            Some("load") => false,
            Some("load_with_nhcb") => true,
            other => return Err((0, format!("invalid command {other:?}"))),
        };
        let gap = words.next().ok_or((0, "load needs the time between values".to_owned()))?;
        let gap = duration(gap).map_err(|message| (0, message))?;
        let mut load = Self { gap, with_nhcb, series: Vec::new() };
        let mut starts = None;
        for (offset, line) in body.iter().enumerate() {
            let placed = |message| (offset + 1, message);
            if let Some(found) = starts_line(line).map_err(placed)? {
                starts = Some(found);
                continue;
            }
            let (labels, values) = parse_series(line).map_err(placed)?;
            let starts = match starts.take() {
                Some((of, starts)) if of == labels && starts.len() == values.len() => starts,
                Some((of, _)) if of != labels => return Err(placed(format!("start timestamps of {of} stand before {labels}"))),
                Some((_, starts)) => return Err(placed(format!("{} start timestamps for {} values", starts.len(), values.len()))),
                None => Vec::new(),
            };
            load.series.retain(|s| s.labels != labels);
            load.series.push(Loaded { labels, values, starts });
        }
        Ok(load)
    }

    /// Series as files with tests of rules hold them: the metric, and its values.
    pub fn of_series<'s>(gap: DurationMs, series: impl Iterator<Item = (&'s str, &'s str)>) -> Result<Self, String> {
        let text: Vec<String> = series.map(|(metric, values)| format!("{metric} {values}")).collect();
        let lines = text.iter().flat_map(|text| text.lines()).map(str::trim).map(|line| if line.starts_with('#') { "" } else { line });
        // As in a test file, an empty line ends it.
        let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
        let at = |(line, message): (usize, String)| match line.checked_sub(1).and_then(|line| lines.get(line)) {
            Some(line) => format!("input_series: {}: {message}", quote(line)),
            None => format!("input_series: {message}"),
        };
        Self::parse(&format!("load {gap}"), &lines).map_err(at)
    }

    /// Appends everything, oldest rows first.
    pub fn run(&self, store: &dyn Append) -> Result<(), String> {
        self.feed(store, TimestampMs(0))?.until(TimestampMs(i64::MAX))
    }

    /// All rows, not yet appended; the first values are those of `from`.
    pub fn feed(&self, store: &dyn Append, from: TimestampMs) -> Result<Feed, String> {
        let key = GroupKey { source: GroupSource::Push, name: "load".to_owned(), labels: Labels::empty() };
        let mut writer = store.writer(&key).map_err(|error| error.to_string())?;
        let mut rows: BTreeMap<i64, Row> = BTreeMap::new();
        for series in &self.series {
            self.fill(series, from, &mut *writer, &mut rows)?;
        }
        if self.with_nhcb {
            let plain: Vec<(Labels, Values)> = self.series.iter().map(|s| (s.labels.clone(), s.values.clone())).collect();
            for (labels, values) in classic_to_native(&plain) {
                self.fill(&Loaded { labels, values, starts: Vec::new() }, from, &mut *writer, &mut rows)?;
            }
        }
        Ok(Feed { writer, rows })
    }

    fn fill(&self, series: &Loaded, from: TimestampMs, writer: &mut dyn RowWriter, rows: &mut BTreeMap<i64, Row>) -> Result<(), String> {
        let column: Column = writer.column(&series.labels).map_err(|error| error.to_string())?;
        for (place, value) in with_reset_hints(&series.values).into_iter().enumerate() {
            let Some(value): Option<Value> = value else { continue };
            let at = self.gap.0.saturating_mul(place as i64).saturating_add(from.0);
            let row = rows.entry(at).or_insert_with(|| Row::new(TimestampMs(at)));
            row.cells.push(Cell { column, value });
            if let Some(Some(start)) = series.starts.get(place) {
                row.starts.push((column, TimestampMs(at + start.0)));
            }
        }
        Ok(())
    }
}

/// Rows on their way into a store.
pub struct Feed {
    writer: Box<dyn RowWriter>,
    rows: BTreeMap<i64, Row>,
}

impl Feed {
    /// Appends what is not later than `at`, oldest rows first.
    pub fn until(&mut self, at: TimestampMs) -> Result<(), String> {
        while let Some(row) = self.rows.first_entry().filter(|row| *row.key() <= at.0) {
            let report = self.writer.commit(&row.remove()).map_err(|error| error.to_string())?;
            if let Some((_, rejected)) = report.rejected.first() {
                return Err(format!("load: {}", rejected.as_str()));
            }
        }
        Ok(())
    }
}

/// The metric of a `metric@st` line, and its start timestamps.
type StartsLine = (Labels, Vec<Option<DurationMs>>);

/// `series@st d1 d2 ...`: each a duration relative to its sample's time.
fn starts_line(line: &str) -> Result<Option<StartsLine>, String> {
    let Ok((labels, rest)) = parse_metric(&line.replacen("@st", " @st", 1)).map(|(l, r)| (l, r.trim().to_owned())) else {
        return Ok(None);
    };
    let Some(items) = rest.strip_prefix("@st") else { return Ok(None) };
    let mut starts = Vec::new();
    for item in items.split_whitespace() {
        start_item(item, &mut starts)?;
    }
    Ok(Some((labels, starts)))
}

/// `_`, `_x3`, `-30s`, `-30sx3`, `-30s-1mx2`.
fn start_item(item: &str, starts: &mut Vec<Option<DurationMs>>) -> Result<(), String> {
    let (body, times) = match item.rsplit_once('x') {
        Some((body, times)) => (body, Some(times.parse::<usize>().map_err(|_| format!("a repetition needs a number: {item}"))?)),
        None => (item, None),
    };
    if body == "_" {
        starts.extend(std::iter::repeat_n(None, times.unwrap_or(1)));
        return Ok(());
    }
    let (first, step) = match body.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')) {
        Some((at, _)) => (&body[..at], duration(body[at..].trim_start_matches('+'))?),
        None => (body, DurationMs::ZERO),
    };
    let first = duration(first.trim_start_matches('+'))?;
    for count in 0..=times.unwrap_or(0) {
        starts.push(Some(DurationMs(first.0 + step.0 * count as i64)));
    }
    Ok(())
}
