//! The web pages: assets kept compressed, one page for every address that the application knows, and redirects from old addresses.

use std::borrow::Cow;
use std::io::{Read, Write};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::error::not_found;
use crate::ui::CONTENT_SECURITY_POLICY;

/// The page that every address of the application gets.
const INDEX: &str = "index.html";

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
    /// `--web.route-prefix` without a slash at the end: where the routes are.
    pub prefix: Arc<str>,
    /// The path of `--web.external-url` without a slash at the end: what browsers must ask for. A proxy in between may cut it off.
    pub external_path: Arc<str>,
    /// The page that `/` leads to: `query` or `dashboards`.
    pub start: &'static str,
}

pub fn routes(state: PageState) -> Router {
    let state = below_external_path(state);
    Router::new().route("/", get(to_start)).route("/graph", get(to_query)).fallback(page).with_state(state)
}

/// The address of the prefix itself with a slash behind it, which lies outside of what is nested below the prefix.
pub fn home(state: PageState) -> Router {
    Router::new().route(&format!("{}/", state.prefix), get(to_start)).with_state(state)
}

/// The page asks for its files below the external path; everything else the application reads off the addresses of its files.
fn below_external_path(mut state: PageState) -> PageState {
    let path = state.external_path.clone();
    if path.is_empty() {
        return state;
    }
    let find = state.asset.clone();
    let page = find(INDEX).and_then(|page| {
        let text = String::from_utf8(inflate(&page.gzip)?).ok()?;
        let text = text.replace("=\"/", &format!("=\"{}/", attribute(&path)));
        let etag = format!("\"{}{}\"", page.etag.trim_matches('"'), path.replace('"', ""));
        Some(Asset { gzip: Cow::Owned(deflate(text.as_bytes())?), etag: Cow::Owned(etag), ..page })
    });
    state.asset = Arc::new(move |name| if name == INDEX { page.clone() } else { find(name) });
    state
}

fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

fn inflate(gzip: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(gzip).read_to_end(&mut plain).ok()?;
    Some(plain)
}

fn deflate(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

/// Prometheus's old addresses lead to the query page, with their parameters.
async fn to_query(State(state): State<PageState>, uri: Uri) -> Response {
    redirect(&state, "query", &uri)
}

/// The start page; an old address with an expression in it means the query page.
async fn to_start(State(state): State<PageState>, uri: Uri) -> Response {
    let asks = uri.query().is_some_and(|query| query.contains("g0."));
    redirect(&state, if asks { "query" } else { state.start }, &uri)
}

fn redirect(state: &PageState, page: &str, uri: &Uri) -> Response {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    match HeaderValue::from_str(&format!("{}/{page}{query}", state.external_path)) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => not_found(),
    }
}

/// Whatever no route takes: a page, an asset, or nothing.
async fn page(State(state): State<PageState>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let name = if (state.is_page)(path) { INDEX } else { path };
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
        match inflate(&asset.gzip) {
            Some(plain) => plain.into_response(),
            None => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    };
    let headers = response.headers_mut();
    for (name, value) in fixed.into_iter().chain([(header::CONTENT_TYPE, asset.content_type.as_ref())]) {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    response
}
