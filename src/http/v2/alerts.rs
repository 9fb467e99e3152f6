//! `alerts` and `alerts/groups`: posting alerts, and showing them with what is done about them.

use std::collections::BTreeMap;
use std::fmt;

use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{AlertState, body, coded, filters, receiver_fits, receiver_matchers, reply, said, switch};
use crate::alerts::view::{AlertGroupView, AlertView, Suppression};
use crate::alerts::{AlertFilter, GroupFilter, Offsets, PostedAlert};
use crate::http::json::{self, Object};
use crate::http::limits::POSTED_ALERTS_MAX;
use crate::http::params::Params;
use crate::http::time::rfc3339_millis_at;
use crate::model::number::quote;
use crate::model::regex::{self, AnchoredRegex};
use crate::model::{Labels, Matcher, TimestampMs};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlertBody {
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    #[serde(rename = "generatorURL")]
    generator_url: Option<String>,
}

/// As many as one request may hold; the list ends the reading where there are more.
struct AlertBodies(Vec<AlertBody>);

impl<'de> Deserialize<'de> for AlertBodies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AlertsVisitor)
    }
}

struct AlertsVisitor;

impl<'de> Visitor<'de> for AlertsVisitor {
    type Value = AlertBodies;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of alerts")
    }

    /// `null` is a list without alerts.
    fn visit_unit<E: Error>(self) -> Result<AlertBodies, E> {
        Ok(AlertBodies(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<AlertBodies, A::Error> {
        let mut alerts = Vec::new();
        while let Some(alert) = items.next_element()? {
            if alerts.len() >= POSTED_ALERTS_MAX {
                return Err(A::Error::custom(format!("more than {POSTED_ALERTS_MAX} alerts in one request")));
            }
            alerts.push(alert);
        }
        Ok(AlertBodies(alerts))
    }
}

pub async fn post(State(state): State<AlertState>, request: Request) -> Response {
    let posted = match body::read(request, "alerts").await {
        Ok(AlertBodies(posted)) => posted,
        Err(response) => return *response,
    };
    let mut alerts = Vec::with_capacity(posted.len());
    for (at, alert) in posted.into_iter().enumerate() {
        let Some(labels) = alert.labels else { return body::missing(&format!("{at}.labels in body")) };
        let generator_url = alert.generator_url.unwrap_or_default();
        if !is_uri(&generator_url) {
            let message = format!("{at}.generatorURL in body must be of type uri: {}", quote(&generator_url));
            return coded(StatusCode::UNPROCESSABLE_ENTITY, 601, &message);
        }
        let offset = |text: &Option<String>| text.as_deref().map_or(0, body::offset);
        let offsets = Offsets { starts: offset(&alert.starts_at), ends: offset(&alert.ends_at) };
        let (starts_at, ends_at) = match (time(alert.starts_at.as_deref()), time(alert.ends_at.as_deref())) {
            (Ok(starts_at), Ok(ends_at)) => (starts_at, ends_at),
            (Err(response), _) | (_, Err(response)) => return *response,
        };
        alerts.push(PostedAlert {
            labels: Labels::from_pairs(labels),
            annotations: Labels::to_set(alert.annotations.unwrap_or_default()),
            starts_at,
            ends_at,
            generator_url,
            offsets,
        });
    }
    let problems = state.alerting.accept(alerts).await;
    if problems.is_empty() { StatusCode::OK.into_response() } else { said(StatusCode::BAD_REQUEST, &problems.join("\n")) }
}

/// Empty, a path, or with a scheme.
fn is_uri(text: &str) -> bool {
    let has_scheme = || {
        let letters = |scheme: &str| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        text.split_once(':').is_some_and(|(scheme, _)| scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && letters(scheme))
    };
    let host = || text.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    let is_host = || !host().contains([' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}']);
    text.is_empty() || (!text.contains(char::is_control) && (text.starts_with('/') || has_scheme()) && is_host())
}

/// None where it is left out or Go's zero time.
fn time(text: Option<&str>) -> Result<Option<TimestampMs>, Box<Response>> {
    match text {
        None | Some("") => Ok(None),
        Some(text) if text.starts_with("0001-01-01T00:00:00") => Ok(None),
        Some(text) => body::time(text, "alerts").map(Some),
    }
}

/// What `GET alerts` and `GET alerts/groups` have in common.
fn filter(params: &Params) -> Result<(AlertFilter, Vec<Matcher>), Box<Response>> {
    let matchers = filters(params)?;
    let receiver = match params.get("receiver") {
        "" => None,
        pattern => {
            let refuse = |problem: String| Box::new(said(StatusCode::BAD_REQUEST, &format!("failed to parse receiver param: {problem}")));
            Some(AnchoredRegex::new(pattern).map_err(|problem| refuse(regex::within_anchors(pattern, problem)))?)
        }
    };
    let filter = AlertFilter {
        active: switch(params, "active"),
        silenced: switch(params, "silenced"),
        inhibited: switch(params, "inhibited"),
        unprocessed: switch(params, "unprocessed"),
        matchers,
        receiver,
    };
    Ok((filter, receiver_matchers(params)?))
}

pub async fn list(State(state): State<AlertState>, uri: Uri) -> Response {
    let (filter, receivers) = match filter(&Params::of_uri(&uri)) {
        Ok(read) => read,
        Err(response) => return *response,
    };
    let mut views = state.alerting.alerts(&filter);
    views.retain(|view| receivers.is_empty() || view.receivers.iter().any(|name| receiver_fits(name, &receivers)));
    reply(StatusCode::OK, |out| json::list(out, &views, alert))
}

pub async fn groups(State(state): State<AlertState>, uri: Uri) -> Response {
    let params = Params::of_uri(&uri);
    let (alerts, receivers) = match filter(&params) {
        Ok(read) => read,
        Err(response) => return *response,
    };
    let mut views = state.alerting.groups(&GroupFilter { alerts, muted: switch(&params, "muted") });
    views.retain(|view| receiver_fits(&view.receiver, &receivers));
    reply(StatusCode::OK, |out| json::list(out, &views, group))
}

fn group(out: &mut Vec<u8>, view: &AlertGroupView) {
    let mut object = Object::open(out);
    object.list("alerts", &view.alerts, alert);
    labels(&mut object, "labels", &view.labels);
    receiver(object.key("receiver"), &view.receiver);
    if !view.route_labels.is_empty() {
        labels(&mut object, "routeLabels", &view.route_labels);
    }
    object.close();
}

fn alert(out: &mut Vec<u8>, view: &AlertView) {
    let texts = |object: &mut Object<'_>, name: &str, items: &[String]| {
        object.list(name, items, |out, item| json::text(out, item));
    };
    let mut object = Object::open(out);
    labels(&mut object, "annotations", &view.alert.annotations);
    object
        .text("endsAt", &rfc3339_millis_at(view.alert.ends_at, view.offsets.ends))
        .text("fingerprint", &view.fingerprint)
        .list("receivers", &view.receivers, |out, name| receiver(out, name))
        .text("startsAt", &rfc3339_millis_at(view.alert.starts_at, view.offsets.starts));
    let mut status = Object::open(object.key("status"));
    texts(&mut status, "inhibitedBy", &view.inhibited_by);
    texts(&mut status, "mutedBy", &view.muted_by);
    texts(&mut status, "silencedBy", &view.silenced_by);
    status.text(
        "state",
        match view.state {
            Suppression::Unprocessed => "unprocessed",
            Suppression::Active => "active",
            Suppression::Suppressed => "suppressed",
        },
    );
    status.close();
    object.text("updatedAt", &view.updated_at.rfc3339_millis());
    if !view.alert.generator_url.is_empty() {
        object.text("generatorURL", &view.alert.generator_url);
    }
    labels(&mut object, "labels", &view.alert.labels);
    object.close();
}

fn receiver(out: &mut Vec<u8>, name: &str) {
    let mut object = Object::open(out);
    object.text("name", name);
    object.close();
}

/// Label sets of API v2 go through Go's plain encoder, which escapes for HTML.
pub fn labels(object: &mut Object<'_>, name: &str, labels: &Labels) {
    let mut inner = Object::open(object.key(name));
    for (name, value) in labels {
        json::text(inner.any_key(name), value);
    }
    inner.close();
}
