//! All integration tests, in one binary.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod config;
mod layers;
mod promql;
mod rules;
mod sources;
mod template;
mod tidy;
