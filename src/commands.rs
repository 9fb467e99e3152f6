//! One file per subcommand: flags in, exit code out.

pub mod check;
