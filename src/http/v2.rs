//! Alertmanager's API v2: alerts, groups, silences, receivers, status, as its own tools and Grafana speak it.

mod alerts;
mod body;
mod matcher;
mod silences;
mod status;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;

use super::envelope::respond;
use super::json::{self, Object};
use super::params::Params;
use super::state::{BuildInfo, Lookup};
use crate::alerts::Alerting;
use crate::clock::Clock;
use crate::model::{Matcher, TimestampMs};

#[derive(Clone)]
pub struct AlertState {
    pub alerting: Alerting,
    pub clock: Clock,
    pub build: Lookup<BuildInfo>,
    pub started_at: TimestampMs,
}

pub fn routes(state: AlertState) -> Router {
    Router::new()
        .route("/alerts", get(alerts::list).post(alerts::post).fallback(only_get_and_post))
        .route("/alerts/groups", get(alerts::groups).fallback(only_get))
        .route("/silences", get(silences::list).post(silences::set).fallback(only_get_and_post))
        .route("/silence/{id}", get(silences::one).delete(silences::expire).fallback(only_get_and_delete))
        .route("/receivers", get(status::receivers).fallback(only_get))
        .route("/status", get(status::status).fallback(only_get))
        .fallback(unknown)
        .with_state(state)
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

fn not_allowed(method: &Method, allowed: &str) -> Response {
    coded(StatusCode::METHOD_NOT_ALLOWED, 405, &format!("method {method} is not allowed, but [{allowed}] are"))
}

/// A switch as go-openapi reads it: left out means on, and anything but a word for "yes" means off.
fn switch(params: &Params, name: &str) -> bool {
    match params.all(name).next() {
        None => true,
        Some(text) => ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"].contains(&text.to_lowercase().as_str()),
    }
}

/// Every matcher of a repeated parameter.
fn matchers(params: &Params, name: &str) -> Result<Vec<Matcher>, Box<Response>> {
    let with_brackets = format!("{name}[]");
    let texts = params.all(name).chain(params.all(&with_brackets));
    texts.map(|text| matcher::parse(text).map_err(|problem| Box::new(said(StatusCode::BAD_REQUEST, &problem)))).collect()
}

/// Whether a receiver's labels, of which we have its name, satisfy all matchers.
fn receiver_fits(name: &str, matchers: &[Matcher]) -> bool {
    matchers.iter().all(|matcher| matcher.matches(if matcher.name == "name" { name } else { "" }))
}
