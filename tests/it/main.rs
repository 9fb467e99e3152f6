//! All integration tests, in one binary.

mod config;
mod layers;
mod sources;
mod tidy;
