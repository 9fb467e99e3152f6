//! Rule groups, checked: every expression has been parsed and every template read.

use std::path::PathBuf;

use crate::model::{DurationMs, Labels};

/// Everything the rules room is run with.
#[derive(Clone, Debug, Default)]
pub struct RulesOptions {
    pub groups: Vec<GroupOptions>,
    /// What templates see of `global.external_labels`.
    pub external_labels: Labels,
    /// The server's own address as people reach it, without a slash at the end.
    pub external_url: String,
    pub limits: RuleTimings,
}

/// `--rules.alert.*` flags.
#[derive(Clone, Copy, Debug)]
pub struct RuleTimings {
    pub for_outage_tolerance: DurationMs,
    pub for_grace_period: DurationMs,
    pub resend_delay: DurationMs,
}

impl Default for RuleTimings {
    fn default() -> Self {
        Self {
            for_outage_tolerance: DurationMs::seconds(3600),
            for_grace_period: DurationMs::seconds(600),
            resend_delay: DurationMs::seconds(60),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOptions {
    pub file: PathBuf,
    pub name: String,
    pub interval: DurationMs,
    /// Most results of one rule; 0 means no limit.
    pub limit: usize,
    pub query_offset: DurationMs,
    /// An empty value takes a label away, here and in rules.
    pub labels: Labels,
    pub rules: Vec<RuleOptions>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleOptions {
    Recording {
        record: String,
        expr: String,
        labels: Labels,
    },
    Alerting {
        alert: String,
        expr: String,
        hold: DurationMs,
        keep_firing_for: DurationMs,
        /// Values are templates.
        labels: Labels,
        /// Values are templates.
        annotations: Labels,
    },
}
