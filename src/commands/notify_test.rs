//! `promlet notify test RECEIVER`: one real message, each step printed as it happens; `promlet notify test heartbeat` asks the
//! addresses of the heartbeats once.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::serve;
use crate::app::addresses;
use crate::clock::Clock;
use crate::config;
use crate::heartbeat::{self, HeartbeatOptions};
use crate::model::Problem;
use crate::notify::{self, StepState};
use crate::telemetry::Registry;

#[derive(Args, Debug)]
pub struct NotifyTestFlags {
    /// The receiver's name in alertmanager.yml; `heartbeat` for the heartbeats of promlet.yml
    receiver: String,
    /// Alertmanager configuration file
    #[arg(long = "alertmanager.config.file", value_name = "FILE", default_value = "alertmanager.yml")]
    config_file: PathBuf,
    /// The URL of the links in the message [default: http://HOST:9090]
    #[arg(long = "web.external-url", value_name = "URL")]
    external_url: Option<String>,
}

/// The exit code is 0 where every integration of the receiver delivered.
pub fn run(flags: &NotifyTestFlags) -> ExitCode {
    let outcome = serve::runtime().map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(try_receiver(flags)));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _closed_pipe = writeln!(io::stderr(), "promlet notify test: {}", error.trim_end());
            ExitCode::FAILURE
        }
    }
}

/// What stands for the heartbeats, where no receiver has this name.
const HEARTBEAT: &str = "heartbeat";

fn lines(problems: Vec<Problem>) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

async fn try_receiver(flags: &NotifyTestFlags) -> Result<bool, String> {
    let external_url = flags.external_url.clone().unwrap_or_else(|| format!("http://{}:9090", addresses::host_name()));
    let beside = flags.config_file.parent().unwrap_or(Path::new("")).join("promlet.yml");
    let promlet = if beside.is_file() { config::load_promlet(&beside).map_err(lines)? } else { config::PromletConfig::default() };
    let is_heartbeat = flags.receiver == HEARTBEAT;
    if is_heartbeat && !flags.config_file.is_file() {
        return try_heartbeats(&promlet.heartbeats).await;
    }
    let loaded = config::load_alertmanager(&flags.config_file, &external_url, &serve::environment(&[]).checkers).map_err(lines)?;
    let (mut alerts, mut options) = (loaded.alerts, loaded.notify);
    promlet.add_to(&mut alerts, &mut options).map_err(lines)?;
    if is_heartbeat && options.receivers.iter().all(|receiver| receiver.name != HEARTBEAT) {
        return try_heartbeats(&promlet.heartbeats).await;
    }
    let trial = notify::trial(&flags.receiver, &options, &external_url, &Clock::system(), &Registry::default());
    let mut steps = trial.map_err(|error| error.to_string())?;
    let mut all_delivered = true;
    while let Some(step) = steps.recv().await {
        let mark = match step.state {
            StepState::Heading => "==",
            StepState::Done => "  ok  ",
            StepState::Failed => "  FAILED ",
            StepState::Outlook => "  ->  ",
        };
        all_delivered &= step.state != StepState::Failed;
        let _closed_pipe = writeln!(io::stdout(), "{mark} {}", step.text);
    }
    Ok(all_delivered)
}

async fn try_heartbeats(all: &[HeartbeatOptions]) -> Result<bool, String> {
    if all.is_empty() {
        return Err("there is no heartbeat: promlet.yml, beside alertmanager.yml, has none".to_owned());
    }
    let mut all_arrived = true;
    for options in all {
        let outcome = heartbeat::trial(options).await;
        all_arrived &= outcome.is_ok();
        let line = match outcome {
            Ok(status) => format!("  ok   arrived: {status}"),
            Err(error) => format!("  FAILED  {error}"),
        };
        let _closed_pipe = writeln!(io::stdout(), "== {}\n{line}", options.name);
    }
    Ok(all_arrived)
}
