//! From the configuration to receivers that can be told.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::email::Email;
use super::http::Poster;
use super::options::{Integration as Configured, NotifyOptions};
use super::slack::Slack;
use super::texts::{TemplateFileError, Texts};
use super::webhook::Webhook;
use crate::alerts::limits::ATTEMPT_MAX;
use crate::alerts::{Integration, Notify, Receiver};
use crate::client::{ClientError, ClientOptions};
use crate::clock::Clock;
use crate::model::DurationMs;
use crate::telemetry::Registry;

/// Why a configuration's receivers cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    Templates(Vec<TemplateFileError>),
    Client { receiver: String, integration: String, error: ClientError },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Templates(errors) => {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                write!(f, "notification templates cannot be used:\n{}", lines.join("\n"))
            }
            Self::Client { receiver, integration, error } => write!(f, "receiver {receiver}, {integration}: {error}"),
        }
    }
}

impl std::error::Error for BuildError {}

/// One integration, ready to send.
pub(super) enum Built {
    Webhook(Box<Webhook>),
    Slack(Box<Slack>),
    Email(Box<Email>),
}

/// All receivers, in the order of the file; all or nothing.
pub fn build(options: &NotifyOptions, clock: &Clock, registry: &Registry) -> Result<Vec<Receiver>, BuildError> {
    let texts = Texts::read(&options.templates, options.upstream_texts, registry).map_err(BuildError::Templates)?;
    let texts = Arc::new(texts);
    let mut receivers = Vec::new();
    for receiver in &options.receivers {
        let mut integrations = Vec::new();
        for (index, one) in indexed(&receiver.integrations) {
            let notify: Arc<dyn Notify> = match build_one(&receiver.name, index, one, &texts, clock)? {
                Built::Webhook(webhook) => Arc::new(*webhook),
                Built::Slack(slack) => Arc::new(*slack),
                Built::Email(email) => Arc::new(*email),
            };
            integrations.push(Integration { kind: one.kind(), index, send_resolved: one.send_resolved(), notify });
        }
        receivers.push(Receiver { name: receiver.name.clone(), integrations });
    }
    Ok(receivers)
}

/// Each integration with its number within its kind.
pub(super) fn indexed(integrations: &[Configured]) -> impl Iterator<Item = (usize, &Configured)> {
    integrations.iter().enumerate().map(|(at, one)| {
        let before = integrations[..at].iter().filter(|other| other.kind() == one.kind()).count();
        (before, one)
    })
}

pub(super) fn build_one(receiver: &str, index: usize, one: &Configured, texts: &Arc<Texts>, clock: &Clock) -> Result<Built, BuildError> {
    let poster = |options: &ClientOptions, timeout: DurationMs| {
        let longest: Duration = timeout.max(ATTEMPT_MAX).to_std();
        Poster::new(options, longest).map_err(|error| BuildError::Client {
            receiver: receiver.to_owned(),
            integration: format!("{}[{index}]", one.kind()),
            error,
        })
    };
    let (texts, clock) = (texts.clone(), clock.clone());
    Ok(match one {
        Configured::Webhook(options) => {
            let poster = poster(&options.client, options.timeout)?;
            Built::Webhook(Box::new(Webhook { options: (**options).clone(), poster, texts, clock }))
        }
        Configured::Slack(options) => {
            let poster = poster(&options.client, options.timeout)?;
            Built::Slack(Box::new(Slack { options: (**options).clone(), poster, texts, clock }))
        }
        Configured::Email(options) => Built::Email(Box::new(Email { options: (**options).clone(), texts, clock })),
    })
}
