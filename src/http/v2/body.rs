//! JSON bodies of API v2, refused in the words of its generated checks.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
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
    let media = content_type.split(';').next().map(str::trim).filter(|media| !media.is_empty()).unwrap_or("application/octet-stream");
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

/// Seconds east of UTC in which a time is written; 0 where that is not said.
pub fn offset(text: &str) -> i32 {
    let zone = || {
        let at = text.rfind(['+', '-']).filter(|at| text[..*at].contains(['T', 't']))?;
        let (hours, minutes) = text[at + 1..].split_once(':')?;
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        Some((hours * 3600 + minutes * 60) * if text[at..].starts_with('-') { -1 } else { 1 })
    };
    zone().filter(|seconds| seconds.abs() < 86_400).unwrap_or(0)
}

/// A point in time of a body: with a zone, or without one in UTC, or a date alone. No text is the start of Unix time.
pub fn time(text: &str, what: &str) -> Result<TimestampMs, Box<Response>> {
    let readable = text.as_bytes().get(4) == Some(&b'-');
    let zoneless = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    match parse_time(text) {
        _ if text.is_empty() => Ok(TimestampMs(0)),
        Ok(at) if readable => Ok(at),
        _ if zoneless().is_some() => Ok(TimestampMs(zoneless().map_or(0, |at| at.timestamp().as_millisecond()))),
        _ => {
            let message = format!("parsing {what} body from \"\" failed, because parsing time {} as an RFC 3339 time failed", quote(text));
            Err(Box::new(coded(StatusCode::BAD_REQUEST, 400, &message)))
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn offsets_are_read_where_they_are_written() {
        let texts = [
            "2026-01-02T03:04:05+01:00",
            "2026-01-02T03:04:05.5-03:30",
            "2026-01-02T03:04:05Z",
            "2026-01-02",
            "",
            "x+y:z",
            "T+99999999999:1",
        ];
        assert_eq!(texts.map(super::offset), [3600, -12_600, 0, 0, 0, 0, 0]);
    }
}
