//! `POST /api/v1/write`: the remote-write receiver's door, with bounded bodies and a bounded number of requests at work.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::plain;
use super::limits::{READ_TIMEOUT, WRITE_BODIES_KIB_MAX, WRITE_WAIT};
use super::server::Peer;
use crate::remote::limits::DECODED_BYTES_MAX;
use crate::remote::{Receiver, WriteError};
use crate::telemetry::{Counter, Registry};

/// A compressed body is never longer than what it may decode to.
const BODY_BYTES_MAX: usize = DECODED_BYTES_MAX;

#[derive(Clone)]
pub struct WriteState {
    /// None without `--web.enable-remote-write-receiver`.
    receiver: Option<Arc<Receiver>>,
    bodies: Arc<Semaphore>,
    at_work: Arc<Semaphore>,
    shed: Counter,
}

impl WriteState {
    /// At most `threads` requests are worked on at a time.
    pub fn new(receiver: Option<Arc<Receiver>>, threads: usize, registry: &Registry) -> Self {
        Self {
            receiver,
            bodies: Arc::new(Semaphore::new(WRITE_BODIES_KIB_MAX as usize)),
            at_work: Arc::new(Semaphore::new(threads.max(1))),
            shed: registry.counter(
                "promlet_remote_write_shed_total",
                "Remote-write requests that were told to come again because too many were waiting.",
                &[],
            ),
        }
    }
}

pub fn routes(state: WriteState) -> Router {
    let otlp = || async { plain(StatusCode::NOT_FOUND, "otlp write receiver needs to be enabled with --web.enable-otlp-receiver") };
    Router::new().route("/write", post(write)).route("/otlp/v1/metrics", post(otlp)).with_state(state)
}

async fn write(State(state): State<WriteState>, peer: Option<Extension<Peer>>, request: Request) -> Response {
    let Some(receiver) = state.receiver.clone() else {
        return plain(StatusCode::NOT_FOUND, "remote write receiver needs to be enabled with --web.enable-remote-write-receiver");
    };
    let (head, body) = request.into_parts();
    if let Some(problem) = unsupported(&head.headers) {
        return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, &problem);
    }
    let length = head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let held = length.unwrap_or(BODY_BYTES_MAX);
    if held > BODY_BYTES_MAX {
        return plain(StatusCode::BAD_REQUEST, &format!("a body of {held} bytes is longer than the limit of {BODY_BYTES_MAX} bytes"));
    }
    let kibibytes = u32::try_from(held.div_ceil(1024).max(1)).unwrap_or(WRITE_BODIES_KIB_MAX).min(WRITE_BODIES_KIB_MAX);
    let Ok(Ok(room)) = tokio::time::timeout(WRITE_WAIT, Arc::clone(&state.bodies).acquire_many_owned(kibibytes)).await else {
        return shed(&state);
    };
    let body = match read(body).await {
        Ok(body) => body,
        Err(problem) => return plain(StatusCode::BAD_REQUEST, &problem),
    };
    let Ok(Ok(permit)) = tokio::time::timeout(WRITE_WAIT, Arc::clone(&state.at_work).acquire_owned()).await else {
        return shed(&state);
    };
    let from = peer.map_or(std::net::IpAddr::from([0, 0, 0, 0]), |Extension(Peer(address))| address);
    let work = tokio::task::spawn_blocking(move || {
        let _held: (OwnedSemaphorePermit, OwnedSemaphorePermit) = (room, permit);
        receiver.receive(from, &body)
    });
    match work.await {
        Ok(Ok(_)) => StatusCode::NO_CONTENT.into_response(),
        Ok(Err(error)) => refusal(&error),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the request met an error of the program; the log says more"),
    }
}

async fn read(body: Body) -> Result<axum::body::Bytes, String> {
    match tokio::time::timeout(READ_TIMEOUT, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(format!("the body is longer than the limit of {BODY_BYTES_MAX} bytes")),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no complete body within {} s", READ_TIMEOUT.as_secs())),
    }
}

fn shed(state: &WriteState) -> Response {
    state.shed.inc();
    let text = format!("too many remote-write requests wait; this one found no room within {} s", WRITE_WAIT.as_secs());
    come_again(StatusCode::SERVICE_UNAVAILABLE, &text)
}

fn come_again(status: StatusCode, text: &str) -> Response {
    let mut response = plain(status, text);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

fn refusal(error: &WriteError) -> Response {
    let text = error.to_string();
    match error {
        WriteError::Malformed(_) | WriteError::Partial(_) => plain(StatusCode::BAD_REQUEST, &text),
        WriteError::Unavailable(_) => come_again(StatusCode::SERVICE_UNAVAILABLE, &text),
        WriteError::Limit(_) => come_again(StatusCode::TOO_MANY_REQUESTS, &text),
        WriteError::Failed(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, &text),
    }
}

/// What is wrong with the media type or the coding, in Prometheus's words.
fn unsupported(headers: &HeaderMap) -> Option<String> {
    let said = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let content_type = said(header::CONTENT_TYPE);
    let mut parts = content_type.split(';').map(str::trim);
    let media = parts.next().unwrap_or("");
    if !media.is_empty() && media != "application/x-protobuf" {
        return Some(format!("expected application/x-protobuf as the first (media) part, got {content_type} content-type"));
    }
    match parts.find_map(|part| part.strip_prefix("proto=")) {
        None | Some("prometheus.WriteRequest") => {}
        Some("io.prometheus.write.v2.Request") => {
            return Some(
                "io.prometheus.write.v2.Request protobuf message is not accepted by this server; only accepts prometheus.WriteRequest"
                    .to_owned(),
            );
        }
        Some(other) => {
            return Some(format!(
                "got {content_type} content type; unknown remote write protobuf message {other}, supported: prometheus.WriteRequest"
            ));
        }
    }
    let coding = said(header::CONTENT_ENCODING);
    (!matches!(coding, "" | "snappy"))
        .then(|| format!("{coding} encoding (compression) is not accepted by this server; only snappy is acceptable"))
}
