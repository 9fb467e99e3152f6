//! Why someone is not told about an alert: the steps of Alertmanager's pipeline, in its order, as a list.

use super::fingerprint::{Fingerprint, show};
use super::inhibit::Inhibition;
use super::intervals;
use super::options::{NamedIntervals, Route};
use super::silences::Silences;
use crate::model::{Labels, TimestampMs};

/// A named reason to hold an alert back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// By the alert with this fingerprint.
    Inhibited(Fingerprint),
    /// None of the route's `active_time_intervals` holds now.
    Inactive(Vec<String>),
    /// One of the route's `mute_time_intervals` holds now.
    Muted(String),
    /// By the silences with these ids.
    Silenced(Vec<String>),
    /// There is no `alertmanager.yml`, or the receiver has no integrations.
    NobodyToTell,
}

impl Hold {
    /// Alertmanager's word in `alertmanager_notifications_suppressed_total`; also the word in the ledger.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Inhibited(_) => "inhibited",
            Self::Inactive(_) => "outside_active_interval",
            Self::Muted(_) => "muted",
            Self::Silenced(_) => "silenced",
            Self::NobodyToTell => "nobody_to_tell",
        }
    }

    /// For a person.
    pub fn explain(&self) -> String {
        match self {
            Self::Inhibited(by) => format!("inhibited by alert {}", show(*by)),
            Self::Inactive(names) => format!("outside of the route's active time intervals ({})", names.join(", ")),
            Self::Muted(name) => format!("muted by time interval {name}"),
            Self::Silenced(ids) => format!("silenced by {}", ids.join(", ")),
            Self::NobodyToTell => "the route's receiver has nobody to tell".to_owned(),
        }
    }

    /// A message about the end of an announced alert waits for a quiet time to pass; the other reasons do not stop it.
    pub fn defers_resolved(&self) -> bool {
        matches!(self, Self::Inactive(_) | Self::Muted(_))
    }
}

/// Everything the steps look at.
pub struct Context<'a> {
    pub route: &'a Route,
    pub intervals: &'a [NamedIntervals],
    pub inhibition: &'a Inhibition<'a>,
    pub silences: &'a Silences,
    pub now: TimestampMs,
}

type Step = fn(&Context<'_>, &Labels, Fingerprint) -> Option<Hold>;

/// Alertmanager's order.
const STEPS: [Step; 4] = [inhibited, inactive, muted, silenced];

/// The first reason to hold the alert back.
pub fn judge(context: &Context<'_>, labels: &Labels, fingerprint: Fingerprint) -> Option<Hold> {
    STEPS.iter().find_map(|step| step(context, labels, fingerprint))
}

fn inhibited(context: &Context<'_>, labels: &Labels, fingerprint: Fingerprint) -> Option<Hold> {
    context.inhibition.of(labels, fingerprint).map(Hold::Inhibited)
}

fn inactive(context: &Context<'_>, _: &Labels, _: Fingerprint) -> Option<Hold> {
    let names = &context.route.active_time_intervals;
    let holds = names.iter().any(|name| intervals::holds(context.intervals, name, context.now));
    (!names.is_empty() && !holds).then(|| Hold::Inactive(names.clone()))
}

fn muted(context: &Context<'_>, _: &Labels, _: Fingerprint) -> Option<Hold> {
    let names = &context.route.mute_time_intervals;
    names.iter().find(|name| intervals::holds(context.intervals, name, context.now)).cloned().map(Hold::Muted)
}

fn silenced(context: &Context<'_>, labels: &Labels, _: Fingerprint) -> Option<Hold> {
    let ids = context.silences.of(labels, context.now);
    (!ids.is_empty()).then_some(Hold::Silenced(ids))
}
