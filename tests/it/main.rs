//! All integration tests, in one binary.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod exposition;
mod layers;
mod scrape;
mod sources;
mod tidy;
