//! `promlet test rules FILE...`: promtool's unit-test files, on the rule engine that serves, a virtual clock and a store in memory.
//!
//! Words, streams and exit codes are promtool's: what passed goes to standard output, what failed to standard error.

mod alerts;
mod bench;
mod difference;
mod junit;
mod samples;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::clock::Clock;
use crate::config::rule_tests::{RuleTest, RuleTests, load_rule_tests};
use crate::model::regex::GoRegex;
use crate::model::{DurationMs, TimestampMs};
use bench::Bench;
use junit::{Case, Suite};

#[derive(Args, Debug, Clone, Default)]
pub struct TestRulesFlags {
    /// Files with unit tests of rules
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Runs only tests whose name matches this expression; may be given several times
    #[arg(long, value_name = "REGEX")]
    pub run: Vec<String>,
    /// Shows alerts that differ as one coloured text
    #[arg(long)]
    pub diff: bool,
    /// Prints times and, at the end of each test, all samples
    #[arg(long)]
    pub debug: bool,
    /// Keys that rule files do not have are no error
    #[arg(long)]
    pub ignore_unknown_fields: bool,
    /// Writes a report in JUnit's format
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Features that the server will be started with, comma-separated
    #[arg(long = "enable-feature", value_name = "NAMES", value_delimiter = ',')]
    pub features: Vec<String>,
}

/// Where the words go.
pub struct Streams<'a> {
    pub out: &'a mut dyn Write,
    pub err: &'a mut dyn Write,
}

/// Runs all files; the exit code is 0 where every test passed.
pub fn run(flags: &TestRulesFlags) -> ExitCode {
    let mut streams = Streams { out: &mut io::stdout().lock(), err: &mut io::stderr().lock() };
    match run_files(flags, &Clock::system(), &mut streams) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _closed_pipe = writeln!(io::stderr(), "promlet test rules: {error}");
            ExitCode::FAILURE
        }
    }
}

/// True where every test of every file passed; the error is one of writing, or of an expression in `--run`.
pub fn run_files(flags: &TestRulesFlags, clock: &Clock, streams: &mut Streams<'_>) -> io::Result<bool> {
    let chosen = match flags.run.as_slice() {
        [] => None,
        parts => Some(GoRegex::new(&parts.join("|")).map_err(|error| io::Error::other(format!("--run: {error}")))?),
    };
    let (mut suites, mut all_passed) = (Vec::new(), true);
    for file in &flags.files {
        writeln!(streams.out, "Unit Testing:  {}", file.display())?;
        let (suite, errors) = run_file(flags, file, chosen.as_ref(), clock, streams)?;
        suites.push(suite);
        if errors.is_empty() {
            writeln!(streams.out, "  SUCCESS")?;
        } else {
            all_passed = false;
            writeln!(streams.err, "  FAILED:")?;
            for error in errors {
                writeln!(streams.err, "{error}")?;
                writeln!(streams.out)?;
            }
        }
        writeln!(streams.out)?;
    }
    if let Some(path) = &flags.junit {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        std::fs::write(path, junit::document(&suites)).map_err(named)?;
    }
    streams.out.flush()?;
    Ok(all_passed)
}

/// The report of one file, and what failed in it.
fn run_file(
    flags: &TestRulesFlags,
    file: &Path,
    chosen: Option<&GoRegex>,
    clock: &Clock,
    streams: &mut Streams<'_>,
) -> io::Result<(Suite, Vec<String>)> {
    let mut suite = Suite::new(file.display().to_string());
    let tests = match load_rule_tests(file) {
        Ok(tests) => tests,
        Err(problems) => {
            let errors: Vec<String> = problems.iter().map(ToString::to_string).collect();
            suite.abort(errors.join("\n"));
            return Ok((suite, errors));
        }
    };
    for pattern in &tests.unmatched {
        writeln!(streams.err, "  WARNING: no file match pattern {}", pattern.display())?;
    }
    suite.timestamp = junit::timestamp(clock.now());
    let mut errors = Vec::new();
    for (place, test) in tests.tests.iter().enumerate() {
        if chosen.is_some_and(|chosen| !chosen.is_match(&test.name)) {
            continue;
        }
        let name = if test.name.is_empty() { format!("unnamed#{place}") } else { test.name.clone() };
        let started = clock.monotonic();
        if flags.debug {
            writeln!(streams.err, "DEBUG: Starting test {name}")?;
        }
        let failures = run_test(flags, &tests, test, streams)?;
        if flags.debug {
            writeln!(streams.err, "DEBUG: Test {name} finished, took {:?}", clock.monotonic().saturating_sub(started))?;
        }
        errors.extend(failures.iter().cloned());
        suite.cases.push(Case { name, failures, error: String::new() });
    }
    Ok((suite, errors))
}

/// What failed in one test.
fn run_test(flags: &TestRulesFlags, file: &RuleTests, test: &RuleTest, streams: &mut Streams<'_>) -> io::Result<Vec<String>> {
    let mut bench = match Bench::new(file, test, flags) {
        Ok(bench) => bench,
        Err(errors) => return Ok(errors),
    };
    let mut expected = alerts::in_order(&test.alerts);
    let (mut at, mut failures) = (DurationMs::ZERO, Vec::new());
    let last = test.last_eval_time();
    while at <= last {
        let errors = bench.evaluate(test.start + at);
        if !errors.is_empty() {
            failures.extend(errors);
            return Ok(failures);
        }
        // What is expected before the next evaluation is seen by this one.
        let next = DurationMs(at.0.saturating_add(file.evaluation_interval.0));
        while let Some(due) = expected.pop_if(|due| due.eval_time < next) {
            failures.extend(alerts::judge(due, &bench.firing(&due.alert), &test.name, flags.diff));
        }
        at = next;
    }
    for expr in &test.exprs {
        failures.extend(samples::judge(expr, &bench, test.start + expr.eval_time, file.fuzzy_compare));
    }
    if flags.debug {
        dump(&bench, test.start, last, streams)?;
    }
    Ok(failures)
}

/// All samples of a test, as a range vector.
fn dump(bench: &Bench, start: TimestampMs, last: DurationMs, streams: &mut Streams<'_>) -> io::Result<()> {
    // A whole second after the last thing that is tested.
    let span = DurationMs((last.0 + 1000) / 1000 * 1000);
    // A range leaves out its first moment.
    let expr = format!("{{__name__=~\".+\"}}[{}]", DurationMs(span.0 + 1000));
    match bench.ask(&expr, start + span) {
        Ok(value) => {
            writeln!(
                streams.err,
                "DEBUG: Dump of all data (input_series and rules) at {}:",
                crate::yaml::scalar::format_go_duration(span)
            )?;
            for line in samples::dump(&value) {
                writeln!(streams.err, "{line}")?;
            }
            Ok(())
        }
        Err(error) => writeln!(streams.err, "DEBUG: Failed query exec, expr: {}, err: {error}", crate::model::number::quote(&expr)),
    }
}
