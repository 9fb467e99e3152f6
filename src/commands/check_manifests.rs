//! `promlet check manifests [FILE|FOLDER|-]...`: what a cluster would refuse or never scrape; rules inside are checked like rule files.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::check::plural;
use super::check_rules::{self, CheckRulesFlags, LINT_FOUND, Verdict};
use crate::lint::Known;
use crate::manifests::{self, Finding, Manifest, Object, Outcome};
use crate::model::Problem;
use crate::yaml::Source;
use crate::yaml::source::FILE_BYTES_MAX;

/// Files of a folder that are read, and levels of folders.
const FILES_MAX: usize = 5_000;
const FOLDERS_DEEP_MAX: usize = 16;
/// Kinds that are counted by name.
const KINDS_SHOWN: usize = 8;

#[derive(Args, Debug, Clone, Default)]
pub struct CheckManifestsFlags {
    /// Manifests, folders of them, or - [default: standard input]
    pub files: Vec<PathBuf>,
    /// What works differently than meant makes the exit code 3, too
    #[arg(long)]
    pub lint_fatal: bool,
    /// A running server whose metrics, labels and intervals are held against rules inside
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

pub fn run(flags: &CheckManifestsFlags) -> ExitCode {
    let (files, problems) = read(&flags.files);
    let rules = CheckRulesFlags { files: with_rules(&files), url: flags.url.clone(), ..CheckRulesFlags::default() };
    let known = match check_rules::known(&rules) {
        Ok(known) => known,
        Err(error) => {
            let _closed_pipe = writeln!(io::stderr(), "promlet check manifests: {error}");
            return ExitCode::FAILURE;
        }
    };
    match check_all(&files, &problems, &known, &mut io::stdout().lock()) {
        Ok(Verdict { files_wrong: 0, findings }) if findings > 0 && flags.lint_fatal => ExitCode::from(LINT_FOUND),
        Ok(Verdict { files_wrong: 0, .. }) => ExitCode::SUCCESS,
        Ok(_) | Err(_) => ExitCode::FAILURE,
    }
}

/// The manifests of files and folders, and what could not be read.
pub fn read(files: &[PathBuf]) -> (Vec<Manifest>, Vec<Problem>) {
    let stdin = [PathBuf::from("-")];
    let mut paths = Vec::new();
    for file in if files.is_empty() { &stdin[..] } else { files } {
        if file.is_dir() { walk(file, 0, &mut paths) } else { paths.push(file.clone()) }
    }
    let (mut read, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        let source = if path.as_os_str() == "-" { read_stdin() } else { Source::read(&path) };
        match source {
            Ok(source) => read.push(Manifest::new(source)),
            Err(problem) => problems.push(problem),
        }
    }
    (read, problems)
}

fn read_stdin() -> Result<Source, Problem> {
    let mut text = String::new();
    match io::stdin().lock().take(FILE_BYTES_MAX).read_to_string(&mut text) {
        Ok(_) => Ok(Source::new("-", text)),
        Err(error) => Err(Source::new("-", "").problem(crate::model::Severity::Error, 0, format!("cannot be read: {error}"), None)),
    }
}

/// YAML and JSON below a folder in the order of their names; hidden files, and what a kustomization is to itself, are left out.
fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_manifest = path.extension().is_some_and(|end| end == "yml" || end == "yaml" || end == "json");
        if name.starts_with('.') || found.len() >= FILES_MAX {
            continue;
        }
        if path.is_dir() && depth < FOLDERS_DEEP_MAX {
            walk(&path, depth + 1, found);
        } else if is_manifest && !name.starts_with("kustomization.") && path.is_file() {
            found.push(path);
        }
    }
}

fn with_rules(files: &[Manifest]) -> Vec<PathBuf> {
    let has_rules = |file: &&Manifest| file.objects().iter().any(is_rules);
    files.iter().filter(has_rules).map(|file| PathBuf::from(&file.source.file)).collect()
}

fn is_rules(object: &Object<'_>) -> bool {
    object.kind == "PrometheusRule" && object.is_monitoring()
}

/// Writes what is wrong with each file and what it holds; the error is one of writing.
pub fn check_all(files: &[Manifest], unread: &[Problem], known: &Known, out: &mut dyn Write) -> io::Result<Verdict> {
    let mut verdict = Verdict { files_wrong: unread.len(), findings: 0 };
    for problem in unread {
        writeln!(out, "{problem}")?;
    }
    let objects: Vec<Object<'_>> = files.iter().flat_map(Manifest::objects).collect();
    let mut found: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for finding in manifests::check(&objects) {
        found.entry(finding.problem.file.clone()).or_default().push(finding);
    }
    for file in files {
        let findings = found.remove(&file.source.file).unwrap_or_default();
        verdict = verdict.with(write_file(file, &findings, known, out)?);
    }
    out.flush()?;
    Ok(verdict)
}

fn write_file(file: &Manifest, findings: &[Finding], known: &Known, out: &mut dyn Write) -> io::Result<Verdict> {
    let shown = &file.source.file;
    for error in file.errors.iter().chain(findings.iter().map(|finding| &finding.problem)) {
        writeln!(out, "{error}")?;
    }
    let refused = findings.iter().filter(|finding| finding.outcome == Outcome::Refused).count();
    let mut verdict = Verdict { files_wrong: usize::from(refused + file.errors.len() > 0), findings: findings.len() - refused };
    let objects = file.objects();
    if file.errors.is_empty() && objects.iter().any(is_rules) {
        let loaded = check_rules::parse(&file.source);
        let of_rules = check_rules::write_loaded(&CheckRulesFlags::default(), Path::new(shown), loaded, known, out)?;
        verdict = Verdict { files_wrong: verdict.files_wrong.max(of_rules.files_wrong), findings: verdict.findings + of_rules.findings };
    }
    let mut said = vec![format!("{}{}", plural(objects.len(), "object"), kinds(&objects))];
    for (count, what) in
        [(file.errors.len(), "not YAML"), (refused, "refused by a cluster"), (findings.len() - refused, "that will not work")]
    {
        if count > 0 {
            said.push(format!("{count} {what}"));
        }
    }
    writeln!(out, "{shown}: {}", said.join(", "))?;
    Ok(verdict)
}

/// ` (2 Services, Deployment)`
fn kinds(objects: &[Object<'_>]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects.iter().filter(|object| !object.kind.is_empty()) {
        *counts.entry(object.kind).or_default() += 1;
    }
    let mut shown: Vec<String> =
        counts.iter().map(|(kind, count)| if *count == 1 { (*kind).to_owned() } else { format!("{count} {kind}") }).collect();
    if shown.len() > KINDS_SHOWN {
        shown.truncate(KINDS_SHOWN);
        shown.push("...".to_owned());
    }
    if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) }
}
