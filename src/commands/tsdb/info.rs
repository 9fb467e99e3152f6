//! `promlet tsdb info`: segments, series, what each codec costs, the metrics with the most series.

use std::collections::HashMap;
use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use super::progress::{bytes, short};
use super::{DataFolder, Failed, Outcome, read};
use crate::clock::Clock;
use crate::model::{METRIC_NAME, TimeRange};
use crate::tsdb::StoreStats;

#[derive(Args, Debug)]
pub struct InfoFlags {
    #[command(flatten)]
    folder: DataFolder,
    /// How long lists are
    #[arg(long, default_value_t = 10)]
    limit: usize,
}

pub fn run(flags: &InfoFlags, clock: &Clock) -> Outcome {
    read::existing(&flags.folder.path)?;
    let (store, select) = read::select(&flags.folder.path, false, clock)?;
    let stats = store.stats(flags.limit);
    let mut out = std::io::stdout().lock();
    segments(&mut out, &stats)?;
    let codecs = store.codecs()?;
    let samples: u64 = stats.segments.iter().map(|s| s.samples).sum();
    if samples > 0 {
        writeln!(out, "\n{:<10} {:>10} {:>14} {:>12} {:>10}", "codec", "pages", "values", "bytes", "B/value")?;
        for codec in &codecs {
            let each = if codec.rows > 0 { format!("{:.3}", codec.bytes as f64 / codec.rows as f64) } else { String::new() };
            writeln!(out, "{:<10} {:>10} {:>14} {:>12} {:>10}", codec.codec, codec.pages, codec.rows, codec.bytes, each)?;
        }
        let all: u64 = stats.segments.iter().map(|s| s.bytes).sum();
        writeln!(out, "{:<10} {:>10} {:>14} {:>12} {:>10.3}", "all", "", samples, all, all as f64 / samples as f64)?;
    }
    prometheus(&mut out, flags, clock)?;
    let snapshot = select.open(TimeRange::ALL)?;
    let series = snapshot.series(&[], TimeRange::ALL)?;
    let mut by_metric: HashMap<&str, u64> = HashMap::new();
    series.iter().for_each(|labels| *by_metric.entry(labels.get(METRIC_NAME).unwrap_or("")).or_default() += 1);
    let mut top: Vec<_> = by_metric.into_iter().collect();
    top.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    writeln!(out, "\n{} series of {} metrics; most series:", series.len(), top.len())?;
    for (metric, count) in top.iter().take(flags.limit) {
        writeln!(out, "{count:>10}  {metric}")?;
    }
    drop(snapshot);
    store.close()?;
    Ok(ExitCode::SUCCESS)
}

fn segments(out: &mut impl Write, stats: &StoreStats) -> Result<(), Failed> {
    writeln!(out, "{:<10} {:>5} {:>12} {:>10} {:>14} {:>8}  from, hours", "segment", "level", "bytes", "series", "samples", "B/sample")?;
    for s in &stats.segments {
        let each = s.bytes as f64 / s.samples.max(1) as f64;
        let hours = (s.max_time - s.min_time) as f64 / 3_600_000.0;
        let from = s.min_time / 1000;
        writeln!(out, "{:<10} {:>5} {:>12} {:>10} {:>14} {:>8.3}  {from}, {hours:.1}", s.id, s.level, s.bytes, s.series, s.samples, each)?;
    }
    writeln!(out, "row log {}, open segment {}", bytes(stats.log_bytes), bytes(stats.open_segment_bytes))?;
    Ok(())
}

/// What is left of a Prometheus in the folder.
fn prometheus(out: &mut impl Write, flags: &InfoFlags, clock: &Clock) -> Result<(), Failed> {
    let Some(found) = read::prometheus(&flags.folder.path, clock)? else { return Ok(()) };
    writeln!(out, "\nof Prometheus, not imported:")?;
    for block in found.blocks() {
        let stats = &block.meta.stats;
        let hours = (block.meta.max_time - block.meta.min_time) as f64 / 3_600_000.0;
        let each = block.chunks.size_bytes() as f64 / stats.num_samples.max(1) as f64;
        let size = bytes(block.chunks.size_bytes());
        let (name, from) = (&block.meta.ulid, block.meta.min_time / 1000);
        writeln!(
            out,
            "{name} {:>8} series {:>14} samples, chunks {size} ({each:.3} B/sample), from {from}, {hours:.1} hours",
            stats.num_series, stats.num_samples
        )?;
    }
    if let Some(head) = found.head()? {
        writeln!(
            out,
            "head: {} series, {} samples of the log in memory ({})",
            head.series.len(),
            short(head.samples as f64),
            bytes(head.size_bytes() as u64)
        )?;
    }
    Ok(())
}
