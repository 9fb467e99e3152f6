//! `promlet tsdb dump`: samples as OpenMetrics text, in order of labels and time. `promtool tsdb create-blocks-from openmetrics` reads it.
//!
//! Text has no form for native histograms: they come as classic ones, with a bucket for each bound that has counts.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Args;

use super::{DataFolder, Failed, Outcome, read};
use crate::clock::Clock;
use crate::model::number::format_general;
use crate::model::{Histogram, Labels, METRIC_NAME, Matcher, TimeRange, TimestampMs, is_stale};
use crate::promql::{self, ExprKind, Features};
use crate::storage::{ColumnValues, Hints};

#[derive(Args, Debug)]
pub struct DumpFlags {
    #[command(flatten)]
    folder: DataFolder,
    /// Only series that this selector matches; several: series that any of them matches
    #[arg(long = "match", value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// First time, in Unix seconds
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    start: Option<f64>,
    /// Last time, in Unix seconds
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    end: Option<f64>,
}

pub fn run(flags: &DumpFlags, clock: &Clock) -> Outcome {
    read::existing(&flags.folder.path)?;
    let mut selectors: Vec<Vec<Matcher>> = Vec::new();
    for text in &flags.selectors {
        let parsed = promql::parse(text, Features::default()).map_err(|errors| Failed(format!("--match {text}: {}", first(&errors))))?;
        let ExprKind::Selector(selector) = parsed.kind else {
            return Err(Failed(format!("--match {text}: this is no selector of series, such as up or {{job=\"node\"}}")));
        };
        selectors.push(selector.matchers);
    }
    if selectors.is_empty() {
        selectors.push(Vec::new());
    }
    let range = TimeRange::new(
        flags.start.map_or(TimestampMs::MIN, TimestampMs::from_seconds),
        flags.end.map_or(TimestampMs::MAX, TimestampMs::from_seconds),
    );
    let (store, select) = read::select(&flags.folder.path, false, clock)?;
    let snapshot = select.open(range)?;
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let (mut values, mut done, mut text) = (ColumnValues::default(), BTreeSet::new(), String::new());
    for matchers in &selectors {
        let batches = snapshot.select(matchers, &Hints { range: Some(range), ..Hints::default() })?;
        for (labels, batch, index) in read::in_order(snapshot.as_ref(), &batches) {
            if selectors.len() > 1 && !done.insert(labels.clone()) {
                continue;
            }
            let samples = read::samples(batches[batch].as_ref(), index, &mut values)?;
            let plain = series_text(&labels, "", None);
            for (row, at) in samples.times.iter().enumerate() {
                text.clear();
                match samples.histogram(row) {
                    Some(histogram) => put_histogram(&mut text, &labels, histogram, *at),
                    // The end of a series has no form in text.
                    None if is_stale(samples.floats[row]) => {}
                    None => put(&mut text, &plain, samples.floats[row], *at),
                }
                out.write_all(text.as_bytes())?;
            }
        }
    }
    out.write_all(b"# EOF\n")?;
    out.flush()?;
    drop(snapshot);
    store.close()?;
    Ok(ExitCode::SUCCESS)
}

fn first(errors: &[promql::ParseError]) -> String {
    errors.first().map_or_else(String::new, |error| error.message.clone())
}

fn put(out: &mut String, series: &str, value: f64, at: i64) {
    out.push_str(series);
    out.push(' ');
    out.push_str(&format_general(value));
    out.push_str(&format!(" {}{}.{:03}\n", if at < 0 { "-" } else { "" }, at.unsigned_abs() / 1000, at.unsigned_abs() % 1000));
}

/// `name_suffix{a="b",le="1"}`; names that are not plain stand quoted among the labels.
fn series_text(labels: &Labels, suffix: &str, le: Option<&str>) -> String {
    let name = format!("{}{suffix}", labels.metric_name());
    let is_plain = |text: &str, colon: bool| {
        let fits = |(at, c): (usize, char)| c.is_ascii_alphabetic() || c == '_' || (c == ':' && colon) || (at > 0 && c.is_ascii_digit());
        !text.is_empty() && text.chars().enumerate().all(fits)
    };
    let mut parts = Vec::new();
    if !is_plain(&name, true) && !name.is_empty() {
        parts.push(quoted(&name));
    }
    for (label, value) in labels.iter().filter(|(label, _)| *label != METRIC_NAME) {
        let label = if is_plain(label, false) { label.to_owned() } else { quoted(label) };
        parts.push(format!("{label}={}", quoted(value)));
    }
    parts.extend(le.map(|le| format!("le=\"{le}\"")));
    let name = if is_plain(&name, true) { name.as_str() } else { "" };
    if parts.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", parts.join(",")) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\""))
}

fn put_histogram(out: &mut String, labels: &Labels, histogram: &Histogram, at: i64) {
    if is_stale(histogram.sum) {
        return;
    }
    let mut total = 0.0;
    for bucket in histogram.all_buckets() {
        total += bucket.count;
        if bucket.upper.is_finite() {
            put(out, &series_text(labels, "_bucket", Some(&format_general(bucket.upper))), total, at);
        }
    }
    put(out, &series_text(labels, "_bucket", Some("+Inf")), histogram.count, at);
    put(out, &series_text(labels, "_sum", None), histogram.sum, at);
    put(out, &series_text(labels, "_count", None), histogram.count, at);
}
