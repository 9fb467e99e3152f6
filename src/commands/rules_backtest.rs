//! `promlet rules backtest FILE...`: when each rule would have fired over the stored history, and what would have been sent.
//!
//! The engine that serves evaluates the rules, on virtual time and at the moments of their groups; the state machine that serves routes
//! their alerts, to receivers that only take notes.

mod answers;
mod episodes;
mod history;
mod plan;
mod report;
mod server;
mod settings;
mod text;
mod told;
mod trial;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};

use super::http_flags::HttpFlags;
use super::serve_flags::{LogFormat, LogLevel};
use super::{serve, warn};
use crate::app::questions;
use crate::clock::Clock;
use crate::config::rules::{Defaults, load_with};
use crate::model::{DurationMs, Problem, TimeRange, TimestampMs};
use crate::promql::{Engine, EngineOptions, Features};
use crate::shell;
use crate::telemetry::Registry;
use history::{Folder, History, Refusal};
use plan::{Given, Plan};
use report::{Report, Surroundings};
use server::Server;
use settings::{Globals, Routes};
use told::Told;
use trial::{Trial, Window};

/// Most moments that are asked for at once.
const RANGE_STEPS_MAX: i64 = 20_000;
/// Most evaluations of one rule.
const EVALUATIONS_MAX: i64 = 5_000_000;
/// Moments at which it is looked for where the history begins.
const PROBES: i64 = 240;

#[derive(Subcommand, Debug)]
pub enum RulesCommand {
    /// Says when rules would have fired over the stored history, and what would have been sent
    Backtest(BacktestFlags),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
}

#[derive(Args, Debug, Clone)]
pub struct BacktestFlags {
    /// Rule files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// How far to go back
    #[arg(long, value_name = "LENGTH", default_value = "30d", value_parser = shell::parse_length)]
    pub since: DurationMs,
    /// Where to end: Unix seconds or RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = shell::parse_time)]
    pub until: Option<TimestampMs>,
    /// Time between evaluations [default: each group's interval]
    #[arg(long, value_name = "LENGTH", value_parser = shell::parse_length)]
    pub step: Option<DurationMs>,
    /// The server whose history is asked: promlet or Prometheus
    #[arg(long, env = "PROMLET_URL", value_name = "URL", default_value = "http://127.0.0.1:9090")]
    pub url: String,
    #[command(flatten)]
    pub http: HttpFlags,
    /// A data folder instead, which no server works on
    #[arg(long = "data", alias = "storage.tsdb.path", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Whose global settings hold with --data [default: prometheus.yml, where there is one]
    #[arg(long = "config.file", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Routes and receivers [default: the server's; with --data alertmanager.yml, where there is one]
    #[arg(long = "alertmanager", alias = "alertmanager.config.file", value_name = "FILE")]
    pub alertmanager: Option<PathBuf>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Features that the server is started with, comma-separated
    #[arg(long = "enable-feature", value_name = "NAMES", value_delimiter = ',')]
    pub features: Vec<String>,
}

/// The exit code is 1 where the rules or the history cannot be read.
pub fn run(command: &RulesCommand) -> ExitCode {
    let RulesCommand::Backtest(flags) = command;
    let clock = Clock::system();
    serve::start_log(LogLevel::Error, LogFormat::Logfmt, &clock);
    let written = backtest(flags, &clock).and_then(|report| show(&report, flags.format, &mut std::io::stdout().lock()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            warn(&format!("rules backtest: {}", error.trim_end()));
            ExitCode::FAILURE
        }
    }
}

