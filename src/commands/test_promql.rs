//! `promlet test promql FILE|DIR…`: files in the language of Prometheus's own tests.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::promqltest::{self, Report};

#[derive(Args, Debug)]
pub struct TestPromqlFlags {
    /// Files, or folders whose *.test files are run
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// Runs all files; the exit code is 0 where every case passed.
pub fn run(flags: &TestPromqlFlags) -> ExitCode {
    match run_all(&flags.paths, &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _closed_pipe = writeln!(io::stderr(), "promlet test promql: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run_all(paths: &[PathBuf], out: &mut impl Write) -> io::Result<bool> {
    let (mut passed, mut failed) = (0, 0);
    for file in test_files(paths)? {
        let text = fs::read_to_string(&file).map_err(|error| named(&file, &error))?;
        let report: Report = promqltest::run(&text, &file.display().to_string());
        for failure in &report.failed {
            writeln!(out, "{}:{}: {}\n    {}", report.name, failure.line, failure.expr, failure.message)?;
        }
        writeln!(out, "{}: {} passed, {} failed", report.name, report.passed.len(), report.failed.len())?;
        passed += report.passed.len();
        failed += report.failed.len();
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    Ok(failed == 0)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn test_files(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut found = Vec::new();
            for entry in fs::read_dir(path).map_err(|error| named(path, &error))? {
                found.push(entry?.path());
            }
            found.retain(|file| file.extension().is_some_and(|e| e == "test"));
            found.sort();
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}
