//! Cross-origin headers of the two APIs, and the answer to `OPTIONS`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::v2;
use crate::model::regex::AnchoredRegex;

/// `--web.cors.origin`, compiled.
#[derive(Clone, Debug)]
pub struct Cors(Arc<AnchoredRegex>);

impl Cors {
    /// The flag's default is `.*`. The error says what is wrong with the pattern.
    pub fn new(origin: &str) -> Result<Self, String> {
        AnchoredRegex::new(origin).map(|pattern| Self(Arc::new(pattern)))
    }

    fn mark(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = origin else { return };
        if !origin.to_str().is_ok_and(|text| self.0.is_match(text)) {
            return;
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let fixed: [(HeaderName, &str); 3] = [
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "Accept, Authorization, Content-Type, Origin"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// Around `/api/v1`: marks every answer, and answers `OPTIONS` itself.
pub async fn around_v1(State(cors): State<Cors>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = if request.method() == Method::OPTIONS { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    cors.mark(origin.as_ref(), response.headers_mut());
    response
}

/// Whether an `Accept` header, if there is one, leaves room for JSON.
fn takes_json(headers: &HeaderMap) -> bool {
    let mut accepted =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).peekable();
    let fits = |range: &str| matches!(range.split(';').next().unwrap_or("").trim(), "*/*" | "application/*" | "application/json" | "");
    accepted.peek().is_none() || accepted.any(fits)
}

/// Around `/api/v2`: any origin, and nothing is kept by caches. Only what asks for leave in advance is answered here, as in Alertmanager.
pub async fn around_v2(request: Request, next: Next) -> Response {
    let from_elsewhere = request.headers().contains_key(header::ORIGIN);
    let preflight = request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight {
        StatusCode::NO_CONTENT.into_response()
    } else if request.method() == Method::GET && !takes_json(request.headers()) {
        v2::coded(StatusCode::NOT_ACCEPTABLE, 406, "unsupported media type requested, only [application/json] are available")
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if from_elsewhere {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        if preflight {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE"));
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Accept, Authorization, Content-Type, Origin"));
        }
    }
    response
}
