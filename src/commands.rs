//! One file per subcommand: flags in, exit code out.

pub mod check;
pub mod foreign_flags;
pub mod serve_flags;
