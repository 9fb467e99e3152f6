//! All integration tests, in one binary.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alerts;
mod http;
mod layers;
mod promql;
mod shell;
mod sources;
mod state;
mod tidy;
