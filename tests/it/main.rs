//! All integration tests, in one binary.

mod layers;
mod sources;
mod tidy;
