//! `prometheus.yml` and what it names: scrape config files and rule files.

mod alerting;
mod cloud_fields;
mod discovery_fields;
mod fields;
mod global;
mod jobs;
mod mechanisms;
mod remote;
mod targets;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::model::{DurationMs, Labels, Problem, Severity, Span};
use crate::notifier::options::NotifierOptions;
use crate::rules::options::GroupOptions;
use crate::scrape::options::JobOptions;
use crate::yaml::shape::{each_path, resolve_paths};
use crate::yaml::{self, Node, Problems, Section, Source};

use super::{Environment, Loaded, paths, rules};
use fields::{PROMETHEUS, SCRAPE_CONFIG_FILE};
use global::Global;

/// What `storage:` says; unset fields leave the flags' values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageSettings {
    pub retention_time: Option<DurationMs>,
    pub retention_bytes: Option<u64>,
    pub out_of_order_window: Option<DurationMs>,
}

/// `prometheus.yml` with everything it names, checked.
#[derive(Clone, Debug)]
pub struct PrometheusConfig {
    pub scrape: Vec<JobOptions>,
    pub rules: Vec<GroupOptions>,
    /// The rule files that were found and read.
    pub rule_files: Vec<PathBuf>,
    /// Whether there is a `rule_files` key at all, an empty one included.
    pub names_rule_files: bool,
    pub evaluation_interval: DurationMs,
    pub external_labels: Labels,
    pub storage: StorageSettings,
    pub query_log_file: Option<PathBuf>,
    pub scrape_failure_log_file: Option<PathBuf>,
    /// `alerting:` and the external labels that alerts take along.
    pub notifier: NotifierOptions,
    /// As `GET /api/v1/status/config` shows it: defaults filled in, secrets hidden.
    pub original_yaml: String,
    pub notes: Vec<Problem>,
    /// Files that the configuration names and that are not there: an error for `promlet check`, not for the server.
    pub missing_files: Vec<Problem>,
}

/// What is gathered over all files.
#[derive(Default)]
struct Gathered {
    errors: Vec<Problem>,
    notes: Vec<Problem>,
    missing: Vec<Problem>,
}

impl Gathered {
    fn take(&mut self, problems: Problems<'_>) {
        let (errors, notes) = problems.finish();
        self.errors.extend(errors);
        self.notes.extend(notes);
    }
}

/// Reads `prometheus.yml`, its scrape config files and its rule files; all problems of all of them are told at once.
pub fn load_prometheus(path: &Path, environment: &Environment) -> Loaded<PrometheusConfig> {
    let source = Source::read(path).map_err(|problem| vec![problem])?;
    parse_prometheus(&source, path, environment)
}

/// The same for a text that is at hand; relative paths count from the folder of `path`.
pub fn parse_prometheus(source: &Source, path: &Path, environment: &Environment) -> Loaded<PrometheusConfig> {
    let mut gathered = Gathered::default();
    let mut problems = Problems::new(source);
    let parsed = yaml::parse(source, &mut problems);
    if parsed.is_none() && problems.has_errors() {
        return Err(problems.finish().0);
    }
    let folder = paths::folder_of(path);
    let mut root = parsed.filter(|root| !root.is_null()).unwrap_or_else(|| Node::empty_map(Span::default()));
    yaml::check(&root, &PROMETHEUS, &mut problems);
    resolve_paths(&mut root, &PROMETHEUS, &folder);
    let global = Global::read(&mut root, environment, &mut problems);
    let mut jobs = jobs::Jobs::new(&global);
    jobs.read(&mut root, &mut problems);
    remote::check(&root, &global, &mut problems);
    let notifier = alerting::read(&root, &global, &mut problems);
    let scrape_files = named_files(&root, "scrape_config_files", "scrape config", &mut problems);
    let mut rule_files = named_files(&root, "rule_files", "rule", &mut problems);
    // A rule file counts once, however often it is named; a scrape config file named twice brings its jobs twice, which is an error.
    let mut seen = HashSet::new();
    rule_files.retain(|file| seen.insert(file.clone()));
    missing_files(&root, &PROMETHEUS, source, &mut gathered);
    gathered.take(problems);
    for file in scrape_files {
        read_scrape_file(&file, &mut jobs, &mut gathered);
    }
    let mut groups = Vec::new();
    let defaults = rules::Defaults {
        interval: global.evaluation_interval,
        query_offset: global.rule_query_offset,
        legacy_names: global.legacy_names,
        ignore_unknown_fields: false,
    };
    for file in &rule_files {
        match rules::load_with(file, &defaults, &environment.checkers) {
            Ok(loaded) => {
                groups.extend(loaded.groups);
                gathered.notes.extend(loaded.notes);
            }
            Err(errors) => gathered.errors.extend(errors),
        }
    }
    if !gathered.errors.is_empty() {
        return Err(gathered.errors);
    }
    // Remote write's client differs from all others in one default.
    for node in root.get_mut("remote_write").map(Node::items_mut).unwrap_or_default() {
        if node.get("enable_http2").is_none() {
            node.set("enable_http2", Node::plain("false", Span::default()));
        }
    }
    let original_yaml = yaml::print(&root, &PROMETHEUS);
    Ok(PrometheusConfig {
        scrape: jobs.finished,
        rules: groups,
        rule_files,
        names_rule_files: root.get("rule_files").is_some(),
        evaluation_interval: global.evaluation_interval,
        storage: storage_settings(&root),
        query_log_file: global.query_log_file,
        scrape_failure_log_file: global.scrape_failure_log_file,
        external_labels: global.external_labels,
        notifier,
        original_yaml,
        notes: gathered.notes,
        missing_files: gathered.missing,
    })
}

