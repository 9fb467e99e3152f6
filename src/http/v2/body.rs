//! JSON bodies of API v2, refused in the words of its generated checks.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;

use super::coded;
use crate::http::limits::{JSON_BYTES_MAX, READ_TIMEOUT};
use crate::http::params::parse_time;
use crate::model::TimestampMs;
use crate::model::number::quote;

/// Reads the body as JSON; `what` names it in messages.
pub async fn read<T: DeserializeOwned>(request: Request, what: &str) -> Result<T, Box<Response>> {
    let unreadable = |why: &str| {
        let message = format!("parsing {what} body from \"\" failed, because {why}");
        Box::new(coded(StatusCode::BAD_REQUEST, 400, &message))
    };
    let (head, body) = request.into_parts();
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let body = match tokio::time::timeout(READ_TIMEOUT, Limited::new(body, JSON_BYTES_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let message = format!("the body is longer than the limit of {JSON_BYTES_MAX} bytes");
            return Err(Box::new(coded(StatusCode::PAYLOAD_TOO_LARGE, 413, &message)));
        }
        Ok(Err(error)) => return Err(unreadable(&error.to_string())),
        Err(_) => return Err(unreadable("it did not arrive in time")),
    };
    if body.is_empty() {
        return Err(Box::new(missing(&format!("{what} in body"))));
    }
    let media = content_type.split(';').next().unwrap_or("").trim();
    if !media.eq_ignore_ascii_case("application/json") {
        let message = format!("unsupported media type {}, only [application/json] are allowed", quote(media));
        return Err(Box::new(coded(StatusCode::UNSUPPORTED_MEDIA_TYPE, 415, &message)));
    }
    serde_json::from_slice(&body).map_err(|error| unreadable(&if error.is_eof() { "unexpected EOF".to_owned() } else { error.to_string() }))
}

/// `field` is a path with its place, such as `0.labels in body`.
pub fn missing(field: &str) -> Response {
    coded(StatusCode::UNPROCESSABLE_ENTITY, 602, &format!("{field} is required"))
}

/// A point in time of a body.
pub fn time(text: &str, what: &str) -> Result<TimestampMs, Box<Response>> {
    let readable = text.as_bytes().get(4) == Some(&b'-');
    match parse_time(text) {
        Ok(at) if readable => Ok(at),
        _ => {
            let message = format!("parsing {what} body from \"\" failed, because parsing time {} as an RFC 3339 time failed", quote(text));
            Err(Box::new(coded(StatusCode::BAD_REQUEST, 400, &message)))
        }
    }
}
