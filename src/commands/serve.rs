//! `promlet` and `promlet serve`: the server until it is told to stop.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use tracing::Level;

use super::features;
use super::serve_flags::{LogFormat, LogLevel, ServeFlags};
use crate::app::settings::{Mode, Settings};
use crate::app::{App, StartError, files, questions};
use crate::clock::Clock;
use crate::config::{Checkers, Environment};
use crate::notify;
use crate::telemetry::{Registry, logging};
use crate::template;

/// Socket work only: everything heavy has threads of its own.
const WORKERS_MAX: usize = 2;
/// For files, SQLite's readers, queries and rules.
const BLOCKING_MAX: usize = 64;

/// The languages that configuration files hold, with the named features on, and this process's variables.
pub fn environment(features: &[String]) -> Environment {
    Environment::of_process(Checkers {
        expr: questions::check_expression(questions::features(features)),
        template: |name, text| template::check_rule(name, text).err(),
        notification: |text| template::check(text).err(),
        rehearse: notify::rehearse,
    })
}

pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(WORKERS_MAX);
    tokio::runtime::Builder::new_multi_thread().worker_threads(workers).max_blocking_threads(BLOCKING_MAX).enable_all().build()
}

pub fn start_log(level: LogLevel, format: LogFormat, clock: &Clock) {
    let level = match level {
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warn => Level::WARN,
        LogLevel::Error => Level::ERROR,
    };
    let format = match format {
        LogFormat::Logfmt => logging::Format::Logfmt,
        LogFormat::Json => logging::Format::Json,
    };
    logging::start(level, format, clock.clone());
}

pub fn run(flags: ServeFlags) -> ExitCode {
    let clock = Clock::system();
    start_log(flags.log_level, flags.log_format, &clock);
    for warning in features::warnings(&flags.features) {
        tracing::warn!("{warning}");
    }
    let found = Path::new("prometheus.yml").is_file();
    serve(flags.settings(found), clock)
}

/// Runs a server with these settings; the exit code is 0 after an orderly stop.
fn serve(settings: Settings, clock: Clock) -> ExitCode {
    let zero_config = settings.mode == Mode::ZeroConfig;
    let outcome = runtime().map_err(|error| StartError::Other(error.to_string())).and_then(|runtime| {
        runtime.block_on(async {
            let environment = environment(&settings.features);
            let app = App::start(settings, environment, clock, Registry::default()).await?;
            if zero_config {
                introduce(&app);
            }
            tracing::info!(address = %app.shared().listening, "ready");
            app.run().await
        })
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

pub fn fail(error: &StartError) -> ExitCode {
    let _closed_pipe = writeln!(std::io::stderr(), "promlet: {}", error.to_string().trim_end());
    ExitCode::FAILURE
}

/// What a promlet without a configuration does and where to look, in at most six lines.
fn introduce(app: &App) {
    let shared = app.shared();
    let ports: Vec<String> = files::LOOPBACK_PORTS.iter().map(u16::to_string).collect();
    let text = format!(
        "promlet {} without a configuration, on {}\n\
         scrapes itself and what answers on 127.0.0.1, ports {} (looked for every minute)\n\
         keeps samples under {}\n\
         loads {} rule groups and {} dashboards; nobody is told of alerts before there is an alertmanager.yml\n\
         configure it with a prometheus.yml in this folder; see the whole thing with: promlet demo",
        env!("CARGO_PKG_VERSION"),
        shared.external_url,
        ports.join(", "),
        shared.settings.storage.path.display(),
        shared.loaded.load().files.rules.len(),
        shared.loaded.load().files.dashboards.list().len(),
    );
    let _closed_pipe = writeln!(std::io::stdout(), "{text}");
}
