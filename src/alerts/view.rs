//! What others may see of routing: alerts with their state, groups, silences, deliveries.

use super::inbox::Offsets;
use crate::model::{Alert, DurationMs, Labels, Matcher, TimestampMs};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suppression {
    /// Not yet seen by a flush.
    Unprocessed,
    Active,
    Suppressed,
}

#[derive(Clone, Debug)]
pub struct AlertView {
    pub alert: Alert,
    pub updated_at: TimestampMs,
    /// In which the alert's times were posted.
    pub offsets: Offsets,
    /// 16 hexadecimal digits, as Alertmanager's fingerprint.
    pub fingerprint: String,
    pub receivers: Vec<String>,
    pub state: Suppression,
    pub silenced_by: Vec<String>,
    pub inhibited_by: Vec<String>,
    pub muted_by: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct AlertGroupView {
    pub labels: Labels,
    pub route_labels: Labels,
    pub receiver: String,
    pub alerts: Vec<AlertView>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SilenceState {
    Pending,
    Active,
    Expired,
}

#[derive(Clone, Debug)]
pub struct SilenceView {
    /// A UUID.
    pub id: String,
    pub matchers: Vec<Matcher>,
    pub starts_at: TimestampMs,
    pub ends_at: TimestampMs,
    pub updated_at: TimestampMs,
    pub created_by: String,
    pub comment: String,
    pub annotations: Labels,
    pub state: SilenceState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    Delivered,
    Retrying,
    Failed,
}

/// One notification as the ledger knows it.
#[derive(Clone, Debug)]
pub struct DeliveryView {
    pub at: TimestampMs,
    pub receiver: String,
    /// Kind and index: `slack[0]`.
    pub integration: String,
    pub group_labels: Labels,
    /// `firing` or `resolved`.
    pub status: String,
    /// Why it was sent: Alertmanager's `notification_reason`.
    pub reason: String,
    pub alerts: Vec<Labels>,
    pub outcome: DeliveryOutcome,
    pub attempts: u32,
    /// What the receiver answered, or why it failed.
    pub detail: String,
    /// Marks a notification, so that a repeat after a crash can be told.
    pub id: String,
}

/// One line of "why did I (not) hear of this?": a change of decision about one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailView {
    pub at: TimestampMs,
    /// Empty where the line is about the alert itself.
    pub receiver: String,
    /// `firing`, `resolved`, `silenced`, `inhibited`, `muted`, `outside_active_interval`, `nobody_to_tell`, `released`, `notified`,
    /// `notified_resolved`, `stands_in`; `blind`, where nobody watched.
    pub decision: String,
    /// For a person.
    pub detail: String,
}

/// "Why did I (not) hear of this?", for one alert.
#[derive(Clone, Debug)]
pub struct Story {
    pub labels: Labels,
    /// 16 hexadecimal digits.
    pub fingerprint: String,
    /// None where the alert is over and everyone was told who had to be.
    pub standing: Option<AlertStanding>,
    /// Newest first.
    pub trail: Vec<TrailView>,
    pub deliveries: Vec<DeliveryView>,
}

/// Where an alert stands now.
#[derive(Clone, Debug)]
pub struct AlertStanding {
    pub alert: AlertView,
    pub ended: bool,
    pub routes: Vec<RouteStanding>,
}

#[derive(Clone, Debug)]
pub struct RouteStanding {
    pub receiver: String,
    /// The matchers on the way from the root: `{}/{severity="page"}`.
    pub route: String,
    pub group_labels: Labels,
    pub group_wait: DurationMs,
    pub group_interval: DurationMs,
    pub repeat_interval: DurationMs,
    /// None where the group has let go of the alert.
    pub next_look: Option<TimestampMs>,
    /// A word as in the trail, and a sentence.
    pub held_by: Option<(String, String)>,
    pub integrations: Vec<IntegrationStanding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Told,
    /// It will be told.
    Waiting,
    Sending,
    /// Attempts have failed.
    Failing,
    /// Held back.
    Held,
    /// There is nothing that this integration wants to hear.
    Unwanted,
}

#[derive(Clone, Debug)]
pub struct IntegrationStanding {
    /// Kind and index: `slack[0]`; of a receiver that stands in for another also its name: `mail/email[0]`.
    pub integration: String,
    pub standing: Standing,
    /// For a person.
    pub text: String,
    /// When it was last told of the group.
    pub told_at: Option<TimestampMs>,
    pub attempts: u32,
    pub next_attempt: Option<TimestampMs>,
}