/// The files that a list of patterns names, in its order.
fn named_files(root: &Node, key: &str, what: &str, problems: &mut Problems<'_>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in root.get(key).map(Node::items).unwrap_or_default() {
        let Some(pattern) = item.as_text() else { continue };
        if !paths::star_is_last(pattern) {
            let suggestion = Some("* may stand only in the last part of the path".to_owned());
            problems.error_with(item.span, format!("invalid {what} file path \"{pattern}\""), suggestion);
            continue;
        }
        if paths::is_malformed(pattern) {
            problems.error(item.span, format!("error retrieving {what} files for {pattern}: syntax error in pattern"));
            continue;
        }
        found.extend(paths::expand(Path::new(pattern)));
    }
    found
}

/// Files that are named outright, are read and are not there; files that are written, and patterns, may be absent.
fn missing_files(root: &Node, section: &'static Section, source: &Source, gathered: &mut Gathered) {
    each_path(root, section, &mut |key, node| {
        let Some(path) = node.as_text().filter(|path| !path.is_empty() && !path.contains('*')) else { return };
        if !key.ends_with("_log_file") && key != "files" && !Path::new(path).exists() {
            let message = format!("\"{path}\" does not point to an existing file");
            gathered.missing.push(source.problem(Severity::Error, node.span.start, message, None));
        }
    });
}

fn read_scrape_file(file: &Path, jobs: &mut jobs::Jobs<'_>, gathered: &mut Gathered) {
    let source = match Source::read(file) {
        Ok(source) => source,
        Err(problem) => {
            gathered.errors.push(problem);
            return;
        }
    };
    let mut problems = Problems::new(&source);
    if let Some(mut root) = yaml::parse(&source, &mut problems).filter(|root| !root.is_null()) {
        yaml::check(&root, &SCRAPE_CONFIG_FILE, &mut problems);
        resolve_paths(&mut root, &SCRAPE_CONFIG_FILE, &paths::folder_of(file));
        missing_files(&root, &SCRAPE_CONFIG_FILE, &source, gathered);
        jobs.read(&mut root, &mut problems);
    }
    gathered.take(problems);
}

fn storage_settings(root: &Node) -> StorageSettings {
    let tsdb = root.get("storage").and_then(|storage| storage.get("tsdb"));
    let retention = tsdb.and_then(|tsdb| tsdb.get("retention"));
    StorageSettings {
        retention_time: retention.and_then(|retention| retention.duration("time")),
        retention_bytes: retention.and_then(|retention| yaml::scalar::bytes(retention.get("size")?.as_text()?).ok()),
        out_of_order_window: tsdb.and_then(|tsdb| tsdb.duration("out_of_order_time_window")),
    }
}
