//! One file per kind of receiver: a notification in, a delivery or `Retry`/`GiveUp` out.
//!
//! What a message says stands in `words` (our own texts), `upstream` (Alertmanager's) and `texts` (the configuration's templates over
//! both); what the store knows of its alerts, and their charts, comes from `evidence` and `chart`; what a provider wants, and which of its
//! answers are final, stands in the file of its name; how requests travel in `deliver` and `http`, how mail does in `email`. Every step
//! has a deadline.

mod advice;
mod build;
mod chart;
mod cut;
mod data;
mod deliver;
mod discord;
mod email;
pub mod evidence;
mod gotify;
mod group_id;
mod http;
mod incidentio;
mod jira;
mod json;
pub mod limits;
mod mattermost;
mod msteams;
mod ntfy;
mod opsgenie;
pub mod options;
mod pagerduty;
mod pushover;
mod query;
mod reach;
mod rehearsal;
mod rocketchat;
mod slack;
mod sns;
pub mod steps;
mod structured;
mod telegram;
mod texts;
mod trial;
mod upstream;
mod victorops;
mod webex;
mod webhook;
mod wechat;
mod words;

pub use build::{BuildError, build, build_with, outline};
pub use evidence::Evidence;
pub use options::NotifyOptions;
pub use rehearsal::rehearse;
pub use steps::{Step, StepState};
pub use trial::{TrialError, trial};

#[cfg(test)]
mod tests;
