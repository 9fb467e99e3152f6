//! `promlet test promql FILE|DIR…`: files in the language of Prometheus's own tests.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::promqltest;

#[derive(Args, Debug)]
pub struct TestPromqlFlags {
    /// Files, or folders whose *.test files are run
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// A list of cases that may fail, a line each: file:line reason
    #[arg(long, value_name = "FILE")]
    pub exempt: Option<PathBuf>,
    /// Names each case that passed, too
    #[arg(long)]
    pub verbose: bool,
}

pub fn run(flags: &TestPromqlFlags) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match run_all(flags, &mut out) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _closed_pipe = writeln!(std::io::stderr(), "promlet test promql: {error}");
            ExitCode::FAILURE
        }
    }
}
