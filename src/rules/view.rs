//! What others may see of the rules.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::{DurationMs, Labels, TimestampMs};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleHealth {
    #[default]
    Unknown,
    Ok,
    Err,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertState {
    #[default]
    Unknown,
    Inactive,
    Pending,
    Firing,
}

#[derive(Clone, Debug)]
pub struct GroupView {
    pub file: PathBuf,
    pub name: String,
    pub interval: DurationMs,
    pub limit: usize,
    pub evaluation_time: Duration,
    pub last_evaluation: Option<TimestampMs>,
    /// Since the process started.
    pub evaluations: u64,
    pub rules: Vec<RuleView>,
}

#[derive(Clone, Debug)]
pub struct RuleView {
    pub name: String,
    pub query: String,
    pub labels: Labels,
    pub health: RuleHealth,
    pub last_error: String,
    pub evaluation_time: Duration,
    pub last_evaluation: Option<TimestampMs>,
    /// None for a recording rule.
    pub alerting: Option<AlertingView>,
}

#[derive(Clone, Debug)]
pub struct AlertingView {
    pub state: AlertState,
    pub hold: DurationMs,
    pub keep_firing_for: DurationMs,
    pub annotations: Labels,
    pub alerts: Vec<ActiveAlert>,
}

#[derive(Clone, Debug)]
pub struct ActiveAlert {
    pub labels: Labels,
    pub annotations: Labels,
    pub state: AlertState,
    pub active_at: TimestampMs,
    pub keep_firing_since: Option<TimestampMs>,
    pub value: f64,
}
