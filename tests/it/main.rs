//! All integration tests, in one binary.

mod alerts;
mod layers;
mod promql;
mod sources;
mod state;
mod tidy;
