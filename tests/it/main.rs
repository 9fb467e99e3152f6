//! All integration tests, in one binary.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alerts;
mod app;
mod config;
mod exposition;
mod http;
mod layers;
mod notify;
mod promql;
mod rules;
mod scrape;
mod sources;
mod state;
mod template;
mod tidy;
