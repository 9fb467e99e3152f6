//! `promlet.yml`: what promlet has and stock files have no word for. Optional.

mod fallback;
mod heartbeat;

use std::collections::HashSet;
use std::path::Path;

use crate::alerts::options::AlertsOptions;
use crate::heartbeat::options::HeartbeatOptions;
use crate::model::Problem;
use crate::model::number::quote;
use crate::notify::options::{GotifyOptions, Integration, NotifyOptions, NtfyOptions};
use crate::yaml::scalar::boolean;
use crate::yaml::shape::resolve_paths;
use crate::yaml::{self, Kind, Node, Problems, Section, Source, Words, field};

use super::alertmanager::Given;
use super::http_client::HTTP_CONFIG;
use super::{Loaded, paths};

use fallback::{FALLBACK, Written};
use heartbeat::HEARTBEAT;

static DEFAULTS: Words = Words { name: "defaults", words: &["promlet", "alertmanager"], any_case: false };
static NOTIFICATIONS: Section =
    Section { name: "notifications", fields: &[&[field("defaults", Kind::Word(&DEFAULTS)), field("charts", Kind::Bool)]] };

static NTFY: Section = Section {
    name: "ntfy config",
    fields: &[&[
        field("send_resolved", Kind::Bool),
        field("http_config", Kind::Section(&HTTP_CONFIG)),
        field("url", Kind::Url),
        field("topic", Kind::Text),
        field("token", Kind::Secret),
        field("token_file", Kind::Path),
        field("title", Kind::Text),
        field("message", Kind::Text),
        field("priority", Kind::Text),
        field("tags", Kind::Text),
        field("click", Kind::Text),
        field("timeout", Kind::GoDuration),
    ]],
};
static GOTIFY: Section = Section {
    name: "gotify config",
    fields: &[&[
        field("send_resolved", Kind::Bool),
        field("http_config", Kind::Section(&HTTP_CONFIG)),
        field("url", Kind::Url),
        field("token", Kind::Secret),
        field("token_file", Kind::Path),
        field("title", Kind::Text),
        field("message", Kind::Text),
        field("priority", Kind::Text),
        field("timeout", Kind::GoDuration),
    ]],
};
static RECEIVER: Section = Section {
    name: "receiver",
    fields: &[&[
        field("name", Kind::Text),
        field("ntfy_configs", Kind::List(&Kind::Section(&NTFY))),
        field("gotify_configs", Kind::List(&Kind::Section(&GOTIFY))),
        field("fallback", Kind::Section(&FALLBACK)),
    ]],
};
static PROMLET: Section = Section {
    name: "promlet.yml",
    fields: &[&[
        field("notifications", Kind::Section(&NOTIFICATIONS)),
        field("receivers", Kind::List(&Kind::Section(&RECEIVER))),
        field("heartbeat", Kind::List(&Kind::Section(&HEARTBEAT))),
    ]],
};

#[derive(Clone, Debug, Default)]
pub struct PromletConfig {
    /// Alertmanager's own default texts in messages instead of promlet's.
    pub upstream_texts: bool,
    /// No charts in messages.
    pub no_charts: bool,
    /// By name of a receiver of `alertmanager.yml`: what it tells besides.
    pub receivers: Vec<Addition>,
    /// Who hears regularly that promlet works.
    pub heartbeats: Vec<HeartbeatOptions>,
    pub notes: Vec<Problem>,
}

/// What a receiver that `alertmanager.yml` names has besides: integrations, and who is told where it fails.
#[derive(Clone, Debug)]
pub struct Addition {
    pub receiver: String,
    pub integrations: Vec<Integration>,
    fallback: Option<Written>,
    /// What is said where there is no such receiver.
    unknown: Problem,
}

