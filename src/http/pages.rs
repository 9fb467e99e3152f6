//! The web pages: assets kept compressed, one page for every address that the application knows, and redirects from old addresses.

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::error::not_found;

/// One file of the built web application.
#[derive(Clone, Debug)]
pub struct Asset {
    /// The content, gzip-compressed.
    pub gzip: Cow<'static, [u8]>,
    pub content_type: Cow<'static, str>,
    /// With its quotes.
    pub etag: Cow<'static, str>,
    /// Its name changes with its content: browsers may keep it for ever.
    pub immutable: bool,
}

pub type FindAsset = Arc<dyn Fn(&str) -> Option<Asset> + Send + Sync>;

#[derive(Clone)]
pub struct PageState {
    /// An asset by its path without the leading slash; `index.html` is the page.
    pub asset: FindAsset,
    /// Whether a path (without the leading slash) is one of the application's own addresses.
    pub is_page: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    /// `--web.route-prefix` without a slash at the end.
    pub prefix: Arc<str>,
}

pub fn routes(state: PageState) -> Router {
    Router::new().route("/", get(to_query)).route("/graph", get(to_query)).fallback(page).with_state(state)
}

/// The address of the prefix itself with a slash behind it, which lies outside of what is nested below the prefix.
pub fn home(state: PageState) -> Router {
    Router::new().route(&format!("{}/", state.prefix), get(to_query)).with_state(state)
}

/// Prometheus's old addresses lead to the query page, with their parameters.
async fn to_query(State(state): State<PageState>, uri: Uri) -> Response {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let location = format!("{}/query{query}", state.prefix);
    match HeaderValue::from_str(&location) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => not_found(),
    }
}

/// Whatever no route takes: a page, an asset, or nothing.
async fn page(State(state): State<PageState>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let name = if (state.is_page)(path) { "index.html" } else { path };
    let reads = matches!(method, Method::GET | Method::HEAD);
    match (state.asset)(name).filter(|_| reads) {
        Some(asset) => send(asset, &headers),
        None => not_found(),
    }
}

fn send(asset: Asset, request: &HeaderMap) -> Response {
    let said = |name: header::HeaderName| request.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let cache = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let fixed = [(header::ETAG, asset.etag.as_ref()), (header::CACHE_CONTROL, cache), (header::VARY, "Accept-Encoding")];
    let mut response = if said(header::IF_NONE_MATCH).split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if said(header::ACCEPT_ENCODING).split(',').any(|coding| coding.trim().starts_with("gzip")) {
        ([(header::CONTENT_ENCODING, "gzip")], asset.gzip.into_owned()).into_response()
    } else {
        let mut plain = Vec::new();
        if flate2::read::GzDecoder::new(asset.gzip.as_ref()).read_to_end(&mut plain).is_err() {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        plain.into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in fixed.into_iter().chain([(header::CONTENT_TYPE, asset.content_type.as_ref())]) {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
