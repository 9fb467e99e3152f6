//! `promlet notify test RECEIVER`: one real message to each integration of a receiver, each step told as it happens.

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::build::{BuildError, build_one, indexed, witness};
use super::deliver::Teller;
use super::evidence::{Evidence, Line, Window, Witness};
use super::limits::STEPS_WAITING_MAX;
use super::options::{NotifyOptions, ReceiverOptions};
use super::steps::{Step, Steps};
use super::texts::Texts;
use super::words;
use crate::alerts::fingerprint;
use crate::alerts::ids::Ids;
use crate::alerts::limits::ATTEMPT_MAX;
use crate::alerts::notification::{FailureKind, Measured, Notification, NotifiedAlert, Reason, Status, Threshold};
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
    let witness = witness(options, Some(example_evidence()), clock, registry);
    let built = build_all(receiver, &texts, witness.as_ref(), clock).map_err(TrialError::Build)?;
    let (sender, steps) = mpsc::channel(STEPS_WAITING_MAX);
    let (name, external_url, clock) = (name.to_owned(), external_url.to_owned(), clock.clone());
    tokio::spawn(async move {
        let steps = Steps::to(sender);
        for (label, one) in built {
            steps.heading(format!("{name} {label}"));
            let notification = example(&name, &label, &external_url, &clock);
            let outcome = one.tell(&notification, &steps).await;
            match outcome {
                Ok(delivered) => steps.done(format!("delivered: {}", delivered.detail)),
                Err(failure) => {
                    let outlook = outlook(failure.kind);
                    steps.failed(failure.detail);
                    steps.outlook(outlook);
                }
            }
        }
    });
    Ok(steps)
}

/// What a running promlet would make of a failure.
fn outlook(kind: FailureKind) -> String {
    match kind {
        FailureKind::GiveUp => "this does not pass by itself: promlet would go on trying rarely, until it is mended".to_owned(),
        FailureKind::Retry { after: None } => {
            "this may pass by itself: promlet would try again after a moment, then less and less often".to_owned()
        }
        FailureKind::Retry { after: Some(after) } => {
            format!("promlet would try again after {}, as the server asks", words::spoken(DurationMs((after.0 + 999) / 1000 * 1000)))
        }
    }
}

/// An integration with its label.
type Labelled = (String, Teller);

fn build_all(
    receiver: &ReceiverOptions,
    texts: &Arc<Texts>,
    witness: Option<&Witness>,
    clock: &Clock,
) -> Result<Vec<Labelled>, BuildError> {
    let each = indexed(&receiver.integrations).map(|(index, one)| {
        let deliver = build_one(&receiver.name, index, one, texts, clock)?;
        Ok((format!("{}[{index}]", one.kind()), Teller { deliver, witness: witness.cloned() }))
    });
    each.collect()
}

/// A course as of a value that rises beyond its threshold, so that a chart is tried as well.
fn example_evidence() -> Evidence {
    let course = |window: &Window| {
        let count = (window.end.0 - window.start.0) / window.step.0.max(1);
        let value = |n: i64| {
            let (done, wave) = (n as f64 / count.max(1) as f64, (n as f64 / 9.0).sin());
            if n == count { 1.0 } else { 0.25 + 0.7 * done * done + 0.06 * wave * (1.0 - done) }
        };
        let points = (0..=count).map(|n| (window.start + DurationMs(n * window.step.0), value(n))).collect();
        Ok(vec![Line { labels: Labels::empty(), points }])
    };
    Evidence { threshold: Arc::new(|_| Some(Threshold { operator: ">", value: 0.75 })), course: Arc::new(course) }
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
        starts_at: now - DurationMs::seconds(420),
        ends_at: now + DurationMs::seconds(300),
        generator_url: format!("{external_url}/graph?g0.expr=vector%281%29+%3E+0.75&g0.tab=1"),
        value: Some(1.0),
    };
    let alerts = vec![NotifiedAlert {
        fingerprint: fingerprint::of(&labels),
        alert,
        status: Status::Firing,
        ended_while_down: false,
        measured: Measured::default(),
    }];
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
        in_place_of: Vec::new(),
        deadline: ATTEMPT_MAX,
    }
}
