//! The `promql` query shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    promlet::commands::promql(std::env::args().collect())
}
