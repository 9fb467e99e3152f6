//! PagerDuty: Events API v2 with a routing key, v1 with a service's key. Incidents are known again by the group's hash.

use serde::Serialize;
use serde_json::Value;

use super::cut;
use super::deliver::Provider;
use super::group_id;
use super::http::{Answer, Request};
use super::json::go_json;
use super::limits::{PAGERDUTY_EVENT_BYTES_MAX, PAGERDUTY_SUMMARY_MAX};
use super::options::{PagerdutyKey, PagerdutyOptions};
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, Notification, Status};
use crate::client::SecretSource;
use crate::model::Secret;

/// Where v1 is; upstream does not let one change it either.
const V1_URL: &str = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";

pub struct Pagerduty(pub PagerdutyOptions);

#[derive(Serialize)]
struct Event {
    #[serde(skip_serializing_if = "str::is_empty")]
    routing_key: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    service_key: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    dedup_key: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    incident_key: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    event_type: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: String,
    /// Empty in v1, but there.
    event_action: &'static str,
    payload: Option<Payload>,
    #[serde(skip_serializing_if = "str::is_empty")]
    client: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_url: String,
    #[serde(skip_serializing_if = "Value::is_null")]
    details: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Image>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
}

#[derive(Serialize)]
struct Payload {
    summary: String,
    source: String,
    severity: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    class: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    component: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: String,
    #[serde(skip_serializing_if = "Value::is_null")]
    custom_details: Value,
}

#[derive(Serialize)]
struct Image {
    src: String,
    alt: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    href: String,
}

#[derive(Serialize)]
struct Link {
    href: String,
    text: String,
}

impl Pagerduty {
    fn event(&self, key: &str, notification: &Notification, write: &mut Rendering<'_>) -> Event {
        let options = &self.0;
        let is_v1 = matches!(options.key, PagerdutyKey::Service(_));
        let action = if notification.status == Status::Firing { "trigger" } else { "resolve" };
        let group = group_id::of(notification);
        let mut details = write.value("details", &Value::Object(options.details.clone()));
        let description = write.field("description", options.description.as_deref(), || words::title(notification));
        let client = write.field("client", options.client.as_deref(), || "promlet".to_owned());
        let client_url = write.field_named("client_url", "clientURL", options.client_url.as_deref(), || words::alerts_url(notification));
        let mut event = Event {
            routing_key: String::new(),
            service_key: String::new(),
            dedup_key: String::new(),
            incident_key: String::new(),
            event_type: "",
            description: String::new(),
            event_action: "",
            payload: None,
            client: String::new(),
            client_url: String::new(),
            details: Value::Null,
            images: Vec::new(),
            links: Vec::new(),
        };
        if is_v1 {
            // An incident's origin is told when it begins.
            if notification.status == Status::Firing {
                (event.client, event.client_url) = (client, client_url);
            }
            note_problems(&mut details, write);
            (event.service_key, event.incident_key) = (key.to_owned(), group);
            (event.event_type, event.description) = (action, cut::runes(&description, PAGERDUTY_SUMMARY_MAX));
            event.details = details;
            return event;
        }
        let source = write.field_named("source", "client", options.source.as_deref(), || "promlet".to_owned());
        let mut payload = Payload {
            summary: cut::runes(&description, PAGERDUTY_SUMMARY_MAX),
            source,
            severity: write.part("severity", &options.severity),
            class: write.part("class", &options.class),
            component: write.part("component", &options.component),
            group: write.part("group", &options.group),
            custom_details: Value::Null,
        };
        event.images = images(options, write);
        event.links = links(options, write);
        note_problems(&mut details, write);
        payload.custom_details = details;
        (event.client, event.client_url) = (client, client_url);
        (event.routing_key, event.dedup_key) = (key.to_owned(), group);
        (event.event_action, event.payload) = (action, Some(payload));
        event
    }
}

/// One without a source, or a link without a target, is left out.
fn images(options: &PagerdutyOptions, write: &mut Rendering<'_>) -> Vec<Image> {
    let filled = options.images.iter().map(|image| Image {
        src: write.part("images.src", &image.src),
        alt: write.part("images.alt", &image.alt),
        href: write.part("images.href", &image.href),
    });
    filled.filter(|image| !image.src.is_empty()).collect()
}

fn links(options: &PagerdutyOptions, write: &mut Rendering<'_>) -> Vec<Link> {
    let filled =
        options.links.iter().map(|link| Link { href: write.part("links.href", &link.href), text: write.part("links.text", &link.text) });
    filled.filter(|link| !link.href.is_empty()).collect()
}

/// The one place of an event where there is room for what failed.
fn note_problems(details: &mut Value, write: &Rendering<'_>) {
    if let (Value::Object(details), false) = (details, write.problems.is_empty()) {
        details.insert("template_errors".to_owned(), write.remarks().into());
    }
}

impl Provider for Pagerduty {
    fn kind(&self) -> &'static str {
        "pagerduty"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        match &self.0.key {
            PagerdutyKey::Routing(key) | PagerdutyKey::Service(key) => vec![key],
        }
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let (name, url) = match self.0.key {
            PagerdutyKey::Routing(_) => ("routing_key", self.0.url.as_str()),
            PagerdutyKey::Service(_) => ("service_key", V1_URL),
        };
        let key = write.strict(name, secrets[0].expose())?;
        let mut event = self.event(&key, notification, write);
        let mut body = go_json(&event).map_err(Failure::give_up)?;
        if body.len() > PAGERDUTY_EVENT_BYTES_MAX {
            let note =
                serde_json::json!({ "error": "The details were left out: the event was larger than the 512 kB that PagerDuty takes." });
            match &mut event.payload {
                Some(payload) => payload.custom_details = note,
                None => event.details = note,
            }
            body = go_json(&event).map_err(Failure::give_up)?;
        }
        Ok(vec![Request::json(url, body)])
    }

    /// v1 says 403 where v2 says 429: too many events.
    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        if matches!(self.0.key, PagerdutyKey::Service(_)) && answer.status.as_u16() == 403 {
            return Err(answer.retry());
        }
        answer.judge()
    }
}
