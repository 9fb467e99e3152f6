//! All integration tests, in one binary.

mod rules;
mod template;