impl PromletConfig {
    /// Puts the additions where they belong; all that have no place come back.
    pub fn add_to(&self, alerts: &mut AlertsOptions, notify: &mut NotifyOptions) -> Loaded<()> {
        notify.upstream_texts |= self.upstream_texts;
        notify.no_charts |= self.no_charts;
        let mut errors = Vec::new();
        for addition in &self.receivers {
            match notify.receivers.iter_mut().find(|receiver| receiver.name == addition.receiver) {
                Some(receiver) => receiver.integrations.extend(addition.integrations.iter().cloned()),
                None => errors.push(addition.unknown.clone()),
            }
        }
        let written: Vec<&Written> = self.receivers.iter().filter_map(|addition| addition.fallback.as_ref()).collect();
        errors.extend(written.iter().filter_map(|written| written.problem(&notify.receivers)).cloned());
        alerts.fallbacks = written.iter().map(|written| written.fallback.clone()).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// Reads the file; the caller decides whether a missing one matters.
pub fn load_promlet(path: &Path) -> Loaded<PromletConfig> {
    let source = Source::read(path).map_err(|problem| vec![problem])?;
    let mut problems = Problems::new(&source);
    let Some(mut root) = yaml::parse(&source, &mut problems).filter(|root| !root.is_null()) else {
        let (errors, notes) = problems.finish();
        return if errors.is_empty() { Ok(PromletConfig { notes, ..PromletConfig::default() }) } else { Err(errors) };
    };
    heartbeat::as_list(&mut root);
    yaml::check(&root, &PROMLET, &mut problems);
    resolve_paths(&mut root, &PROMLET, &paths::folder_of(path));
    let upstream_texts = root.get("notifications").and_then(|section| section.text("defaults")) == Some("alertmanager");
    let no_charts = root.get("notifications").and_then(|section| section.get("charts")).and_then(boolean) == Some(false);
    let receivers = receivers(&root, &source, &mut problems);
    let heartbeats = heartbeat::read(&root, &mut problems);
    let (errors, notes) = problems.finish();
    if errors.is_empty() { Ok(PromletConfig { upstream_texts, no_charts, receivers, heartbeats, notes }) } else { Err(errors) }
}

fn receivers(root: &Node, source: &Source, problems: &mut Problems<'_>) -> Vec<Addition> {
    let (mut out, mut names) = (Vec::new(), HashSet::new());
    for node in root.get("receivers").map(Node::items).unwrap_or_default() {
        let name = node.text("name").unwrap_or("").to_owned();
        let at = node.get("name").map_or(node.span, |value| value.span);
        if name.is_empty() {
            problems.error(at, "missing name in receiver");
        }
        if !names.insert(name.clone()) {
            problems.error(at, format!("receiver {} is not unique", quote(&name)));
        }
        let mut integrations = Vec::new();
        for item in node.get("ntfy_configs").map(Node::items).unwrap_or_default() {
            integrations.extend(ntfy(item, problems).map(Box::new).map(Integration::Ntfy));
        }
        for item in node.get("gotify_configs").map(Node::items).unwrap_or_default() {
            integrations.extend(gotify(item, problems).map(Box::new).map(Integration::Gotify));
        }
        let message = format!("receiver {} is not in alertmanager.yml: add it there, where the routes are", quote(&name));
        let unknown = source.problem(crate::model::Severity::Error, at.start, message, None);
        let fallback = fallback::read(node, &name, source, problems);
        out.push(Addition { receiver: name, integrations, fallback, unknown });
    }
    let fallbacks: Vec<_> = out.iter().filter_map(|addition| addition.fallback.as_ref()).map(|written| &written.fallback).collect();
    // That a receiver is its own fallback was said above.
    if let Some(names) = fallback::circle(&fallbacks).filter(|names| names.len() > 2) {
        let at = root.get("receivers").map_or(root.span, |node| node.span);
        problems.error(at, format!("fallbacks go in a circle: {}", names.join(" -> ")));
    }
    out
}

fn need(node: &Node, keys: &[&str], message: &str, problems: &mut Problems<'_>) {
    if keys.iter().all(|key| node.text(key).is_none()) {
        problems.error(node.span, message);
    }
}

fn ntfy(node: &Node, problems: &mut Problems<'_>) -> Option<NtfyOptions> {
    need(node, &["topic"], "missing topic in ntfy config", problems);
    super::http_client::at_most_one(node, &["token", "token_file"], "at most one of token & token_file must be configured", problems);
    let given = Given(node);
    Some(NtfyOptions {
        sending: given.sending(true, problems),
        url: given.or("url", "https://ntfy.sh"),
        topic: given.open("topic")?,
        token: given.secret("token"),
        title: given.open("title"),
        message: given.open("message"),
        priority: given.open("priority"),
        tags: given.open("tags"),
        click: given.open("click"),
    })
}

fn gotify(node: &Node, problems: &mut Problems<'_>) -> Option<GotifyOptions> {
    need(node, &["url"], "missing url in gotify config", problems);
    need(node, &["token", "token_file"], "one of token or token_file must be configured", problems);
    let given = Given(node);
    Some(GotifyOptions {
        sending: given.sending(true, problems),
        url: given.open("url")?,
        token: given.secret("token")?,
        title: given.open("title"),
        message: given.open("message"),
        priority: given.open("priority"),
    })
}
