//! Relabeling: labels and steps in, labels or a named drop out. Pure.

mod apply;
pub mod step;

pub use apply::{Drop, Outcome, apply};
pub use step::{Action, Step};

#[cfg(test)]
mod tests;
