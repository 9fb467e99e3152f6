//! All integration tests, in one binary.

mod alerts;
mod http;
mod layers;
mod promql;
mod shell;
mod sources;
mod state;
mod tidy;
