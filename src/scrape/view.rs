//! What others may see of the targets.

use std::time::Duration;

use crate::model::{DurationMs, Labels, Metadata, TimestampMs};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetHealth {
    #[default]
    Unknown,
    Up,
    Down,
}

#[derive(Clone, Debug)]
pub struct TargetView {
    /// The job's name.
    pub pool: String,
    /// Before relabeling, `__…` labels included.
    pub discovered_labels: Labels,
    /// After relabeling, without `__…`.
    pub labels: Labels,
    pub url: String,
    pub health: TargetHealth,
    /// Empty while all is well; names the line for a malformed page, or what was left out of a target that is up.
    pub last_error: String,
    pub last_scrape: Option<TimestampMs>,
    pub last_duration: Duration,
    pub last_samples: u64,
    pub interval: DurationMs,
    pub timeout: DurationMs,
    /// Metric families that the target described last, by name.
    pub metadata: Vec<(String, Metadata)>,
}

#[derive(Clone, Debug)]
pub struct DroppedTarget {
    pub pool: String,
    pub discovered_labels: Labels,
}
