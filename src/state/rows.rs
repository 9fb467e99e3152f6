//! The rows as plain values, and the changes that may be asked of the writer.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{Labels, Matcher, TimestampMs};

/// The number that stands for an alert's labels.
pub type Fingerprint = u64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceRow {
    /// A UUID.
    pub id: String,
    pub matchers: Vec<Matcher>,
    pub starts_at: TimestampMs,
    pub ends_at: TimestampMs,
    pub updated_at: TimestampMs,
    pub created_by: String,
    pub comment: String,
    pub annotations: Labels,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlertRow {
    pub fingerprint: Fingerprint,
    pub labels: Labels,
    pub annotations: Labels,
    pub starts_at: TimestampMs,
    pub ends_at: TimestampMs,
    pub updated_at: TimestampMs,
    /// The end was set by `resolve_timeout`, not by the sender.
    pub timed_out: bool,
    pub generator_url: String,
    pub value: Option<f64>,
}

/// What one integration was last told about one group, and what it is still owed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRow {
    /// Group and integration.
    pub slot: String,
    pub receiver: String,
    pub integration: String,
    /// When it was last told something; none when never.
    pub told_at: Option<TimestampMs>,
    /// Kept at least until then.
    pub expires_at: TimestampMs,
    /// The alerts that the last notification gave as firing, and as resolved.
    pub firing: BTreeSet<Fingerprint>,
    pub resolved: BTreeSet<Fingerprint>,
    /// Told as firing at some time and not yet as resolved.
    pub announced: BTreeSet<Fingerprint>,
    pub owed: Option<OwedRow>,
    /// What the receiver wants to know of its last message, such as where it can be changed.
    pub memo: Option<String>,
}

/// A notification that was decided and not yet delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedRow {
    pub id: String,
    pub firing: BTreeSet<Fingerprint>,
    pub since: TimestampMs,
    /// At least one attempt was begun: it may have arrived.
    pub tried: bool,
}

/// Texts are shared: one message gives a line for each of its alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    pub at: TimestampMs,
    pub fingerprint: Fingerprint,
    pub labels: Labels,
    /// Empty where the decision is about the alert itself.
    pub group_id: Arc<str>,
    pub receiver: Arc<str>,
    /// One word: `firing`, `resolved`, `notified`, `silenced`, ...
    pub decision: Cow<'static, str>,
    pub detail: Arc<str>,
}

/// One notification, updated with each attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    pub id: String,
    pub at: TimestampMs,
    pub receiver: String,
    pub integration: String,
    pub group_labels: Labels,
    pub status: String,
    pub reason: String,
    pub alerts: Vec<Labels>,
    /// `delivered`, `retrying` or `failed`.
    pub outcome: String,
    pub attempts: u32,
    pub detail: String,
}

/// One change of the file.
#[derive(Clone, Debug)]
pub enum Change {
    PutSilence(SilenceRow),
    DropSilence(String),
    PutAlert(AlertRow),
    DropAlert(Fingerprint),
    PutLog(LogRow),
    DropLog(String),
    AddDecision(DecisionRow),
    PutDelivery(DeliveryRow),
    /// A notification that was still being tried is not tried any more.
    CloseDelivery {
        id: String,
        at: TimestampMs,
        detail: String,
    },
}
