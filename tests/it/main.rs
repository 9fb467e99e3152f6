//! All integration tests, in one binary.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so and stop")]

mod alerts;
mod layers;
mod notify;
mod sources;
mod state;
mod template;
mod tidy;
