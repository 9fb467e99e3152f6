//! A scrape's own client: one URL, asked again and again over one connection that is kept open.

use std::net::IpAddr;
use std::sync::Arc;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION};
use hyper::{Method, Request, Response, StatusCode, Version};
use reqwest::Url;
use rustls::ClientConfig;

use super::transport::{Endpoint, Transport};
use super::{ClientError, ClientOptions, FetchError, Outbound, Timeouts, tls};

/// Redirects followed for one fetch.
const REDIRECTS_MAX: usize = 10;
/// Longest body where `body_size_limit` is not set.
pub const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// One URL and how to ask for it.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    pub url: String,
    /// Name and value, sent with each request.
    pub headers: Vec<(&'static str, String)>,
    pub client: Arc<ClientOptions>,
    /// Offer gzip, unless the peer is on this machine or a private network, where it would cost more than it saves.
    pub compression: bool,
    /// Bytes of a body at which it is refused; 0 means our own bound.
    pub body_size_limit: u64,
    /// The whole fetch's timeout; the caller enforces it, a proxy's client needs it too.
    pub timeout: std::time::Duration,
}

/// What came with the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    pub content_type: Option<String>,
    /// The body is still gzipped.
    pub gzip: bool,
}

/// Keeps its connection between fetches. Cancelling a fetch (a timeout) closes the connection.
pub struct Fetcher {
    options: FetchOptions,
    url: Url,
    headers: HeaderMap,
    /// Credentials that do not lie in files.
    fixed_credentials: Option<HeaderMap>,
    tls: Option<Arc<ClientConfig>>,
    connection: Option<Transport>,
    proxied: Option<Outbound>,
}

impl Fetcher {
    /// Reads certificates and inline credentials; connects only when asked to fetch.
    pub async fn new(options: FetchOptions) -> Result<Self, ClientError> {
        let invalid = |reason: String| ClientError::Url { url: options.url.clone(), reason };
        let url = Url::parse(&options.url).map_err(|error| invalid(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(invalid(format!("unsupported protocol scheme \"{}\"", url.scheme())));
        }
        let mut headers = HeaderMap::new();
        for (name, text) in &options.headers {
            let value = HeaderValue::from_str(text).map_err(|_| ClientError::Header { name: (*name).to_owned() })?;
            headers.insert(*name, value);
        }
        let client = &options.client;
        let fixed_credentials = if client.reads_files() { None } else { Some(client.credential_headers().await?) };
        let tls = if url.scheme() == "https" { Some(Arc::new(tls::config(&client.tls)?)) } else { None };
        let needs_proxy = client.proxy_url.is_some() || client.proxy_from_environment;
        let proxied = if needs_proxy { Some(Outbound::new(client, Timeouts::total(options.timeout))?) } else { None };
        Ok(Self { url, headers, fixed_credentials, tls, connection: None, proxied, options })
    }

    /// Reads the answer's body into `body`, which is cleared first.
    pub async fn fetch(&mut self, body: &mut Vec<u8>) -> Result<Fetched, FetchError> {
        body.clear();
        if self.proxied.is_some() {
            return self.fetch_proxied(body).await;
        }
        let credentials = match &self.fixed_credentials {
            Some(fixed) => fixed.clone(),
            None => self.options.client.credential_headers().await?,
        };
        let mut response = self.first_response(&credentials).await?;
        let (mut url, mut hops) = (self.url.clone(), 0);
        let mut other: Option<Transport> = None;
        while let Some(next) = self.redirect(&url, &response)? {
            hops += 1;
            if hops > REDIRECTS_MAX {
                return Err(self.failed(format!("stopped after {REDIRECTS_MAX} redirects")));
            }
            // Only the configured host may see the credentials.
            let same_host = (next.host_str(), next.port_or_known_default()) == (self.url.host_str(), self.url.port_or_known_default());
            let secure_enough = next.scheme() == self.url.scheme() || next.scheme() == "https";
            let sent = if same_host && secure_enough { credentials.clone() } else { HeaderMap::new() };
            let mut transport = self.open(&next).await?;
            response = self.send(&mut transport, &next, &sent).await.map_err(|error| self.failed(hyper_said(&error)))?;
            other = Some(transport);
            url = next;
        }
        let read = self.read(response, body).await;
        drop(other);
        if read.is_err() {
            self.connection = None;
        }
        read
    }

    /// Asks over the kept connection, or a new one where it is gone.
    async fn first_response(&mut self, credentials: &HeaderMap) -> Result<Response<Incoming>, FetchError> {
        let url = self.url.clone();
        // Taken out while in use: a fetch that is cancelled half-way leaves no connection with a stale answer on it.
        if let Some(mut transport) = self.connection.take()
            && transport.sender.ready().await.is_ok()
            && let Ok(response) = self.send(&mut transport, &url, credentials).await
        {
            self.connection = Some(transport);
            return Ok(response);
        }
        let mut transport = self.open(&url).await?;
        let response = self.send(&mut transport, &url, credentials).await.map_err(|error| self.failed(hyper_said(&error)))?;
        self.connection = Some(transport);
        Ok(response)
    }

    async fn open(&self, url: &Url) -> Result<Transport, FetchError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let tls = match (url.scheme(), &self.tls) {
            ("https", Some(config)) => Some((config.clone(), tls::server_name(&self.options.client.tls, &host)?)),
            ("https", None) => {
                let config = Arc::new(tls::config(&self.options.client.tls)?);
                Some((config, tls::server_name(&self.options.client.tls, &host)?))
            }
            _ => None,
        };
        let endpoint = Endpoint { port: url.port_or_known_default().unwrap_or(80), host, tls };
        Transport::open(&endpoint).await.map_err(|reason| self.failed(reason))
    }

