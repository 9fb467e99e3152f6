//! What lies around every request: our own figures, and the answer while the server is not ready.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::error::{ApiError, plain};
use super::state::Readiness;
use crate::clock::Clock;
use crate::telemetry::Registry;

/// Prometheus's own, in seconds.
const DURATION_BUCKETS: [f64; 9] = [0.1, 0.2, 0.4, 1.0, 3.0, 8.0, 20.0, 60.0, 120.0];

/// Counts requests by handler and status, and times them.
#[derive(Clone)]
pub struct Figures {
    pub registry: Registry,
    pub clock: Clock,
    /// Where all routes begin (`--web.route-prefix`), without a slash at the end.
    pub prefix: Arc<str>,
}

pub async fn figures(State(figures): State<Figures>, matched: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let began = figures.clock.monotonic();
    let response = next.run(request).await;
    let took = figures.clock.monotonic().saturating_sub(began);
    // as Prometheus names its handlers; what matched nothing shares one name, so that strangers cannot make series
    let handler = matched.map_or_else(
        || "/unknown".to_owned(),
        |path| {
            let path = path.as_str();
            path.strip_prefix(&*figures.prefix).unwrap_or(path).replace('{', ":").replace(['}', '*'], "")
        },
    );
    let labels = [("handler", handler.as_str())];
    figures
        .registry
        .histogram(
            "prometheus_http_request_duration_seconds",
            "How long HTTP requests took, from head to the first byte of the answer.",
            &labels,
            &DURATION_BUCKETS,
        )
        .record(took);
    let status = response.status();
    let labels = [("code", status.as_str()), ("handler", handler.as_str())];
    figures.registry.counter("prometheus_http_requests_total", "Counter of HTTP requests.", &labels).inc();
    response
}

/// Before readiness and while stopping: 503, as Prometheus words it.
pub async fn when_ready(State(readiness): State<Readiness>, request: Request, next: Next) -> Response {
    if readiness.is_ready() {
        return next.run(request).await;
    }
    unavailable(&readiness)
}

pub fn unavailable(readiness: &Readiness) -> Response {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
    let stopping = if readiness.is_stopping() { "true" } else { "false" };
    response.headers_mut().insert(HeaderName::from_static("x-prometheus-stopping"), HeaderValue::from_static(stopping));
    response
}

/// A panic in a handler becomes an answer; the message goes to the log.
pub fn caught(panic: Box<dyn std::any::Any + Send>) -> Response {
    use axum::response::IntoResponse;
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("");
    tracing::error!(panic = text, "a request met an error of the program");
    ApiError::Internal("the request met an error of the program; the log says more".to_owned()).into_response()
}
