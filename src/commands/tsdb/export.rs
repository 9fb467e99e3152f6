//! `promlet tsdb export --blocks DIR`: blocks that Prometheus serves, one for each stretch of time that has samples.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::progress::{Progress, short};
use super::{DataFolder, Failed, Outcome, read};
use crate::blocks::BlockWriter;
use crate::clock::Clock;
use crate::commands::serve_flags::duration;
use crate::model::{DurationMs, TimeRange, TimestampMs};
use crate::storage::{ColumnValues, Hints, Select};

#[derive(Args, Debug)]
pub struct ExportFlags {
    /// Where blocks are written; a Prometheus data folder, or a folder that becomes one
    #[arg(long, value_name = "DIR", required = true)]
    blocks: PathBuf,
    #[command(flatten)]
    from: DataFolder,
    /// First time, in Unix seconds
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    start: Option<f64>,
    /// Last time, in Unix seconds
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    end: Option<f64>,
    /// How long a block is; Prometheus joins short ones by itself
    #[arg(long, value_name = "DURATION", default_value = "2h", value_parser = duration)]
    block_duration: DurationMs,
}

pub fn run(flags: &ExportFlags, clock: &Clock) -> Outcome {
    read::existing(&flags.from.path)?;
    if flags.block_duration.0 < 60_000 {
        return Err(Failed("--block-duration: a block is at least a minute long".to_owned()));
    }
    std::fs::create_dir_all(&flags.blocks).map_err(|error| Failed(format!("{}: {error}", flags.blocks.display())))?;
    // Into its own folder only that is written which Prometheus does not have there.
    let into_own = flags.blocks.canonicalize().ok() == flags.from.path.canonicalize().ok();
    let (store, select) = read::select(&flags.from.path, into_own, clock)?;
    let asked = TimeRange::new(
        flags.start.map_or(TimestampMs::MIN, TimestampMs::from_seconds),
        flags.end.map_or(TimestampMs::MAX, TimestampMs::from_seconds),
    );
    let Some(range) = extent(select.as_ref(), asked)? else {
        writeln!(std::io::stdout(), "no samples to export")?;
        return Ok(ExitCode::SUCCESS);
    };
    let step = flags.block_duration.0;
    let first = range.min.0.div_euclid(step);
    let count = (range.max.0.div_euclid(step) - first + 1) as u64;
    let (mut progress, mut blocks, mut samples) = (Progress::new(count, clock), 0u64, 0u64);
    for number in 0..count {
        let start = (first + number as i64) * step;
        let window = TimeRange::new(TimestampMs(start.max(range.min.0)), TimestampMs((start + step - 1).min(range.max.0)));
        if let Some(written) = block(select.as_ref(), window, (start, start + step), flags, clock)? {
            blocks += 1;
            samples += written;
        }
        progress.step(number + 1, "blocks", samples);
    }
    progress.finish();
    store.close()?;
    let text = format!(
        "{blocks} blocks with {} samples written to {} in {:.1} s",
        short(samples as f64),
        flags.blocks.display(),
        progress.seconds()
    );
    writeln!(std::io::stdout(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}

/// From the first to the last sample, within what is asked for.
fn extent(select: &dyn Select, asked: TimeRange) -> Result<Option<TimeRange>, Failed> {
    let snapshot = select.open(asked)?;
    let (mut first, mut last) = (None::<TimestampMs>, None::<TimestampMs>);
    for batch in snapshot.select(&[], &Hints { range: Some(asked), ..Hints::default() })? {
        first = batch.times().first().copied().into_iter().chain(first).min();
        last = batch.times().last().copied().into_iter().chain(last).max();
    }
    Ok(first.zip(last).map(|(first, last)| TimeRange::new(first, last)))
}

/// Writes one block; how many samples it has, if there is any.
fn block(select: &dyn Select, window: TimeRange, ends: (i64, i64), flags: &ExportFlags, clock: &Clock) -> Result<Option<u64>, Failed> {
    let snapshot = select.open(window)?;
    let batches = snapshot.select(&[], &Hints { range: Some(window), ..Hints::default() })?;
    if batches.is_empty() {
        return Ok(None);
    }
    let mut writer = BlockWriter::new(&flags.blocks, clock.now())?;
    let (mut values, mut count) = (ColumnValues::default(), 0u64);
    for (labels, batch, index) in read::in_order(snapshot.as_ref(), &batches) {
        let samples = read::samples(batches[batch].as_ref(), index, &mut values)?;
        count += samples.len() as u64;
        writer.series(&labels, &samples)?;
    }
    Ok(writer.finish(ends.0, ends.1)?.map(|_| count))
}
