//! `promlet tsdb …`: a data folder looked at, checked, taken over from Prometheus and given back, without a server.

mod dump;
mod export;
mod import;
mod info;
pub mod progress;
pub mod read;
mod verify;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::serve_flags::{LogFormat, LogLevel};
use crate::clock::Clock;

#[derive(Subcommand, Debug)]
pub enum TsdbCommand {
    /// Converts a Prometheus data folder into promlet's own segments; run again it goes on where it stopped
    Import(import::ImportFlags),
    /// Writes blocks that Prometheus serves
    Export(export::ExportFlags),
    /// Says what is in a data folder and what it costs
    Info(info::InfoFlags),
    /// Checks every checksum and invariant; the exit code is 1 where something is wrong
    Verify(verify::VerifyFlags),
    /// Writes samples as OpenMetrics text
    Dump(dump::DumpFlags),
}

/// Which data folder.
#[derive(Args, Debug, Clone)]
pub struct DataFolder {
    /// The data folder
    #[arg(long = "storage.tsdb.path", value_name = "DIR", default_value = "data/")]
    pub path: PathBuf,
}

/// Why a command failed: a sentence for the operator.
#[derive(Debug)]
pub struct Failed(pub String);

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

pub type Outcome = Result<ExitCode, Failed>;

pub fn run(command: TsdbCommand) -> ExitCode {
    let clock = Clock::system();
    super::serve::start_log(LogLevel::Warn, LogFormat::Logfmt, &clock);
    let (name, outcome) = match command {
        TsdbCommand::Import(flags) => ("import", import::run(&flags, &clock)),
        TsdbCommand::Export(flags) => ("export", export::run(&flags, &clock)),
        TsdbCommand::Info(flags) => ("info", info::run(&flags, &clock)),
        TsdbCommand::Verify(flags) => ("verify", verify::run(&flags, &clock)),
        TsdbCommand::Dump(flags) => ("dump", dump::run(&flags, &clock)),
    };
    outcome.unwrap_or_else(|Failed(text)| {
        let _closed_pipe = writeln!(std::io::stderr(), "promlet tsdb {name}: {text}");
        ExitCode::FAILURE
    })
}