    async fn send(&self, transport: &mut Transport, url: &Url, credentials: &HeaderMap) -> Result<Response<Incoming>, hyper::Error> {
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.method_mut() = Method::GET;
        *request.version_mut() = Version::HTTP_11;
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        if let Ok(target) = format!("{}{query}", url.path()).parse() {
            *request.uri_mut() = target;
        }
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        if let Ok(host) = HeaderValue::from_str(&format!("{}{port}", url.host_str().unwrap_or_default())) {
            headers.insert(HOST, host);
        }
        let gzip = self.options.compression && !is_near(transport.peer);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(if gzip { "gzip" } else { "identity" }));
        for (name, value) in credentials {
            headers.insert(name.clone(), value.clone());
        }
        transport.sender.send_request(request).await
    }

    /// Where a redirecting answer points to, if it is to be followed.
    fn redirect(&self, from: &Url, response: &Response<Incoming>) -> Result<Option<Url>, FetchError> {
        let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
        let Some(location) = response.headers().get(LOCATION).filter(|_| redirects && self.options.client.follow_redirects) else {
            return Ok(None);
        };
        let next = location.to_str().ok().and_then(|text| from.join(text).ok()).filter(|url| matches!(url.scheme(), "http" | "https"));
        next.map(Some).ok_or_else(|| self.failed("redirected to a location that is no URL".to_owned()))
    }

    async fn read(&self, response: Response<Incoming>, body: &mut Vec<u8>) -> Result<Fetched, FetchError> {
        let status = response.status();
        if status != StatusCode::OK {
            return Err(FetchError::Status { code: status.as_u16(), reason: status.canonical_reason().unwrap_or_default().to_owned() });
        }
        let gzip = response.headers().get(CONTENT_ENCODING).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"));
        let content_type = response.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let mut incoming = response.into_body();
        if let Some(length) = hyper::body::Body::size_hint(&incoming).exact() {
            self.within_limit(length)?;
            body.reserve(usize::try_from(length).unwrap_or(0));
        }
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| self.failed(hyper_said(&error)))?;
            if let Some(data) = frame.data_ref() {
                self.within_limit((body.len() + data.len()) as u64)?;
                body.extend_from_slice(data);
            }
        }
        Ok(Fetched { content_type, gzip })
    }

    fn within_limit(&self, bytes: u64) -> Result<(), FetchError> {
        within_limit(bytes, self.options.body_size_limit)
    }

    fn failed(&self, reason: String) -> FetchError {
        FetchError::Get { url: self.options.url.clone(), reason }
    }

    async fn fetch_proxied(&mut self, body: &mut Vec<u8>) -> Result<Fetched, FetchError> {
        let Some(client) = &self.proxied else {
            return Err(self.failed("no proxy".to_owned()));
        };
        let told = |error: reqwest::Error| self.failed(error.without_url().to_string());
        let request = client.request(reqwest::Method::GET, &self.options.url).await?;
        let mut response = request.headers(self.headers.clone()).send().await.map_err(told)?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(FetchError::Status { code: status.as_u16(), reason: status.canonical_reason().unwrap_or_default().to_owned() });
        }
        let content_type = response.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(error.without_url().to_string()))? {
            within_limit((body.len() + chunk.len()) as u64, self.options.body_size_limit)?;
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched { content_type, gzip: false })
    }
}

/// Prometheus refuses a body that reaches the limit.
pub fn within_limit(bytes: u64, limit: u64) -> Result<(), FetchError> {
    match limit {
        0 if bytes > BODY_BYTES_MAX => Err(FetchError::HardLimit { bytes: BODY_BYTES_MAX }),
        1.. if bytes >= limit => Err(FetchError::BodySizeLimit),
        _ => Ok(()),
    }
}

/// Loopback, link-local and private addresses.
fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

fn hyper_said(error: &hyper::Error) -> String {
    if error.is_incomplete_message() || error.is_canceled() {
        return "EOF".to_owned();
    }
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return super::transport::said(io);
        }
        source = inner.source();
    }
    error.to_string()
}