/// Writes a report; a reader who has seen enough is no error.
fn show(report: &Report, format: Format, out: &mut dyn Write) -> Result<(), String> {
    let written = match format {
        Format::Text => text::write(report, out),
        Format::Json => serde_json::to_writer_pretty(&mut *out, report).map_err(std::io::Error::from).and_then(|()| writeln!(out)),
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// What of the surroundings comes from a server or from files.
struct Ground {
    history: History,
    globals: Globals,
    routes: Option<Routes>,
    name: String,
}

/// The whole of it; errors are sentences for the operator.
pub fn backtest(flags: &BacktestFlags, clock: &Clock) -> Result<Report, String> {
    let features = questions::features(&flags.features);
    let ground = ground(flags, features, clock)?;
    let plan = plan::plan(&given(flags, &ground.globals)?, features, ground.globals.lookback)?;
    let window = window(flags, &plan, clock)?;
    let routes = ground.routes.unwrap_or_else(Routes::none);
    let (begins, missing) = look_back(&plan, &ground.history, window)?;
    let mut notes = notes(window, begins);
    if let History::Server(_) = &ground.history {
        notes.push("native histograms are not asked of a server: rules that give or compare them need --data".to_owned());
    }
    let mut told = Told::new(routes.alerts, &routes.notify, window.start, window.from);
    let engine = Arc::new(Engine::new(engine_options(&ground.globals, features), clock.clone(), &Registry::default()));
    let trial = Trial { plan: &plan, globals: &ground.globals, window, history: ground.history, engine };
    let outcome = trial.run(&mut told, clock)?;
    let around = Surroundings { window, history: ground.name, routes: routes.origin, begins, missing, notes };
    Ok(report::report(&plan, &outcome, &told, around))
}

fn engine_options(globals: &Globals, features: Features) -> EngineOptions {
    EngineOptions {
        lookback: globals.lookback,
        default_subquery_step: globals.interval,
        cache_bytes: 0,
        features,
        ..EngineOptions::default()
    }
}

fn ground(flags: &BacktestFlags, features: Features, clock: &Clock) -> Result<Ground, String> {
    let checkers = serve::environment(&flags.features).checkers;
    let of_file = |path: &Path| Routes::of_file(path, &checkers).map_err(|problems| lines(&problems));
    let named = flags.alertmanager.as_deref().map(of_file).transpose()?;
    if let Some(folder) = &flags.data {
        let beside = Path::new("prometheus.yml");
        let config = flags.config_file.as_deref().or_else(|| beside.is_file().then_some(beside));
        let text = config.map(|path| std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))).transpose()?;
        let globals = text.map_or_else(Globals::default, |text| Globals::of_yaml(&text));
        let found = Path::new("alertmanager.yml");
        let routes = match named {
            None if found.is_file() => Some(of_file(found)?),
            named => named,
        };
        let engine = Arc::new(Engine::new(engine_options(&globals, features), clock.clone(), &Registry::default()));
        let history = History::Folder(Folder::open(folder, engine, clock)?);
        return Ok(Ground { history, globals, routes, name: folder.display().to_string() });
    }
    let server = Server::new(&flags.url, &flags.http)?;
    let globals = Globals::of_server(&server)?;
    let routes = match named {
        Some(named) => Some(named),
        None => Routes::of_server(&server)?,
    };
    Ok(Ground { history: History::Server(server), globals, routes, name: flags.url.clone() })
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// The groups of all files, with the interval that was asked for.
fn given(flags: &BacktestFlags, globals: &Globals) -> Result<Vec<Given>, String> {
    let checkers = serve::environment(&flags.features).checkers;
    let defaults = Defaults { interval: globals.interval, query_offset: globals.query_offset, ..Defaults::default() };
    let mut all = Vec::new();
    for file in &flags.files {
        let loaded = load_with(file, &defaults, &checkers).map_err(|problems| lines(&problems))?;
        for (mut group, lines) in loaded.groups.into_iter().zip(loaded.lines) {
            group.interval = flags.step.unwrap_or(group.interval);
            all.push(Given { group, lines });
        }
    }
    Ok(all)
}

/// Evaluation begins as long before the window as rules remember.
fn window(flags: &BacktestFlags, plan: &Plan, clock: &Clock) -> Result<Window, String> {
    let to = flags.until.unwrap_or_else(|| clock.now());
    let from = to - flags.since;
    let start = from.saturating_sub(plan.hold_max).saturating_sub(plan.own_reach);
    let shortest = plan.rules.iter().map(|rule| rule.interval.0).min().unwrap_or(1).max(1);
    let count = (to - start).0 / shortest;
    match count > EVALUATIONS_MAX {
        true => {
            Err(format!("{count} evaluations of one rule are more than the limit of {EVALUATIONS_MAX}; a longer --step makes them fewer"))
        }
        false => Ok(Window { start, from, to }),
    }
}

/// Where the series that the rules read begin, if inside of the window, and for each rule the selectors that match nothing.
fn look_back(plan: &Plan, history: &History, window: Window) -> Result<(Option<TimestampMs>, Vec<Vec<String>>), String> {
    let step = DurationMs(((window.to - window.from).0 / PROBES).max(1));
    let range = TimeRange::new(window.from, window.to);
    let (mut first, mut known) = (None::<TimestampMs>, std::collections::HashMap::new());
    let said = |refusal: Refusal| match refusal {
        Refusal::Query(error) | Refusal::Broken(error) => error,
    };
    for selector in plan.rules.iter().flat_map(|rule| &rule.selectors) {
        if known.contains_key(selector) {
            continue;
        }
        // Series that live for moments only are looked for one by one; where too many are matched there are some.
        let found = match history.range(&format!("count({selector})"), range, step) {
            Ok(series) => series.iter().filter_map(|one| one.floats.first()).map(|(at, _)| *at).min(),
            Err(Refusal::Query(_)) => Some(window.from),
            Err(refusal) => return Err(said(refusal)),
        };
        let is_there = found.is_some() || history.has_series(selector, range).map_err(said)?;
        known.insert(selector.clone(), is_there);
        first = [first, found].into_iter().flatten().min();
    }
    let missing = |rule: &plan::Planned| rule.selectors.iter().filter(|selector| known.get(*selector) == Some(&false)).cloned().collect();
    // The first probe may fall into a pause.
    let begins = first.filter(|first| *first > window.from + step);
    Ok((begins, plan.rules.iter().map(missing).collect()))
}

fn notes(window: Window, begins: Option<TimestampMs>) -> Vec<String> {
    let Some(begins) = begins else { return Vec::new() };
    vec![format!(
        "the history does not reach back to {}: what these rules read begins at about {}",
        text::moment(window.from),
        text::moment(begins)
    )]
}
