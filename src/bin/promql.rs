//! The `promql` query shell.

fn main() {}
