//! Relabeling: labels and steps in, labels or a named drop out. Pure.

pub mod step;

pub use step::{Action, Step};
