//! ntfy: a message published as JSON to a topic, with buttons for graph and runbook. Ours: Alertmanager has no such receiver.

use reqwest::header::AUTHORIZATION;
use serde::Serialize;

use super::cut;
use super::deliver::Provider;
use super::http::Request;
use super::json::go_json;
use super::limits::{NTFY_ACTIONS_MAX, NTFY_MESSAGE_BYTES_MAX, NTFY_TITLE_MAX};
use super::options::NtfyOptions;
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, Notification, Status};
use crate::client::SecretSource;
use crate::model::Secret;

pub struct Ntfy(pub NtfyOptions);

#[derive(Serialize)]
struct Message {
    topic: String,
    title: String,
    message: String,
    priority: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    click: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<Action>,
}

#[derive(Serialize)]
struct Action {
    action: &'static str,
    label: &'static str,
    url: String,
}

/// 5 wakes people up, 3 is ordinary, 2 makes no noise: what ended is told quietly.
pub fn priority(notification: &Notification) -> u8 {
    if notification.status == Status::Resolved {
        return 2;
    }
    let severities = notification.firing().map(|alert| match alert.alert.labels.get("severity") {
        Some("critical" | "page" | "emergency") => 5,
        Some("warning" | "error" | "high") => 4,
        Some("info" | "none" | "low") => 2,
        _ => 3,
    });
    severities.max().unwrap_or(3)
}

/// The sign before the title.
fn tags(notification: &Notification) -> Vec<String> {
    let sign = match (notification.status, priority(notification)) {
        (Status::Resolved, _) => "white_check_mark",
        (Status::Firing, 5) => "rotating_light",
        (Status::Firing, 2) => "information_source",
        (Status::Firing, _) => "warning",
    };
    vec![sign.to_owned()]
}

fn actions(notification: &Notification) -> Vec<Action> {
    let Some(first) = notification.alerts.first() else { return Vec::new() };
    let annotation = |name: &str| first.alert.annotations.get(name).unwrap_or("").to_owned();
    let known =
        [("Graph", first.alert.generator_url.clone()), ("Runbook", annotation("runbook_url")), ("Dashboard", annotation("dashboard_url"))];
    let web = known.into_iter().filter(|(_, url)| words::is_web(url));
    web.take(NTFY_ACTIONS_MAX).map(|(label, url)| Action { action: "view", label, url }).collect()
}

impl Provider for Ntfy {
    fn kind(&self) -> &'static str {
        "ntfy"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        self.0.token.iter().collect()
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let options = &self.0;
        let title = write.field("title", options.title.as_deref(), || words::title(notification));
        let given = options.priority.as_deref().map(|template| write.part("priority", template));
        let tags = match options.tags.as_deref().map(|template| write.part("tags", template)) {
            Some(given) => given.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
            None => tags(notification),
        };
        let click = write.field("click", options.click.as_deref(), || words::alerts_url(notification));
        let text = write.field("message", options.message.as_deref(), || words::plain::brief(notification));
        let message = Message {
            topic: write.strict("topic", &options.topic)?,
            title: cut::runes(&words::one_line(&title), NTFY_TITLE_MAX),
            message: cut::with_remarks(text, &write.remarks(), NTFY_MESSAGE_BYTES_MAX, cut::bytes),
            priority: given
                .and_then(|text| text.trim().parse().ok())
                .filter(|n| (1..=5).contains(n))
                .unwrap_or_else(|| priority(notification)),
            tags,
            click,
            actions: actions(notification),
        };
        let mut request = Request::json(options.url.as_str(), go_json(&message).map_err(Failure::give_up)?);
        if let Some(token) = secrets.first() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        Ok(vec![request])
    }
}
