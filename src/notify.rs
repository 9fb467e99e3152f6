//! One file per kind of receiver: a notification in, a delivery or `Retry`/`GiveUp` out.
//!
//! What a message says stands in `words` (our own texts), `upstream` (Alertmanager's) and `texts` (the configuration's templates over
//! both); what a provider wants, and which of its answers are final, in the file of its name; how requests travel in `deliver` and
//! `http`, how mail does in `email`. Every step has a deadline.

mod build;
mod cut;
mod data;
mod deliver;
mod discord;
mod email;
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

pub use build::{BuildError, build, outline};
pub use options::NotifyOptions;
pub use rehearsal::rehearse;
pub use steps::{Step, StepState};
pub use trial::{TrialError, trial};

#[cfg(test)]
mod tests;
