//! The `promlet` command.

fn main() {}
