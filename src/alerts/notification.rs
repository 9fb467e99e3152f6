//! What a receiver is told, and the one trait through which routing reaches the receivers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::fingerprint::Fingerprint;
use super::limits::IN_PLACE_OF_SHOWN_MAX;
use crate::model::{Alert, DurationMs, Labels, TimestampMs};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Firing,
    Resolved,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// Why a notification is sent. The words are Alertmanager's `notification_reason`, but for the last two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    First,
    NewAlerts,
    AllResolved,
    SomeResolved,
    Repeat,
    /// Never told while it lasted, since the receiver could not be reached; told late.
    Missed,
    /// So many groups had something to say at once that one message says it for all.
    Digest,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first notification",
            Self::NewAlerts => "new alerts added",
            Self::AllResolved => "all alerts resolved",
            Self::SomeResolved => "some alerts resolved",
            Self::Repeat => "repeat interval elapsed",
            Self::Missed => "missed while the receiver was unreachable",
            Self::Digest => "several groups in one message",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct NotifiedAlert {
    pub alert: Alert,
    pub fingerprint: Fingerprint,
    pub status: Status,
    /// It ended while promlet was not running: the end is when that was noticed.
    pub ended_while_down: bool,
    pub measured: Measured,
}

/// What is known of an alert's value beyond the last one; found just before a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// What the value was compared with.
    pub threshold: Option<Threshold>,
    /// The value that was farthest beyond it while the alert lasted.
    pub peak: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// As PromQL spells it: the alert fires where `value OPERATOR threshold`.
    pub operator: &'static str,
    pub value: f64,
}

impl Threshold {
    /// Whether it is small values that fire.
    pub fn is_floor(&self) -> bool {
        matches!(self.operator, "<" | "<=")
    }
}

/// One message to one integration about one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// A UUID; the same for every attempt, also over a restart.
    pub id: String,
    pub receiver: String,
    /// Kind and index: `slack[0]`.
    pub integration: String,
    pub status: Status,
    pub reason: Reason,
    /// In Alertmanager's order: job, instance, then the other labels.
    pub alerts: Vec<NotifiedAlert>,
    pub group_labels: Labels,
    pub route_labels: Labels,
    /// Alertmanager's text: the route's matchers, a colon, the group's labels.
    pub group_key: String,
    /// Without a slash at the end.
    pub external_url: String,
    /// When it was decided.
    pub at: TimestampMs,
    /// An attempt before the last restart may have arrived.
    pub may_repeat: bool,
    /// What the receiver said of its last message about this group, while something of that still fires.
    pub memo: Option<String>,
    /// Those that should have been told and were not reached; empty for whom the route names.
    pub in_place_of: Vec<InPlaceOf>,
    /// How long one attempt may take where the receiver sets no `timeout`.
    pub deadline: DurationMs,
}

/// Another receiver's integration that does not take what it is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InPlaceOf {
    pub receiver: String,
    pub integration: String,
    pub since: TimestampMs,
    /// Empty where it takes its messages again, and this is the end of what was said in its place.
    pub failure: String,
}

impl InPlaceOf {
    /// `on-call/slack[0] has not taken this since 2024-01-02T12:03:00Z: connection refused`.
    pub fn explain(&self) -> String {
        let Self { receiver, integration, since, failure } = self;
        let since = since.whole_seconds().rfc3339();
        if failure.is_empty() {
            return format!("{receiver} was not reached when this was announced here");
        }
        format!("{receiver}/{integration} has not taken this since {since}: {failure}")
    }
}

/// The annotation that says so to templates and to whoever reads the message by machine.
pub const IN_PLACE_OF: &str = "in_place_of";

/// What of it is said: the first few.
pub fn explain_all(all: &[InPlaceOf]) -> String {
    let said: Vec<String> = all.iter().take(IN_PLACE_OF_SHOWN_MAX).map(InPlaceOf::explain).collect();
    let more = all.len().saturating_sub(IN_PLACE_OF_SHOWN_MAX);
    said.join("; ") + &if more > 0 { format!("; and {more} more") } else { String::new() }
}

impl Notification {
    pub fn firing(&self) -> impl Iterator<Item = &NotifiedAlert> {
        self.alerts.iter().filter(|alert| alert.status == Status::Firing)
    }

    pub fn resolved(&self) -> impl Iterator<Item = &NotifiedAlert> {
        self.alerts.iter().filter(|alert| alert.status == Status::Resolved)
    }
}

/// What the receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    pub detail: String,
    /// To be handed back with the next notification of the group, and kept over a restart.
    pub memo: Option<String>,
}

impl Delivered {
    pub fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), memo: None }
    }
}

/// Why it was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// For the operator: step, answer, way out.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Worth trying again; not before `after` where the receiver said so.
    Retry { after: Option<DurationMs> },
    /// Trying the same again soon would not help.
    GiveUp,
}

impl Failure {
    pub fn retry(detail: impl Into<String>) -> Self {
        Self { kind: FailureKind::Retry { after: None }, detail: detail.into() }
    }

    pub fn give_up(detail: impl Into<String>) -> Self {
        Self { kind: FailureKind::GiveUp, detail: detail.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

pub type Outcome = Result<Delivered, Failure>;

/// A way to tell someone: one attempt, within its own deadlines.
pub trait Notify: Send + Sync {
    fn notify<'a>(&'a self, notification: &'a Notification) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;
}

/// One integration of a receiver, as routing needs to know it.
#[derive(Clone)]
pub struct Integration {
    pub kind: &'static str,
    /// Counts within the kind.
    pub index: usize,
    pub send_resolved: bool,
    /// Where it leads, such as a channel: what leads to the same place waits in one queue. Empty for a place of its own.
    pub destination: String,
    pub notify: Arc<dyn Notify>,
}

impl Integration {
    pub fn label(&self) -> String {
        format!("{}[{}]", self.kind, self.index)
    }
}

/// A name that routes use, and whom it stands for; an empty list is a black hole.
#[derive(Clone)]
pub struct Receiver {
    pub name: String,
    pub integrations: Vec<Integration>,
}
