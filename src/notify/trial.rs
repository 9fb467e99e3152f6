//! `promlet notify test RECEIVER`: one real message to each integration of a receiver, each step told as it happens.

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::build::{BuildError, build_one, indexed};
use super::deliver::Deliver;
use super::limits::STEPS_WAITING_MAX;
use super::options::{NotifyOptions, ReceiverOptions};
use super::steps::{Step, Steps};
use super::texts::Texts;
use crate::alerts::fingerprint;
use crate::alerts::ids::Ids;
use crate::alerts::limits::ATTEMPT_MAX;
use crate::alerts::notification::{Notification, NotifiedAlert, Reason, Status};
use crate::clock::Clock;
use crate::model::{Alert, DurationMs, Labels};
use crate::telemetry::Registry;

/// Why there is nothing to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrialError {
    UnknownReceiver { name: String, known: Vec<String> },
    NobodyToTell { name: String },
    Build(BuildError),
}

impl fmt::Display for TrialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownReceiver { name, known } => write!(f, "there is no receiver {name}; alertmanager.yml names {}", known.join(", ")),
            Self::NobodyToTell { name } => {
                write!(f, "receiver {name} has no integrations (webhook_configs, slack_configs, email_configs, ...): it tells nobody")
            }
            Self::Build(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TrialError {}

/// Begins the trial; the steps come down the channel, which ends with the last one. A failed step says why. Needs a tokio runtime.
pub fn trial(
    name: &str,
    options: &NotifyOptions,
    external_url: &str,
    clock: &Clock,
    registry: &Registry,
) -> Result<mpsc::Receiver<Step>, TrialError> {
    let known = || options.receivers.iter().map(|receiver| receiver.name.clone()).collect();
    let receiver = options.receivers.iter().find(|receiver| receiver.name == name);
    let receiver = receiver.ok_or_else(|| TrialError::UnknownReceiver { name: name.to_owned(), known: known() })?;
    if receiver.integrations.is_empty() {
        return Err(TrialError::NobodyToTell { name: name.to_owned() });
    }
    let texts = Texts::read(&options.templates, options.upstream_texts, registry);
    let texts = Arc::new(texts.map_err(|errors| TrialError::Build(BuildError::Templates(errors)))?);
    let built = build_all(receiver, &texts, clock).map_err(TrialError::Build)?;
    let (sender, steps) = mpsc::channel(STEPS_WAITING_MAX);
    let (name, external_url, clock) = (name.to_owned(), external_url.to_owned(), clock.clone());
    tokio::spawn(async move {
        let steps = Steps::to(sender);
        for (label, one) in built {
            steps.heading(format!("{name} {label}"));
            let notification = example(&name, &label, &external_url, &clock);
            let outcome = one.deliver(&notification, &steps).await;
            match outcome {
                Ok(delivered) => steps.done(format!("delivered: {}", delivered.detail)),
                Err(failure) => steps.failed(failure.detail),
            }
        }
    });
    Ok(steps)
}

/// An integration with its label.
type Labelled = (String, Arc<dyn Deliver>);

fn build_all(receiver: &ReceiverOptions, texts: &Arc<Texts>, clock: &Clock) -> Result<Vec<Labelled>, BuildError> {
    let each = indexed(&receiver.integrations).map(|(index, one)| {
        let built = build_one(&receiver.name, index, one, texts, clock)?;
        Ok((format!("{}[{index}]", one.kind()), built))
    });
    each.collect()
}

/// What is sent: one firing alert that says what it is.
fn example(receiver: &str, integration: &str, external_url: &str, clock: &Clock) -> Notification {
    let now = clock.now();
    let labels = Labels::from_pairs([("alertname", "PromletTest"), ("severity", "info")]);
    let annotations = Labels::from_pairs([
        ("summary", "This is a test of this receiver, sent by hand."),
        ("description", "Nothing is wrong. Whoever reads this would also have heard of a real alert."),
    ]);
    let alert = Alert {
        labels: labels.clone(),
        annotations,
        starts_at: now,
        ends_at: now + DurationMs::seconds(300),
        generator_url: format!("{external_url}/query"),
        value: Some(1.0),
    };
    let alerts = vec![NotifiedAlert { fingerprint: fingerprint::of(&labels), alert, status: Status::Firing, ended_while_down: false }];
    let group_labels = Labels::from_pairs([("alertname", "PromletTest")]);
    Notification {
        id: Ids::random().next_uuid(),
        receiver: receiver.to_owned(),
        integration: integration.to_owned(),
        status: Status::Firing,
        reason: Reason::First,
        alerts,
        group_key: "{}:{alertname=\"PromletTest\"}".to_owned(),
        group_labels,
        route_labels: Labels::empty(),
        external_url: external_url.to_owned(),
        at: now,
        may_repeat: false,
        memo: None,
        deadline: ATTEMPT_MAX,
    }
}
