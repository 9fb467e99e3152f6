//! All integration tests, in one binary.

mod layers;
mod rules;
mod sources;
mod template;
mod tidy;
