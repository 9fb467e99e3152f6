//! `promlet tsdb import DIR`: blocks, head chunks and write-ahead log of a Prometheus become segments. A block is imported as a whole or not at
//! all, and what is done is known from the segments themselves, so that a second run goes on where the first one stopped.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::progress::{Progress, bytes, short};
use super::{DataFolder, Failed, Outcome, read};
use crate::blocks::deleted::BySeries;
use crate::blocks::imported::fingerprint;
use crate::blocks::target::Origin;
use crate::blocks::{Imported, PrometheusFolder, folder};
use crate::clock::Clock;
use crate::storage::{GroupKey, GroupSource};
use crate::tsdb::Tsdb;
use crate::tsdb::import::ROWS_MAX;

/// Groups of imported samples are named so, and then for what they are from.
const PREFIX: &str = "import ";

#[derive(Args, Debug)]
pub struct ImportFlags {
    /// The data folder of a Prometheus that is stopped, or a copy or snapshot of one; it may be the data folder itself
    #[arg(value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    into: DataFolder,
}

/// One thing that is imported as a whole.
struct Work {
    name: String,
    text: String,
    origin: Origin,
}

pub fn run(flags: &ImportFlags, clock: &Clock) -> Outcome {
    read::existing(&flags.from)?;
    let is_same = flags.into.path.canonicalize().ok().is_some_and(|into| flags.from.canonicalize().is_ok_and(|from| from == into));
    // Within its own folder the store's lock is Prometheus's too.
    let _lock = if is_same { None } else { folder::lock(&flags.from)? };
    let store = read::store(&flags.into.path, clock)?;
    let own = flags.into.path.join("promlet");
    let mut imported = Imported::read(&own)?;
    let nothing = Imported::default();
    let found = PrometheusFolder::open(&flags.from, &nothing, clock.clone())?
        .ok_or_else(|| Failed(format!("{}: here is nothing of Prometheus: no blocks and no write-ahead log", flags.from.display())))?;
    let deleted = found.deleted();
    let done_before = store.group_names(PREFIX)?;
    let mut failures = 0usize;
    for error in found.unreadable() {
        failures += 1;
        say(&format!("{error}; this block is not imported"));
    }
    let mut work = to_do(&found, &flags.from)?;
    let all = work.len();
    work.retain(|w| !done_before.contains(&format!("{PREFIX}{}", w.name)));
    let before = all - work.len();
    let (mut progress, mut samples, mut series) = (Progress::new(work.len() as u64 * 1000, clock), 0u64, 0u64);
    for (number, one) in work.iter().enumerate() {
        match import(&store, one, &deleted, number as u64, &mut progress, samples) {
            Ok((of_one, of_series)) => {
                samples += of_one;
                series += of_series;
            }
            Err(Failed(text)) => {
                failures += 1;
                progress.finish();
                say(&format!("{}: {text}; it is not imported", one.text));
            }
        }
    }
    progress.finish();
    if is_same && failures == 0 {
        // From now on the server reads the segments, and not the blocks that they were made from.
        for one in to_do(&found, &flags.from)? {
            match one.origin {
                Origin::Block(_) => imported.add_block(&one.name)?,
                Origin::Head(_) => imported.add_head(&flags.from)?,
            }
        }
    }
    store.close()?;
    let size = store.stats(0).segments.iter().map(|segment| segment.bytes).sum();
    let text = format!(
        "imported {} of {all} parts ({before} were there already): {} samples of {} series in {:.1} s; the segments have {} now",
        work.len() - failures.min(work.len()),
        short(samples as f64),
        short(series as f64),
        progress.seconds(),
        bytes(size),
    );
    writeln!(std::io::stdout(), "{text}")?;
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say(text: &str) {
    let _closed_pipe = writeln!(std::io::stderr(), "promlet tsdb import: {text}");
}

fn to_do(found: &PrometheusFolder, from: &std::path::Path) -> Result<Vec<Work>, Failed> {
    let mut work: Vec<Work> = Vec::new();
    for block in found.blocks() {
        work.push(Work { name: block.meta.ulid.clone(), text: format!("block {}", block.meta.ulid), origin: Origin::Block(block) });
    }
    if let Some(head) = found.head()? {
        let name = format!("head {}", fingerprint(from));
        work.push(Work { name, text: "head and write-ahead log".to_owned(), origin: Origin::Head(head) });
    }
    Ok(work)
}

/// Samples and series written.
fn import(store: &Tsdb, work: &Work, deleted: &BySeries, number: u64, progress: &mut Progress, before: u64) -> Result<(u64, u64), Failed> {
    let mut importer = store.importer()?;
    let targets = work.origin.targets()?;
    let (mut samples, mut series) = (0u64, 0u64);
    for (at, target) in targets.iter().enumerate() {
        let key = GroupKey { source: GroupSource::Push, name: format!("{PREFIX}{}", work.name), labels: target.labels.clone() };
        series += target.series.len() as u64;
        let written = work.origin.each_rows(target, deleted, ROWS_MAX, |rows| {
            let held = |values: &crate::storage::ColumnValues| values.present.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
            samples += rows.columns.iter().map(|(_, values)| held(values)).sum::<u64>();
            importer.rows(&key, rows.set, &rows.times, &rows.columns).map_err(Stop::Write)?;
            progress.step(number * 1000 + (at * 1000 / targets.len()) as u64, &work.text, before + samples);
            Ok::<(), Stop>(())
        });
        if let Err(error) = written {
            importer.discard();
            return Err(Failed(match error {
                Stop::Read(error) => error.to_string(),
                Stop::Write(error) => format!("writing a segment: {error}"),
            }));
        }
    }
    importer.finish()?;
    Ok((samples, series))
}

enum Stop {
    Read(crate::blocks::BlockError),
    Write(std::io::Error),
}

impl From<crate::blocks::BlockError> for Stop {
    fn from(error: crate::blocks::BlockError) -> Self {
        Self::Read(error)
    }
}
