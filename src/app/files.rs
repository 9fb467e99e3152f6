//! Reads every configuration file at once: whole settings for all rooms, or all problems.

use std::path::{Path, PathBuf};

use super::dashboards;
use super::settings::{Mode, Settings};
use crate::alerts::AlertsOptions;
use crate::bundled;
use crate::config::{self, Environment, Loaded, PrometheusConfig};
use crate::discovery::DiscoveryOptions;
use crate::heartbeat::HeartbeatOptions;
use crate::model::{DurationMs, Problem, Severity};
use crate::notify::options::NotifyOptions;
use crate::rules::options::GroupOptions;
use crate::yaml::Source;

/// What the files say.
#[derive(Clone)]
pub struct Files {
    pub prometheus: PrometheusConfig,
    pub rules: Vec<GroupOptions>,
    /// None: nobody will be told.
    pub alerting: Option<(AlertsOptions, NotifyOptions)>,
    /// Who hears regularly that promlet works.
    pub heartbeats: Vec<HeartbeatOptions>,
    pub dashboards: dashboards::Source,
    /// Known settings that are not acted on, from all files.
    pub notes: Vec<Problem>,
}

/// Ports on loopback where trainers and exporters usually answer.
pub const LOOPBACK_PORTS: [u16; 5] = [8000, 8001, 8080, 9100, 9400];
const LOOPBACK_REFRESH: DurationMs = DurationMs(60_000);
/// The configuration of a promlet that was given none; `ADDRESS` is its own, `SCHEME` how it is spoken to.
const ZERO_CONFIG: &str = "global:
  scrape_interval: 15s
  evaluation_interval: 15s
scrape_configs:
  - job_name: promlet
    static_configs:
      - targets: ['ADDRESS']
    SCHEME
  - job_name: local
";
const LOOPBACK_JOB: &str = "local";

/// `own_address` is where this server can be scraped, `external_url` how people reach it.
pub fn load(settings: &Settings, own_address: &str, external_url: &str, environment: &Environment) -> Loaded<Files> {
    let mut errors = Vec::new();
    let mut keep = |problems: Vec<Problem>| errors.extend(problems);
    let web = settings.web.config_file.as_deref().map(config::load_web).transpose().map_err(&mut keep).ok();
    let encrypts = web.iter().flatten().any(|web| web.options.tls.is_some());
    let prometheus = prometheus(settings, own_address, encrypts, environment).map_err(&mut keep).ok();
    let alerting = alerting(settings, external_url, environment).map_err(&mut keep).ok();
    let config_file = settings.mode.config_file().map(PathBuf::as_path);
    let promlet = promlet_file(config_file).map_err(&mut keep).ok();
    let extra = match &prometheus {
        Some(prometheus) => extra_rules(settings, prometheus, environment).map_err(&mut keep).ok(),
        None => None,
    };
    let dashboards = dashboards::find(settings.dashboards_path.as_deref(), config_file).map_err(&mut keep).ok();
    let (Some(prometheus), Some(alerting), Some(promlet), Some((extra, extra_notes)), Some(web), Some(dashboards)) =
        (prometheus, alerting, promlet, extra, web, dashboards)
    else {
        return Err(errors);
    };
    let mut notes = prometheus.notes.clone();
    notes.extend(prometheus.missing_files.iter().cloned());
    notes.extend(extra_notes);
    notes.extend(promlet.notes.iter().cloned());
    notes.extend(web.map(|web| web.notes).unwrap_or_default());
    let alerting = match alerting {
        Some(loaded) => {
            notes.extend(loaded.notes);
            let (mut alerts, mut notify) = (loaded.alerts, loaded.notify);
            promlet.add_to(&mut alerts, &mut notify)?;
            Some((alerts, notify))
        }
        None => None,
    };
    let mut rules = prometheus.rules.clone();
    rules.extend(extra);
    Ok(Files { prometheus, rules, alerting, heartbeats: promlet.heartbeats, dashboards, notes })
}

