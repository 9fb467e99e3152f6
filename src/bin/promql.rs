//! The `promql` query shell.

use std::process::ExitCode;

use clap::Parser;
use promlet::commands::promql::{PromqlArguments, run};

fn main() -> ExitCode {
    // the one TLS provider; a second installation would be an error of the program
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return ExitCode::from(1);
    }
    ExitCode::from(run(PromqlArguments::parse()).code())
}
