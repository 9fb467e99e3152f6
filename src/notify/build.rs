//! From the configuration to receivers that can be told.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use xxhash_rust::xxh64::xxh64;

use super::deliver::{Deliver, Desk, Provider, Simple, Teller};
use super::discord::Discord;
use super::email::Email;
use super::evidence::{Evidence, Witness};
use super::gotify::Gotify;
use super::http::Poster;
use super::incidentio::Incidentio;
use super::jira::Jira;
use super::mattermost::Mattermost;
use super::msteams::{Msteams, MsteamsV2};
use super::ntfy::Ntfy;
use super::opsgenie::Opsgenie;
use super::options::{Integration as Configured, NotifyOptions, ReceiverOptions, Sending};
use super::pagerduty::Pagerduty;
use super::pushover::Pushover;
use super::rocketchat::Rocketchat;
use super::slack::Slack;
use super::sns::Sns;
use super::telegram::Telegram;
use super::texts::{TemplateFileError, Texts};
use super::victorops::Victorops;
use super::webex::Webex;
use super::webhook::Webhook;
use super::wechat::Wechat;
use crate::alerts::limits::ATTEMPT_MAX;
use crate::alerts::{Integration, Notify, Receiver};
use crate::client::{ClientError, SecretSource};
use crate::clock::Clock;
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

/// All receivers, in the order of the file; all or nothing.
pub fn build(options: &NotifyOptions, clock: &Clock, registry: &Registry) -> Result<Vec<Receiver>, BuildError> {
    build_with(options, None, clock, registry)
}

/// The same, with messages that say what the store knows of their alerts.
pub fn build_with(
    options: &NotifyOptions,
    evidence: Option<Evidence>,
    clock: &Clock,
    registry: &Registry,
) -> Result<Vec<Receiver>, BuildError> {
    let witness = witness(options, evidence, clock, registry);
    let texts = Texts::read(&options.templates, options.upstream_texts, registry).map_err(BuildError::Templates)?;
    let texts = Arc::new(texts);
    let mut receivers = Vec::new();
    for receiver in &options.receivers {
        let mut integrations = Vec::new();
        for (index, one) in indexed(&receiver.integrations) {
            let deliver = build_one(&receiver.name, index, one, &texts, clock)?;
            let notify = Arc::new(Teller { deliver, witness: witness.clone() });
            let (kind, send_resolved, destination) = (one.kind(), one.send_resolved(), destination(one));
            integrations.push(Integration { kind, index, send_resolved, destination, notify });
        }
        receivers.push(Receiver { name: receiver.name.clone(), integrations });
    }
    Ok(receivers)
}

/// All receivers as they are configured, with one way to tell all of them: for trying out, where nothing is to be sent.
pub fn outline(options: &NotifyOptions, notify: &Arc<dyn Notify>) -> Vec<Receiver> {
    let integration = |(index, one): (usize, &Configured)| Integration {
        kind: one.kind(),
        index,
        send_resolved: one.send_resolved(),
        destination: destination(one),
        notify: notify.clone(),
    };
    let receiver = |receiver: &ReceiverOptions| Receiver {
        name: receiver.name.clone(),
        integrations: indexed(&receiver.integrations).map(integration).collect(),
    };
    options.receivers.iter().map(receiver).collect()
}

/// None where the texts are upstream's, which say nothing of it.
pub(super) fn witness(options: &NotifyOptions, evidence: Option<Evidence>, clock: &Clock, registry: &Registry) -> Option<Witness> {
    let evidence = evidence.filter(|_| !options.upstream_texts)?;
    let (clock, registry) = (clock.clone(), registry.clone());
    Some(Witness { evidence, draws: !options.no_charts, allowance: Arc::default(), clock, registry })
}

/// Each integration with its number within its kind.
pub(super) fn indexed(integrations: &[Configured]) -> impl Iterator<Item = (usize, &Configured)> {
    integrations.iter().enumerate().map(|(at, one)| {
        let before = integrations[..at].iter().filter(|other| other.kind() == one.kind()).count();
        (before, one)
    })
}

