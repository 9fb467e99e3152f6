//! One file per kind of receiver: a notification in, a delivery or `Retry`/`GiveUp` out.
//!
//! What a message says stands in `words` (our own texts), `upstream` (Alertmanager's) and `texts` (the configuration's templates over
//! both); how it travels stands in `webhook`, `slack` and `email`. Every step has a deadline.

mod build;
mod data;
mod email;
mod http;
mod json;
pub mod limits;
pub mod options;
mod rehearsal;
mod slack;
pub mod steps;
mod texts;
mod trial;
mod upstream;
mod webhook;
mod words;

pub use build::{BuildError, build};
pub use options::NotifyOptions;
pub use rehearsal::rehearse;
pub use steps::{Step, StepState};
pub use trial::{TrialError, trial};

#[cfg(test)]
mod tests;
