//! Opsgenie: an alert is created, changed where that is asked for, and closed by its alias, the group's hash.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde::Serialize;

use super::cut;
use super::data::common_labels;
use super::deliver::Provider;
use super::group_id;
use super::http::Request;
use super::json::go_json;
use super::limits::OPSGENIE_MESSAGE_MAX;
use super::options::{OpsgenieOptions, Responder};
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, Notification, Status};
use crate::client::SecretSource;
use crate::model::Secret;

pub struct Opsgenie(pub OpsgenieOptions);

#[derive(Serialize)]
struct Create {
    alias: String,
    message: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: String,
    details: BTreeMap<String, String>,
    source: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    responders: Vec<To>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    priority: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    entity: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<String>,
}

#[derive(Default, PartialEq, Serialize)]
struct To {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    username: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize)]
struct Close {
    source: String,
}

#[derive(Serialize)]
struct NewMessage {
    #[serde(skip_serializing_if = "str::is_empty")]
    message: String,
}

#[derive(Serialize)]
struct NewDescription {
    #[serde(skip_serializing_if = "str::is_empty")]
    description: String,
}

/// A list in one text; what is empty is left out, blanks inside stay, as upstream.
fn split(text: &str) -> Vec<String> {
    text.trim().split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// One of the type `teams` stands for several, by their names.
fn responders(all: &[Responder], write: &mut Rendering<'_>) -> Vec<To> {
    let mut out = Vec::new();
    for one in all {
        let to = To {
            id: write.part("responders.id", &one.id),
            name: write.part("responders.name", &one.name),
            username: write.part("responders.username", &one.username),
            kind: write.part("responders.type", &one.kind),
        };
        if to.kind == "teams" {
            out.extend(split(&to.name).into_iter().map(|name| To { name, kind: "team".to_owned(), ..To::default() }));
        } else if to != To::default() {
            out.push(to);
        }
    }
    out
}

impl Opsgenie {
    fn create(&self, notification: &Notification, write: &mut Rendering<'_>) -> Create {
        let options = &self.0;
        let mut details: BTreeMap<String, String> =
            common_labels(notification).iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        for (name, template) in &options.details {
            details.insert(name.clone(), write.part(&format!("details.{name}"), template));
        }
        let message = write.field("message", options.message.as_deref(), || words::title(notification));
        let mut create = Create {
            alias: group_id::of(notification),
            message: cut::runes(&message, OPSGENIE_MESSAGE_MAX),
            source: write.field("source", options.source.as_deref(), || words::alerts_url(notification)),
            responders: responders(&options.responders, write),
            tags: split(&write.part("tags", &options.tags)),
            note: write.part("note", &options.note),
            priority: write.part("priority", &options.priority),
            entity: write.part("entity", &options.entity),
            actions: split(&write.part("actions", &options.actions)),
            description: write.field("description", options.description.as_deref(), || words::plain::text(notification, &[])),
            details,
        };
        if !write.problems.is_empty() {
            create.description = format!("{}\n{}", create.description.trim_end(), write.remarks().join("\n"));
        }
        create
    }

    fn request(&self, key: &str, method: Method, path: &str, body: &impl Serialize) -> Result<Request, Failure> {
        let body = go_json(body).map_err(Failure::give_up)?;
        let url = format!("{}v2/alerts{path}", self.0.api_url);
        Ok(Request { method, ..Request::json(url, body) }.header(AUTHORIZATION, format!("GenieKey {key}")))
    }
}

impl Provider for Opsgenie {
    fn kind(&self) -> &'static str {
        "opsgenie"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.0.api_key]
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let key = write.strict("api_key", secrets[0].expose())?;
        let alias = group_id::of(notification);
        if notification.status == Status::Resolved {
            let source = write.field("source", self.0.source.as_deref(), || words::alerts_url(notification));
            let path = format!("/{alias}/close?identifierType=alias");
            return Ok(vec![self.request(&key, Method::POST, &path, &Close { source })?]);
        }
        let create = self.create(notification, write);
        let mut requests = vec![self.request(&key, Method::POST, "", &create)?];
        if self.0.update_alerts {
            let path = |what: &str| format!("/{alias}/{what}?identifierType=alias");
            requests.push(self.request(&key, Method::PUT, &path("message"), &NewMessage { message: create.message })?);
            requests.push(self.request(&key, Method::PUT, &path("description"), &NewDescription { description: create.description })?);
        }
        Ok(requests)
    }
}