/// The place where its messages appear, in a word that tells it from others; only Slack's need be known.
fn destination(one: &Configured) -> String {
    let Configured::Slack(options) = one else { return String::new() };
    let place = |source: &SecretSource| match source {
        SecretSource::Inline(secret) => secret.expose().to_owned(),
        SecretSource::File(path) => path.display().to_string(),
    };
    let sources = options.api_url.iter().chain(&options.app_token).map(place);
    let all: Vec<String> = sources.chain([options.app_url.clone(), options.channel.clone().unwrap_or_default()]).collect();
    format!("{:016x}", xxh64(all.join("\n").as_bytes(), 0))
}

/// One integration, ready to send.
pub(super) fn build_one(
    receiver: &str,
    index: usize,
    one: &Configured,
    texts: &Arc<Texts>,
    clock: &Clock,
) -> Result<Arc<dyn Deliver>, BuildError> {
    let desk = |sending: &Sending| {
        let timeout = sending.timeout;
        let longest: Duration = timeout.max(ATTEMPT_MAX).to_std();
        let poster = Poster::new(&sending.client, longest).map_err(|error| BuildError::Client {
            receiver: receiver.to_owned(),
            integration: format!("{}[{index}]", one.kind()),
            error,
        })?;
        Ok(Desk { poster, texts: texts.clone(), clock: clock.clone(), timeout })
    };
    Ok(match one {
        Configured::Email(options) => Arc::new(Email { options: (**options).clone(), texts: texts.clone(), clock: clock.clone() }),
        Configured::Webhook(options) => simple(Webhook((**options).clone()), desk(&options.sending)?),
        Configured::Slack(options) => Arc::new(Slack::new((**options).clone(), desk(&options.sending)?)),
        Configured::Pagerduty(options) => simple(Pagerduty((**options).clone()), desk(&options.sending)?),
        Configured::Opsgenie(options) => simple(Opsgenie((**options).clone()), desk(&options.sending)?),
        Configured::Wechat(options) => Arc::new(Wechat::new((**options).clone(), desk(&options.sending)?)),
        Configured::Victorops(options) => simple(Victorops((**options).clone()), desk(&options.sending)?),
        Configured::Pushover(options) => simple(Pushover((**options).clone()), desk(&options.sending)?),
        Configured::Sns(options) => simple(Sns { options: (**options).clone(), clock: clock.clone() }, desk(&options.sending)?),
        Configured::Telegram(options) => simple(Telegram((**options).clone()), desk(&options.sending)?),
        Configured::Discord(options) => simple(Discord((**options).clone()), desk(&options.sending)?),
        Configured::Webex(options) => simple(Webex((**options).clone()), desk(&options.sending)?),
        Configured::Msteams(options) => simple(Msteams((**options).clone()), desk(&options.sending)?),
        Configured::MsteamsV2(options) => simple(MsteamsV2((**options).clone()), desk(&options.sending)?),
        Configured::Jira(options) => Arc::new(Jira { options: (**options).clone(), desk: desk(&options.sending)? }),
        Configured::Rocketchat(options) => simple(Rocketchat((**options).clone()), desk(&options.sending)?),
        Configured::Mattermost(options) => simple(Mattermost((**options).clone()), desk(&options.sending)?),
        Configured::Ntfy(options) => simple(Ntfy((**options).clone()), desk(&options.sending)?),
        Configured::Gotify(options) => simple(Gotify((**options).clone()), desk(&options.sending)?),
        Configured::Incidentio(options) => simple(Incidentio((**options).clone()), desk(&options.sending)?),
    })
}

fn simple<P: Provider + 'static>(provider: P, desk: Desk) -> Arc<dyn Deliver> {
    Arc::new(Simple { provider, desk })
}
