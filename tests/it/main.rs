//! All integration tests, in one binary.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alerts;
mod app;
mod blocks;
mod bundled;
mod config;
mod demo;
mod exposition;
mod http;
mod layers;
mod lint;
mod manifests;
mod notify;
mod promql;
mod promql_on_tsdb;
mod rules;
mod scrape;
mod shell;
mod sources;
mod state;
mod template;
mod tidy;
mod tsdb_budget;
mod tsdb_crash;
mod tsdb_delete;
mod tsdb_faults;
mod tsdb_late;
mod tsdb_rows;
