//! An alert as rules hand it to routing, and as Alertmanager's API takes it.

use super::{Labels, TimestampMs};

/// One alert: its labels are its identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub labels: Labels,
    pub annotations: Labels,
    pub starts_at: TimestampMs,
    /// In the past: resolved. In the future: when silence from the sender means resolved.
    pub ends_at: TimestampMs,
    /// Where the expression can be seen; empty when unknown.
    pub generator_url: String,
    /// The expression's value when last evaluated; none for alerts that came over the API.
    pub value: Option<f64>,
}

impl Alert {
    pub fn is_resolved_at(&self, now: TimestampMs) -> bool {
        self.ends_at <= now
    }

    pub fn name(&self) -> &str {
        self.labels.get("alertname").unwrap_or("")
    }
}
