//! Alertmanager's API v2: alerts, groups, silences, receivers, status, as its own tools and Grafana speak it.

mod alerts;
mod body;
mod silences;
mod status;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::{MethodRouter, get};

use super::envelope::respond;
use super::json::{self, Object};
use super::params::Params;
use super::state::{BuildInfo, Lookup};
use crate::alerts::Alerting;
use crate::clock::Clock;
use crate::model::matcher::text;
use crate::model::{Matcher, TimestampMs};

#[derive(Clone)]
pub struct AlertState {
    pub alerting: Alerting,
    pub clock: Clock,
    pub build: Lookup<BuildInfo>,
    pub started_at: TimestampMs,
}

pub fn routes(state: AlertState) -> Router {
    // HEAD is named, or it would go where GET goes.
    let routes = [
        ("/alerts", get(alerts::list).post(alerts::post).head(only_get_and_post).fallback(only_get_and_post)),
        ("/alerts/groups", get(alerts::groups).head(only_get).fallback(only_get)),
        ("/silences", get(silences::list).post(silences::set).head(only_get_and_post).fallback(only_get_and_post)),
        ("/silence/{id}", get(silences::one).delete(silences::expire).head(only_get_and_delete).fallback(only_get_and_delete)),
        ("/receivers", get(status::receivers).head(only_get).fallback(only_get)),
        ("/status", get(status::status).head(only_get).fallback(only_get)),
    ];
    let both = |router: Router<AlertState>, (path, methods): (&str, MethodRouter<AlertState>)| {
        router.route(path, methods.clone()).route(&format!("{path}/"), methods)
    };
    routes.into_iter().fold(Router::new(), both).fallback(unknown).with_state(state)
}

/// `{"code":…,"message":…}`: what the API's own checks say.
pub fn coded(status: StatusCode, code: u16, message: &str) -> Response {
    let mut out = Vec::new();
    let mut object = Object::open(&mut out);
    object.integer("code", i64::from(code)).text("message", message);
    object.close();
    out.push(b'\n');
    respond(status, out)
}

/// A JSON string: what alerting itself says.
pub fn said(status: StatusCode, message: &str) -> Response {
    reply(status, |out| json::text(out, message))
}

pub fn reply(status: StatusCode, write: impl FnOnce(&mut Vec<u8>)) -> Response {
    let mut out = Vec::new();
    write(&mut out);
    out.push(b'\n');
    respond(status, out)
}

/// The routes stand below `/api/v2`, which is no longer in the address here.
async fn unknown(uri: Uri) -> Response {
    coded(StatusCode::NOT_FOUND, 404, &format!("path /api/v2{} was not found", uri.path()))
}

async fn only_get(request: Request) -> Response {
    not_allowed(request.method(), "GET")
}

async fn only_get_and_post(request: Request) -> Response {
    not_allowed(request.method(), "GET,POST")
}

async fn only_get_and_delete(request: Request) -> Response {
    not_allowed(request.method(), "DELETE,GET")
}

fn not_allowed(method: &Method, allowed: &'static str) -> Response {
    let mut response = coded(StatusCode::METHOD_NOT_ALLOWED, 405, &format!("method {method} is not allowed, but [{allowed}] are"));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// A switch as go-openapi reads it: left out or empty means on, anything but a word for "yes" means off, and the last one counts.
fn switch(params: &Params, name: &str) -> bool {
    match params.all(name).last() {
        None | Some("") => true,
        Some(text) => ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"].contains(&text.to_lowercase().as_str()),
    }
}

/// Every matcher of the repeated parameter `filter`.
fn filters(params: &Params) -> Result<Vec<Matcher>, Box<Response>> {
    params
        .all("filter")
        .map(|filter| text::parse_one(filter).map_err(|problem| Box::new(said(StatusCode::BAD_REQUEST, &problem))))
        .collect()
}

/// Every matcher of the repeated parameter `receiver_matchers`.
fn receiver_matchers(params: &Params) -> Result<Vec<Matcher>, Box<Response>> {
    let refuse = |problem: String| Box::new(said(StatusCode::BAD_REQUEST, &format!("failed to parse receiver_matchers param: {problem}")));
    params.all("receiver_matchers").map(|matcher| text::parse_one(matcher).map_err(refuse)).collect()
}

/// Whether a receiver's labels, of which we have its name, satisfy all matchers.
fn receiver_fits(name: &str, matchers: &[Matcher]) -> bool {
    matchers.iter().all(|matcher| matcher.matches(if matcher.name == "name" { name } else { "" }))
}
