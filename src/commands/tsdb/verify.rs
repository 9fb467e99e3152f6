//! `promlet tsdb verify`: every checksum and invariant of promlet's own files, and of what a Prometheus left in the folder.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use super::progress::short;
use super::{DataFolder, Outcome, read};
use crate::blocks;
use crate::clock::Clock;
use crate::state;
use crate::tsdb::{RealDisk, verify};

#[derive(Args, Debug)]
pub struct VerifyFlags {
    #[command(flatten)]
    folder: DataFolder,
}

pub fn run(flags: &VerifyFlags, clock: &Clock) -> Outcome {
    let path = &flags.folder.path;
    read::existing(path)?;
    let _lock = blocks::folder::lock(path)?;
    let own = verify::folder(path, &RealDisk)?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "promlet: {} segments, {} series, {} stripes, {} pages; {} log files, {} records",
        own.segments,
        short(own.series as f64),
        own.stripes,
        own.pages,
        own.log_files,
        own.log_records
    )?;
    own.notes.iter().try_for_each(|note| writeln!(out, "note: {note}"))?;
    let mut problems = own.problems;
    // What it cannot be opened for is a problem of its own.
    problems.extend(state::verify(&path.join("promlet")).unwrap_or_else(|error| vec![error.to_string()]));
    // All of it, also what was imported.
    if let Some(found) = blocks::PrometheusFolder::open(path, &blocks::Imported::default(), clock.clone())? {
        let theirs = blocks::verify::folder(&found);
        writeln!(
            out,
            "Prometheus: {} blocks{}, {} series, {} chunks, {} samples",
            theirs.blocks,
            if found.has_head() { " and a head" } else { "" },
            short(theirs.series as f64),
            theirs.chunks,
            theirs.samples
        )?;
        problems.extend(theirs.problems);
    }
    problems.iter().try_for_each(|problem| writeln!(out, "damaged: {problem}"))?;
    writeln!(
        out,
        "{}",
        if problems.is_empty() { "everything is as it should be".to_owned() } else { format!("{} problems", problems.len()) }
    )?;
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
