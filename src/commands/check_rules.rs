//! `promlet check rules FILE...`: whether rule files load, as promtool does, and what is wrong with rules that do.

mod evidence;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::check::plural;
use super::http_flags::HttpFlags;
use super::serve;
use crate::app::questions;
use crate::config::Loaded;
use crate::config::rules::{Defaults, RuleFile, load_with, parse_rules};
use crate::lint::{self, Finding, Known};
use crate::model::suggest::nearest;
use crate::yaml::Source;

/// promtool's exit code where lint is fatal.
pub const LINT_FOUND: u8 = 3;

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

impl Verdict {
    /// Both together.
    pub fn with(self, other: Self) -> Self {
        Self { files_wrong: self.files_wrong + other.files_wrong, findings: self.findings + other.findings }
    }
}

/// What the server that was named knows of the files' metrics; nothing where none was named.
pub fn known(flags: &CheckRulesFlags) -> Result<Known, String> {
    let Some(url) = &flags.url else { return Ok(Known::default()) };
    let features = questions::features(&flags.features);
    let loaded: Vec<RuleFile> = flags.files.iter().filter_map(|file| load(file, flags).ok()).collect();
    let names: Vec<String> = loaded.iter().flat_map(|loaded| lint::metrics(&loaded.groups, features)).collect();
    let selectors: BTreeSet<String> = loaded.iter().flat_map(|loaded| lint::selectors(&loaded.groups, features)).collect();
    evidence::collect(url, &flags.http, &names, &selectors)
}

pub fn run(flags: &CheckRulesFlags) -> ExitCode {
    let known = match known(flags) {
        Ok(known) => known,
        Err(error) => {
            let _closed_pipe = writeln!(io::stderr(), "promlet check rules: {error}");
            return ExitCode::FAILURE;
        }
    };
    warn_of_unknown(&flags.lint, &[]);
    match check_files(flags, &known, &mut io::stdout().lock()) {
        Ok(Verdict { files_wrong: 0, findings }) if findings > 0 && flags.lint_fatal => ExitCode::from(LINT_FOUND),
        Ok(Verdict { files_wrong: 0, .. }) => ExitCode::SUCCESS,
        Ok(_) | Err(_) => ExitCode::FAILURE,
    }
}

/// A lint that nobody knows is left out with a warning, as promtool does it.
pub fn warn_of_unknown(lints: &[String], more: &[&str]) {
    let mut known = vec!["all", "none", lint::DUPLICATE_RULES];
    known.extend(lint::LINTS.iter().map(|lint| lint.name).chain(more.iter().copied()));
    for name in lints.iter().filter(|name| !known.contains(&name.as_str())) {
        let near = nearest(name, known.iter().copied()).map_or(String::new(), |near| format!(": did you mean {near}?"));
        let _closed_pipe = writeln!(io::stderr(), "WARNING: unknown lint option {name}{near}");
    }
}

fn files(flags: &CheckRulesFlags) -> Vec<PathBuf> {
    if flags.files.is_empty() { vec![PathBuf::from("/dev/stdin")] } else { flags.files.clone() }
}

fn load(file: &Path, flags: &CheckRulesFlags) -> Loaded<RuleFile> {
    let defaults = Defaults { ignore_unknown_fields: flags.ignore_unknown_fields, ..Defaults::default() };
    load_with(file, &defaults, &serve::environment(&flags.features).checkers)
}

/// Writes what each file says and what is wrong with it; the error is one of writing.
pub fn check_files(flags: &CheckRulesFlags, known: &Known, out: &mut dyn Write) -> io::Result<Verdict> {
    let mut verdict = Verdict::default();
    for file in files(flags) {
        verdict = verdict.with(write_loaded(flags, &file, load(&file, flags), known, out)?);
    }
    out.flush()?;
    Ok(verdict)
}

/// Rules that are at hand, with Prometheus's defaults.
pub fn parse(source: &Source) -> Loaded<RuleFile> {
    parse_rules(source, Path::new(&source.file), &Defaults::default(), &serve::environment(&[]).checkers)
}

/// Writes what one file says, or all that is wrong with it.
pub fn write_loaded(
    flags: &CheckRulesFlags,
    file: &Path,
    loaded: Loaded<RuleFile>,
    known: &Known,
    out: &mut dyn Write,
) -> io::Result<Verdict> {
    let shown = file.display();
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => {
            for problem in &problems {
                writeln!(out, "{problem}")?;
            }
            writeln!(out, "{shown}: {}", plural(problems.len(), "problem"))?;
            return Ok(Verdict { files_wrong: 1, findings: 0 });
        }
    };
    let (alerting, recording) = loaded.counts();
    let groups = plural(loaded.groups.len(), "group");
    writeln!(out, "{shown}: {groups}, {}, {}", plural(alerting, "alerting rule"), plural(recording, "recording rule"))?;
    for note in &loaded.notes {
        writeln!(out, "note: {note}")?;
    }
    let findings = findings(flags, &loaded, known);
    for found in &findings {
        let line = loaded.lines[found.group][found.rule];
        let name = rule_name(&loaded, found);
        writeln!(out, "{shown}:{line}: {name}: {} [{}]\n    {}", found.message, found.lint, found.way_out)?;
    }
    if !findings.is_empty() {
        writeln!(out, "{shown}: {}", plural(findings.len(), "finding"))?;
    }
    Ok(Verdict { files_wrong: 0, findings: findings.len() })
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
    let mut found = lint::duplicates(&loaded.groups, questions::features(&flags.features));
    found.extend(lint::check(&loaded.groups, questions::features(&flags.features), known));
    found.retain(|finding| chosen(finding.lint));
    found.sort_by_key(|finding| (finding.group, finding.rule));
    found
}
