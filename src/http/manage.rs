//! Health, readiness and life cycle: `/-/healthy`, `/-/ready`, `/-/reload`, `/-/quit`; `/version` and `/metrics`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};

use super::around::unavailable;
use super::error::plain;
use super::state::{Ask, BuildInfo, Lookup, Readiness};
use super::status::build_info;

#[derive(Clone)]
pub struct ManageState {
    pub readiness: Readiness,
    /// `--web.enable-lifecycle`.
    pub lifecycle: bool,
    /// Reads the configuration again; the error says why the old one stays.
    pub reload: Ask<(), Result<(), String>>,
    /// Begins an orderly stop and returns at once.
    pub quit: Arc<dyn Fn() + Send + Sync>,
    pub build: Lookup<BuildInfo>,
    /// Our own figures in text format 0.0.4.
    pub metrics: Lookup<Vec<u8>>,
}

pub fn routes(state: ManageState) -> Router {
    Router::new()
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .route("/-/reload", any(reload))
        .route("/-/quit", any(quit))
        .route("/version", get(version))
        .route("/metrics", get(metrics))
        .with_state(state)
}

async fn healthy() -> &'static str {
    "Prometheus Server is Healthy.\n"
}

async fn ready(State(state): State<ManageState>) -> Response {
    if state.readiness.is_ready() { "Prometheus Server is Ready.\n".into_response() } else { unavailable(&state.readiness) }
}

/// None where the request may go on.
fn refusal(state: &ManageState, method: &Method) -> Option<Response> {
    if !matches!(*method, Method::POST | Method::PUT) {
        return Some((StatusCode::METHOD_NOT_ALLOWED, "Only POST or PUT requests allowed").into_response());
    }
    (!state.lifecycle).then(|| (StatusCode::FORBIDDEN, "Lifecycle API is not enabled.").into_response())
}

async fn reload(State(state): State<ManageState>, method: Method) -> Response {
    if let Some(refused) = refusal(&state, &method) {
        return refused;
    }
    match (state.reload)(()).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(problem) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("failed to reload config: {problem}")),
    }
}

async fn quit(State(state): State<ManageState>, method: Method) -> Response {
    if let Some(refused) = refusal(&state, &method) {
        return refused;
    }
    state.readiness.set_stopping();
    (state.quit)();
    "Requesting termination... Goodbye!".into_response()
}

async fn version(State(state): State<ManageState>) -> Response {
    let mut out = Vec::new();
    build_info(&mut out, &(state.build)());
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], out).into_response()
}

async fn metrics(State(state): State<ManageState>) -> Response {
    let mut response = (state.metrics)().into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8; escaping=underscores"));
    response
}
