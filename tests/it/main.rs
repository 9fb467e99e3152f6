//! All integration tests, in one binary.

mod alerts;
mod state;
mod template;
