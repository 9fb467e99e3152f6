//! The `promlet` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    promlet::commands::promlet(std::env::args().collect())
}