fn prometheus(settings: &Settings, own_address: &str, encrypts: bool, environment: &Environment) -> Loaded<PrometheusConfig> {
    let Some(file) = settings.mode.config_file() else {
        // Its own certificate is for people's names of this machine, not for this address.
        let scheme = if encrypts { "scheme: https\n    tls_config: {insecure_skip_verify: true}" } else { "scheme: http" };
        let text = ZERO_CONFIG.replace("ADDRESS", own_address).replace("SCHEME", scheme);
        let source = Source::new("(no configuration)", text);
        let mut config = config::parse_prometheus(&source, Path::new(""), environment)?;
        let found = DiscoveryOptions::Loopback { ports: LOOPBACK_PORTS.to_vec(), refresh_interval: LOOPBACK_REFRESH };
        for job in config.scrape.iter_mut().filter(|job| job.job_name == LOOPBACK_JOB) {
            job.discovery.push(found.clone());
        }
        return Ok(config);
    };
    config::load_prometheus(file, environment)
}

/// Rules beside those that the configuration names: `--rules.path`; without a `rule_files` key also `rules/` beside the configuration;
/// without a configuration at last the shipped ones. A stock configuration behaves as stock.
fn extra_rules(settings: &Settings, config: &PrometheusConfig, environment: &Environment) -> Loaded<(Vec<GroupOptions>, Vec<Problem>)> {
    let config_file = settings.mode.config_file();
    let beside = config_file.and_then(|file| file.parent()).unwrap_or(Path::new("")).join("rules");
    let folder = match &settings.rules_path {
        Some(named) => Some(named.clone()),
        None if !config.names_rule_files && beside.is_dir() => Some(beside),
        None => None,
    };
    let defaults = config::rules::Defaults { interval: config.evaluation_interval, ..config::rules::Defaults::default() };
    let loaded: Vec<Loaded<config::RuleFile>> = match folder {
        Some(folder) => yaml_files(&folder)?.iter().map(|file| config::rules::load_with(file, &defaults, &environment.checkers)).collect(),
        None if settings.mode == Mode::ZeroConfig => shipped_rules(&defaults, environment),
        None => Vec::new(),
    };
    let (mut groups, mut notes, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for file in loaded {
        match file {
            Ok(file) => {
                groups.extend(file.groups);
                notes.extend(file.notes);
            }
            Err(problems) => errors.extend(problems),
        }
    }
    if errors.is_empty() { Ok((groups, notes)) } else { Err(errors) }
}

fn shipped_rules(defaults: &config::rules::Defaults, environment: &Environment) -> Vec<Loaded<config::RuleFile>> {
    let parse = |file: &bundled::File| {
        let name = format!("(shipped) rules/{}", file.name);
        config::rules::parse_rules(&Source::new(&name, file.text.to_owned()), Path::new(&name), defaults, &environment.checkers)
    };
    bundled::RULES.iter().map(parse).collect()
}

/// A problem with a file or folder as a whole.
pub fn whole(path: &Path, message: String) -> Problem {
    let file = path.display().to_string();
    Problem { severity: Severity::Error, file, line: 0, column: 0, message, text: String::new(), suggestion: None }
}

fn unreadable(folder: &Path, error: &std::io::Error) -> Problem {
    whole(folder, format!("the folder of rules cannot be read: {error}"))
}

fn yaml_files(folder: &Path) -> Loaded<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| vec![unreadable(folder, &error)])?;
    let is_yaml = |path: &PathBuf| path.extension().is_some_and(|e| e == "yml" || e == "yaml");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_yaml).collect();
    files.sort();
    Ok(files)
}

fn alerting(settings: &Settings, external_url: &str, environment: &Environment) -> Loaded<Option<config::AlertmanagerConfig>> {
    let beside = || {
        let folder = settings.mode.config_file().and_then(|file| file.parent()).unwrap_or(Path::new(""));
        Some(folder.join("alertmanager.yml")).filter(|file| file.is_file())
    };
    match settings.alertmanager_file.clone().or_else(beside) {
        Some(file) => config::load_alertmanager(&file, external_url, &environment.checkers).map(Some),
        None => Ok(None),
    }
}

fn promlet_file(config_file: Option<&Path>) -> Loaded<config::PromletConfig> {
    let file = config_file.and_then(Path::parent).unwrap_or(Path::new("")).join("promlet.yml");
    if file.is_file() { config::load_promlet(&file) } else { Ok(config::PromletConfig::default()) }
}
