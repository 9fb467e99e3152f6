//! One file per subcommand: flags in, exit code out.

pub mod foreign_flags;
pub mod promql;
pub mod serve_flags;
