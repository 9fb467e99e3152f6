//! `promlet check rules FILE...`: whether rule files load, as promtool does, and what is wrong with rules that do.

mod evidence;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::check::plural;
use super::http_flags::HttpFlags;
use super::serve;
use crate::app::questions;
use crate::config::rules::{Defaults, RuleFile, load_with};
use crate::lint::{self, Finding, Known};

/// promtool's exit code where lint is fatal.
const LINT_FOUND: u8 = 3;

#[derive(Args, Debug, Clone, Default)]
pub struct CheckRulesFlags {
    /// Rule files [default: standard input]
    pub files: Vec<PathBuf>,
    /// Lints to apply, comma-separated: all, none, duplicate-rules, or names as they are printed
    #[arg(long, value_name = "LINTS", default_value = "all", value_delimiter = ',')]
    pub lint: Vec<String>,
    /// Findings make the exit code 3
    #[arg(long)]
    pub lint_fatal: bool,
    /// Keys that rule files do not have are no error
    #[arg(long)]
    pub ignore_unknown_fields: bool,
    /// A running server whose metrics, labels and intervals are held against the rules
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    #[command(flatten)]
    pub http: HttpFlags,
    /// Features that the server will be started with, comma-separated
    #[arg(long = "enable-feature", value_name = "NAMES", value_delimiter = ',')]
    pub features: Vec<String>,
}

/// What became of all files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub files_wrong: usize,
    pub findings: usize,
}

pub fn run(flags: &CheckRulesFlags) -> ExitCode {
    let known = match &flags.url {
        None => Known::default(),
        Some(url) => match evidence::collect(url, &flags.http, &names(flags)) {
            Ok(known) => known,
            Err(error) => {
                let _closed_pipe = writeln!(io::stderr(), "promlet check rules: {error}");
                return ExitCode::FAILURE;
            }
        },
    };
    match check_files(flags, &known, &mut io::stdout().lock()) {
        Ok(Verdict { files_wrong: 0, findings }) if findings > 0 && flags.lint_fatal => ExitCode::from(LINT_FOUND),
        Ok(Verdict { files_wrong: 0, .. }) => ExitCode::SUCCESS,
        Ok(_) | Err(_) => ExitCode::FAILURE,
    }
}

fn files(flags: &CheckRulesFlags) -> Vec<PathBuf> {
    if flags.files.is_empty() { vec![PathBuf::from("/dev/stdin")] } else { flags.files.clone() }
}

fn load(file: &std::path::Path, flags: &CheckRulesFlags) -> crate::config::Loaded<RuleFile> {
    let defaults = Defaults { ignore_unknown_fields: flags.ignore_unknown_fields, ..Defaults::default() };
    load_with(file, &defaults, &serve::environment(&flags.features).checkers)
}

/// The metrics that the files' rules read.
fn names(flags: &CheckRulesFlags) -> Vec<String> {
    let features = questions::features(&flags.features);
    let loaded = flags.files.iter().filter_map(|file| load(file, flags).ok());
    loaded.flat_map(|loaded| lint::metrics(&loaded.groups, features)).collect()
}

/// Writes what each file says and what is wrong with it; the error is one of writing.
pub fn check_files(flags: &CheckRulesFlags, known: &Known, out: &mut dyn Write) -> io::Result<Verdict> {
    let mut verdict = Verdict::default();
    for file in files(flags) {
        let shown = file.display();
        match load(&file, flags) {
            Err(problems) => {
                verdict.files_wrong += 1;
                for problem in &problems {
                    writeln!(out, "{problem}")?;
                }
                writeln!(out, "{shown}: {}", plural(problems.len(), "problem"))?;
            }
            Ok(loaded) => {
                let (alerting, recording) = loaded.counts();
                let groups = plural(loaded.groups.len(), "group");
                writeln!(out, "{shown}: {groups}, {}, {}", plural(alerting, "alerting rule"), plural(recording, "recording rule"))?;
                for note in &loaded.notes {
                    writeln!(out, "note: {note}")?;
                }
                let findings = findings(flags, &loaded, known);
                verdict.findings += findings.len();
                for found in &findings {
                    let line = loaded.lines[found.group][found.rule];
                    let name = rule_name(&loaded, found);
                    writeln!(out, "{shown}:{line}: {name}: {} [{}]\n    {}", found.message, found.lint, found.way_out)?;
                }
                if !findings.is_empty() {
                    writeln!(out, "{shown}: {}", plural(findings.len(), "finding"))?;
                }
            }
        }
    }
    out.flush()?;
    Ok(verdict)
}

fn rule_name<'l>(loaded: &'l RuleFile, found: &Finding) -> &'l str {
    use crate::rules::RuleOptions;
    match &loaded.groups[found.group].rules[found.rule] {
        RuleOptions::Recording { record, .. } => record,
        RuleOptions::Alerting { alert, .. } => alert,
    }
}

/// Those of the chosen lints, in the order of the file.
fn findings(flags: &CheckRulesFlags, loaded: &RuleFile, known: &Known) -> Vec<Finding> {
    let chosen = |lint: &str| flags.lint.is_empty() || flags.lint.iter().any(|name| name == "all" || name == lint);
    let mut found = lint::duplicates(&loaded.groups);
    found.extend(lint::check(&loaded.groups, questions::features(&flags.features), known));
    found.retain(|finding| chosen(finding.lint));
    found.sort_by_key(|finding| (finding.group, finding.rule));
    found
}
