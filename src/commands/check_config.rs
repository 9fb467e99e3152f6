//! `promlet check config FILE...`: whether a configuration loads, with promtool's lint of what it names.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::check::{Subject, check_all};
use super::check_rules::{LINT_FOUND, Verdict, warn_of_unknown};
use super::{USAGE, serve};
use crate::app::questions;
use crate::config::{Environment, PrometheusConfig, load_prometheus};
use crate::lint::{self, DUPLICATE_RULES};
use crate::model::DurationMs;
use crate::promql::Features;
use crate::rules::RuleOptions;

/// promtool's name for it.
const TOO_LONG: &str = "too-long-scrape-interval";

#[derive(Args, Debug, Clone)]
pub struct CheckConfigFlags {
    pub files: Vec<PathBuf>,
    /// Lints to apply, comma-separated: all, none, duplicate-rules, too-long-scrape-interval
    #[arg(long, value_name = "LINTS", default_value = DUPLICATE_RULES, value_delimiter = ',')]
    pub lint: Vec<String>,
    /// Findings make the exit code 3
    #[arg(long)]
    pub lint_fatal: bool,
    /// How old a sample may be, as the server will be told
    #[arg(long = "query.lookback-delta", value_name = "LENGTH", default_value = "5m", value_parser = DurationMs::parse)]
    pub lookback: DurationMs,
    /// Features that the server will be started with, comma-separated
    #[arg(long = "enable-feature", value_name = "NAMES", value_delimiter = ',')]
    pub features: Vec<String>,
}

pub fn run(flags: &CheckConfigFlags) -> ExitCode {
    if flags.files.is_empty() {
        super::warn("name at least one file");
        return ExitCode::from(USAGE);
    }
    warn_of_unknown(&flags.lint, &[TOO_LONG]);
    match check_files(flags, &serve::environment(&flags.features), &mut io::stdout().lock()) {
        Ok(Verdict { files_wrong: 0, findings }) if findings > 0 && flags.lint_fatal => ExitCode::from(LINT_FOUND),
        Ok(Verdict { files_wrong: 0, .. }) => ExitCode::SUCCESS,
        Ok(_) | Err(_) => ExitCode::FAILURE,
    }
}

/// Writes what the files say and what is found in them; the error is one of writing.
pub fn check_files(flags: &CheckConfigFlags, environment: &Environment, out: &mut dyn Write) -> io::Result<Verdict> {
    let mut verdict = Verdict::default();
    for file in &flags.files {
        let right = check_all(Subject::Config, std::slice::from_ref(file), environment, out)?;
        verdict.files_wrong += usize::from(!right);
        let Ok(config) = load_prometheus(file, environment) else { continue };
        let findings = findings(flags, file, &config);
        for finding in &findings {
            writeln!(out, "{finding}")?;
        }
        verdict.findings += findings.len();
    }
    out.flush()?;
    Ok(verdict)
}

fn findings(flags: &CheckConfigFlags, file: &Path, config: &PrometheusConfig) -> Vec<String> {
    let chosen = |lint: &str| flags.lint.iter().any(|name| name == "all" || name == lint);
    let mut found = Vec::new();
    if chosen(DUPLICATE_RULES) {
        found.extend(duplicates(config, questions::features(&flags.features)));
    }
    let sparse = config.scrape.iter().filter(|job| chosen(TOO_LONG) && job.scrape_interval >= flags.lookback);
    found.extend(sparse.map(|job| {
        format!(
            "{}: job {} is scraped every {}, and a sample counts for {}: between scrapes its series are gone [{TOO_LONG}]\n    scrape at least \
             every {}",
            file.display(),
            job.job_name,
            job.scrape_interval,
            flags.lookback,
            DurationMs(flags.lookback.0 / 2)
        )
    }));
    found
}

/// Duplicates within each rule file, as promtool looks for them.
fn duplicates(config: &PrometheusConfig, features: Features) -> Vec<String> {
    let mut found = Vec::new();
    for file in &config.rule_files {
        let groups: Vec<_> = config.rules.iter().filter(|group| group.file == *file).cloned().collect();
        found.extend(lint::duplicates(&groups, features).into_iter().map(|finding| {
            let name = match &groups[finding.group].rules[finding.rule] {
                RuleOptions::Recording { record, .. } => record,
                RuleOptions::Alerting { alert, .. } => alert,
            };
            format!("{}: {name}: {} [{}]\n    {}", file.display(), finding.message, finding.lint, finding.way_out)
        }));
    }
    found
}
