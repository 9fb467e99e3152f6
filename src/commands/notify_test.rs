//! `promlet notify test RECEIVER`: one real message, each step printed as it happens.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::serve;
use crate::app::addresses;
use crate::clock::Clock;
use crate::config;
use crate::notify::{self, StepState};
use crate::telemetry::Registry;

#[derive(Args, Debug)]
pub struct NotifyTestFlags {
    /// The receiver's name in alertmanager.yml
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

async fn try_receiver(flags: &NotifyTestFlags) -> Result<bool, String> {
    let external_url = flags.external_url.clone().unwrap_or_else(|| format!("http://{}:9090", addresses::host_name()));
    let loaded = config::load_alertmanager(&flags.config_file, &external_url, &serve::environment(&[]).checkers)
        .map_err(|problems| problems.iter().map(|problem| format!("{problem}\n")).collect::<String>())?;
    let mut options = loaded.notify;
    let beside = flags.config_file.parent().unwrap_or(Path::new("")).join("promlet.yml");
    if let Ok(promlet) = config::load_promlet(&beside) {
        promlet.add_to(&mut options).map_err(|problems| problems.iter().map(|problem| format!("{problem}\n")).collect::<String>())?;
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
