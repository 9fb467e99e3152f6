//! What an API request can fail with, and the one place that knows the HTTP status of each.

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::envelope;
use crate::storage::SelectError;

/// Prometheus's error types. The text is for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    BadData(String),
    NotFound(String),
    NotAcceptable(String),
    Execution(String),
    Canceled(String),
    Timeout(String),
    /// Switched off or not there yet; Prometheus answers 500.
    Unavailable(String),
    Internal(String),
    /// There is no memory for it at present: the same again later may do.
    Overloaded(String),
    /// One of the others, with what Prometheus does not say.
    Helped(Box<Self>, Help),
}

/// Fields that stock clients ignore.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Help {
    /// Where in the query: first byte, byte after the last, line and column from 1.
    pub place: Option<[usize; 4]>,
    pub hint: Option<String>,
}

impl ApiError {
    /// The complaint about one parameter.
    pub fn parameter(name: &str, problem: impl fmt::Display) -> Self {
        Self::BadData(format!("invalid parameter \"{name}\": {problem}"))
    }

    /// The API's word for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::BadData(_) => "bad_data",
            Self::NotFound(_) => "not_found",
            Self::NotAcceptable(_) => "not_acceptable",
            Self::Execution(_) => "execution",
            Self::Canceled(_) => "canceled",
            Self::Timeout(_) => "timeout",
            Self::Unavailable(_) | Self::Overloaded(_) => "unavailable",
            Self::Internal(_) => "internal",
            Self::Helped(error, _) => error.kind(),
        }
    }

    /// Without what promlet adds.
    pub fn plain(self) -> Self {
        match self {
            Self::Helped(error, _) => error.plain(),
            other => other,
        }
    }

    pub fn message(&self) -> &str {
        match self {
            Self::BadData(text)
            | Self::NotFound(text)
            | Self::NotAcceptable(text)
            | Self::Execution(text)
            | Self::Canceled(text)
            | Self::Timeout(text)
            | Self::Unavailable(text)
            | Self::Internal(text)
            | Self::Overloaded(text) => text,
            Self::Helped(error, _) => error.message(),
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadData(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::Execution(_) => StatusCode::UNPROCESSABLE_ENTITY,
            // nginx's number for a client that went away; Prometheus uses it too
            Self::Canceled(_) => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Timeout(_) | Self::Overloaded(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unavailable(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Helped(error, _) => error.status(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        envelope::respond(self.status(), envelope::failure(&self))
    }
}

impl From<SelectError> for ApiError {
    fn from(error: SelectError) -> Self {
        match error {
            SelectError::Busy(text) => Self::Overloaded(text),
            other => Self::Execution(other.to_string()),
        }
    }
}

/// A line of text, as Go's `http.Error` sends it.
pub fn plain(status: StatusCode, text: &str) -> Response {
    let mut response = (status, format!("{text}\n")).into_response();
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The answer to an unknown path. Grafana looks for this very text to learn that there is no ruler.
pub fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "404 page not found")
}

/// The answer to a known path with another method.
pub fn method_not_allowed() -> Response {
    plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}
