//! The frame of every `/api/v1` answer: status, data, warnings and infos, or an error.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::json;
use super::limits::ANNOTATIONS_MAX;

/// A successful answer, ready to send: the JSON body.
#[derive(Debug)]
pub struct Success(pub Vec<u8>);

impl Success {
    /// `data` writes the value of the field of that name.
    pub fn new(data: impl FnOnce(&mut Vec<u8>)) -> Self {
        Self::annotated(data, &[], &[])
    }

    /// The same with warnings and infos, at most [`ANNOTATIONS_MAX`] of each.
    pub fn annotated(data: impl FnOnce(&mut Vec<u8>), warnings: &[String], infos: &[String]) -> Self {
        let mut out = OPENING.to_vec();
        data(&mut out);
        close(&mut out, warnings, infos);
        Self(out)
    }
}

/// What comes before the data.
pub const OPENING: &[u8] = br#"{"status":"success","data":"#;

/// What comes behind the data.
pub fn close(out: &mut Vec<u8>, warnings: &[String], infos: &[String]) {
    annotations(out, "warnings", "warning", warnings);
    annotations(out, "infos", "info", infos);
    out.push(b'}');
}

impl IntoResponse for Success {
    fn into_response(self) -> Response {
        respond(StatusCode::OK, self.0)
    }
}

fn annotations(out: &mut Vec<u8>, field: &str, kind: &str, texts: &[String]) {
    if texts.is_empty() {
        return;
    }
    let omitted = texts.len().saturating_sub(ANNOTATIONS_MAX);
    let more = (omitted > 0).then(|| format!("{omitted} more {kind} annotations omitted"));
    out.extend_from_slice(format!(",\"{field}\":").as_bytes());
    let shown = texts.iter().take(ANNOTATIONS_MAX).map(String::as_str).chain(more.as_deref());
    json::list(out, shown, json::text);
}

/// The body of an error answer.
pub fn failure(error: &ApiError) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = json::Object::open(&mut out);
    object.text("status", "error").text("errorType", error.kind()).text("error", error.message());
    if let ApiError::Helped(_, help) = error {
        if let Some(place) = help.place {
            let mut position = json::Object::open(object.key("position"));
            for (name, number) in ["start", "end", "line", "column"].into_iter().zip(place) {
                position.integer(name, i64::try_from(number).unwrap_or(i64::MAX));
            }
            position.close();
        }
        if let Some(hint) = &help.hint {
            object.text("hint", hint);
        }
    }
    object.close();
    out
}

pub fn respond(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = (status, body.into()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_ten_warnings_and_a_line_about_the_rest() {
        let warnings: Vec<String> = (0..12).map(|n| format!("w{n}")).collect();
        let body = String::from_utf8(Success::annotated(|out| out.extend_from_slice(b"[]"), &warnings, &["<i>".to_owned()]).0).unwrap();
        assert!(body.starts_with(r#"{"status":"success","data":[],"warnings":["w0","#), "{body}");
        assert!(body.ends_with(r#""w9","2 more warning annotations omitted"],"infos":["\u003ci\u003e"]}"#), "{body}");
    }
}
