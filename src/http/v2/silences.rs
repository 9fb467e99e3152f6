//! `silences` and `silence/{id}`: listing, setting, expiring.

use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::alerts::labels;
use super::{AlertState, body, coded, filters, reply, said, switch};
use crate::alerts::view::{SilenceState, SilenceView};
use crate::alerts::{SilenceError, SilenceRequest};
use crate::http::json::{self, Object};
use crate::http::params::Params;
use crate::model::number::quote;
use crate::model::{Labels, MatchOp, Matcher, TimestampMs};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SilenceBody {
    id: Option<String>,
    matchers: Option<Vec<MatcherBody>>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    created_by: Option<String>,
    comment: Option<String>,
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MatcherBody {
    name: Option<String>,
    value: Option<String>,
    is_regex: Option<bool>,
    is_equal: Option<bool>,
}

pub async fn list(State(state): State<AlertState>, uri: Uri) -> Response {
    let params = Params::of_uri(&uri);
    let filter = match filters(&params) {
        Ok(filter) => filter,
        Err(response) => return *response,
    };
    let shown = [switch(&params, "active"), switch(&params, "pending"), switch(&params, "expired")];
    let mut views = state.alerting.silences(&filter);
    views.retain(|view| match view.state {
        SilenceState::Active => shown[0],
        SilenceState::Pending => shown[1],
        SilenceState::Expired => shown[2],
    });
    reply(StatusCode::OK, |out| json::list(out, &views, silence))
}

pub async fn set(State(state): State<AlertState>, request: Request) -> Response {
    // `null` is a silence without anything.
    let posted: Option<SilenceBody> = match body::read(request, "silence").await {
        Ok(posted) => posted,
        Err(response) => return *response,
    };
    let request = match check(posted.unwrap_or_default(), state.clock.now()) {
        Ok(request) => request,
        Err(response) => return *response,
    };
    match state.alerting.set_silence(request).await {
        Ok(id) => reply(StatusCode::OK, |out| {
            let mut object = Object::open(out);
            object.text("silenceID", &id);
            object.close();
        }),
        Err(error) => {
            let status = match &error {
                SilenceError::NotFound(_) => StatusCode::NOT_FOUND,
                SilenceError::Invalid(_) | SilenceError::TooMany => StatusCode::BAD_REQUEST,
                SilenceError::NotStored(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            said(status, &error.to_string())
        }
    }
}

/// What is required is there, in the order in which Alertmanager looks: presence, times, patterns.
fn check(posted: SilenceBody, now: TimestampMs) -> Result<SilenceRequest, Box<Response>> {
    let missing = |field: &str| Box::new(body::missing(&format!("{field} in body")));
    let comment = posted.comment.ok_or_else(|| missing("comment"))?;
    let created_by = posted.created_by.ok_or_else(|| missing("createdBy"))?;
    let ends_at = posted.ends_at.ok_or_else(|| missing("endsAt"))?;
    let listed = posted.matchers.ok_or_else(|| missing("matchers"))?;
    if listed.is_empty() {
        return Err(Box::new(coded(StatusCode::UNPROCESSABLE_ENTITY, 612, "matchers in body should have at least 1 items")));
    }
    let mut given = Vec::with_capacity(listed.len());
    for (at, matcher) in listed.into_iter().enumerate() {
        let is_regex = matcher.is_regex.ok_or_else(|| missing(&format!("matchers.{at}.isRegex")))?;
        let name = matcher.name.ok_or_else(|| missing(&format!("matchers.{at}.name")))?;
        let value = matcher.value.ok_or_else(|| missing(&format!("matchers.{at}.value")))?;
        let op = match (is_regex, matcher.is_equal.unwrap_or(true)) {
            (false, true) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Regex,
            (true, false) => MatchOp::NotRegex,
        };
        given.push((name, op, value));
    }
    let starts_at = posted.starts_at.ok_or_else(|| missing("startsAt"))?;
    let (starts_at, ends_at) = (body::time(&starts_at, "silence")?, body::time(&ends_at, "silence")?);
    let refused = |text: &str| Err(Box::new(said(StatusCode::BAD_REQUEST, &format!("Failed to create silence: {text}"))));
    if starts_at >= ends_at {
        return refused("start time must be before end time");
    }
    if ends_at < now {
        return refused("end time can't be in the past");
    }
    let mut matchers = Vec::with_capacity(given.len());
    for (at, (name, op, value)) in given.into_iter().enumerate() {
        let refuse = |problem: String| {
            let text =
                format!("invalid silence: invalid label matcher {at} in set 0: invalid regular expression {}: {problem}", quote(&value));
            Box::new(said(StatusCode::BAD_REQUEST, &text))
        };
        matchers.push(Matcher::new(name, op, value.clone()).map_err(refuse)?);
    }
    Ok(SilenceRequest {
        id: posted.id.filter(|id| !id.is_empty()),
        matchers,
        starts_at,
        ends_at,
        created_by,
        comment,
        annotations: Labels::to_set(posted.annotations.unwrap_or_default()),
    })
}

pub async fn one(State(state): State<AlertState>, Path(id): Path<String>) -> Response {
    if let Some(refused) = not_uuid(&id) {
        return refused;
    }
    match state.alerting.silence(&id) {
        Some(view) => reply(StatusCode::OK, |out| silence(out, &view)),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub async fn expire(State(state): State<AlertState>, Path(id): Path<String>) -> Response {
    if let Some(refused) = not_uuid(&id) {
        return refused;
    }
    match state.alerting.expire_silence(&id).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(SilenceError::NotFound(_)) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => said(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn not_uuid(id: &str) -> Option<Response> {
    let groups: Vec<&str> = id.split('-').collect();
    let fits = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let message = || format!("silenceID in path must be of type uuid: {}", quote(id));
    (!fits).then(|| coded(StatusCode::UNPROCESSABLE_ENTITY, 601, &message()))
}

fn silence(out: &mut Vec<u8>, view: &SilenceView) {
    let mut object = Object::open(out);
    object.text("id", &view.id);
    let mut status = Object::open(object.key("status"));
    status.text(
        "state",
        match view.state {
            SilenceState::Pending => "pending",
            SilenceState::Active => "active",
            SilenceState::Expired => "expired",
        },
    );
    status.close();
    object.text("updatedAt", &view.updated_at.rfc3339_millis());
    if !view.annotations.is_empty() {
        labels(&mut object, "annotations", &view.annotations);
    }
    object
        .text("comment", &view.comment)
        .text("createdBy", &view.created_by)
        .text("endsAt", &view.ends_at.rfc3339_millis())
        .list("matchers", &view.matchers, |out, matcher| {
            let mut object = Object::open(out);
            object
                .flag("isEqual", matches!(matcher.op, MatchOp::Equal | MatchOp::Regex))
                .flag("isRegex", matches!(matcher.op, MatchOp::Regex | MatchOp::NotRegex))
                .text("name", &matcher.name)
                .text("value", &matcher.value);
            object.close();
        })
        .text("startsAt", &view.starts_at.rfc3339_millis());
    object.close();
}
