//! A scrape's own client: one URL, asked again and again over one connection that is kept open.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use rustls::ClientConfig;

use super::transport::{Endpoint, Transport};
use super::wire::{Head, WireError};
use super::{ClientError, ClientOptions, FetchError, Outbound, Timeouts, tls};

/// Redirects followed for one fetch.
const REDIRECTS_MAX: usize = 10;
/// Longest body where `body_size_limit` is not set.
pub const BODY_BYTES_MAX: u64 = 256 * 1024 * 1024;

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
    pub timeout: Duration,
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
    /// With what the certificates' files held when it was made.
    tls: Option<(Vec<Vec<u8>>, Arc<ClientConfig>)>,
    /// With the request that goes over it, where that is always the same.
    connection: Option<(Transport, Option<Vec<u8>>)>,
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
            headers.insert(HeaderName::from_static(name), value);
        }
        let client = &options.client;
        let fixed_credentials = if client.has_changing_credentials() { None } else { Some(client.credential_headers().await?) };
        let tls = if url.scheme() == "https" { Some((tls::files(&client.tls)?, Arc::new(tls::config(&client.tls)?))) } else { None };
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
        let mut head = self.ask(body).await?;
        let (mut url, mut hops) = (self.url.clone(), 0);
        while let Some(next) = self.redirect(&url, &head)? {
            hops += 1;
            if hops > REDIRECTS_MAX {
                return Err(self.failed(format!("stopped after {REDIRECTS_MAX} redirects")));
            }
            // Only the configured host may see the credentials.
            let same_host = (next.host_str(), next.port_or_known_default()) == (self.url.host_str(), self.url.port_or_known_default());
            let secure_enough = next.scheme() == self.url.scheme() || next.scheme() == "https";
            let credentials = if same_host && secure_enough { self.credentials().await? } else { HeaderMap::new() };
            let mut transport = self.open(&next).await?;
            let request = self.request(&next, &credentials, transport.peer);
            head = transport.exchange(&request, body, self.options.body_size_limit).await.map_err(|error| self.told(error))?;
            url = next;
        }
        if head.status != 200 {
            return Err(FetchError::Status { code: head.status, reason: head.reason });
        }
        let gzip = head.content_encoding.as_deref() == Some("gzip");
        Ok(Fetched { content_type: head.content_type, gzip })
    }

    /// Asks over the kept connection, or a new one where it is gone.
    async fn ask(&mut self, body: &mut Vec<u8>) -> Result<Head, FetchError> {
        let limit = self.options.body_size_limit;
        // Taken out while in use: a fetch that is cancelled half-way leaves no connection with half an answer on it.
        if let Some((mut transport, fixed)) = self.connection.take() {
            let request = match fixed {
                Some(request) => request,
                None => self.request(&self.url, &self.credentials().await?, transport.peer),
            };
            match transport.exchange(&request, body, limit).await {
                Err(WireError::Stale(_)) => {}
                answered => return self.keep(answered, transport, request),
            }
        }
        self.renew_tls()?;
        let mut transport = self.open(&self.url).await?;
        let request = self.request(&self.url, &self.credentials().await?, transport.peer);
        let answered = transport.exchange(&request, body, limit).await;
        self.keep(answered, transport, request)
    }

    /// Certificates that were renewed count from the next connection on; small files, read on the spot.
    fn renew_tls(&mut self) -> Result<(), ClientError> {
        let options = &self.options.client.tls;
        if let Some((known, config)) = &mut self.tls {
            let files = tls::files(options)?;
            if *known != files {
                (*known, *config) = (files, Arc::new(tls::config(options)?));
            }
        }
        Ok(())
    }

    fn keep(&mut self, answered: Result<Head, WireError>, transport: Transport, request: Vec<u8>) -> Result<Head, FetchError> {
        let head = answered.map_err(|error| self.told(error))?;
        if head.keeps_alive {
            let fixed = self.fixed_credentials.is_some().then_some(request);
            self.connection = Some((transport, fixed));
        }
        Ok(head)
    }

    async fn credentials(&self) -> Result<HeaderMap, FetchError> {
        match &self.fixed_credentials {
            Some(fixed) => Ok(fixed.clone()),
            None => self.options.client.credential_headers().await.map_err(|error| self.unprepared(error)),
        }
    }

    /// A token that could not be had is told like a connection that could not.
    fn unprepared(&self, error: ClientError) -> FetchError {
        match error {
            ClientError::Token { .. } => self.failed(error.to_string()),
            other => FetchError::Client(other),
        }
    }

    async fn open(&self, url: &Url) -> Result<Transport, FetchError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let tls = match (url.scheme(), &self.tls) {
            ("https", Some((_, config))) => Some((config.clone(), tls::server_name(&self.options.client.tls, &host)?)),
            ("https", None) => {
                let config = Arc::new(tls::config(&self.options.client.tls)?);
                Some((config, tls::server_name(&self.options.client.tls, &host)?))
            }
            _ => None,
        };
        let endpoint = Endpoint { port: url.port_or_known_default().unwrap_or(80), host, tls };
        Transport::open(&endpoint).await.map_err(|reason| self.failed(reason))
    }

    /// The bytes of a request; all parts have been checked when they became URL and headers.
    fn request(&self, url: &Url, credentials: &HeaderMap, peer: IpAddr) -> Vec<u8> {
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let host = url.host_str().unwrap_or_default();
        let encoding = if self.options.compression && !is_near(peer) { "gzip" } else { "identity" };
        let mut request =
            format!("GET {}{query} HTTP/1.1\r\nhost: {host}{port}\r\naccept-encoding: {encoding}\r\n", url.path()).into_bytes();
        for (name, value) in self.headers.iter().chain(credentials) {
            request.extend_from_slice(name.as_str().as_bytes());
            request.extend_from_slice(b": ");
            request.extend_from_slice(value.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        request
    }

    /// Where a redirecting answer points to, if it is to be followed.
    fn redirect(&self, from: &Url, head: &Head) -> Result<Option<Url>, FetchError> {
        let redirects = matches!(head.status, 301 | 302 | 303 | 307 | 308) && self.options.client.follow_redirects;
        let Some(location) = head.location.as_ref().filter(|_| redirects) else {
            return Ok(None);
        };
        let next = from.join(location).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        next.map(Some).ok_or_else(|| self.failed("redirected to a location that is no URL".to_owned()))
    }

    fn told(&self, error: WireError) -> FetchError {
        match error {
            WireError::Stale(reason) | WireError::Broken(reason) => self.failed(reason),
            WireError::Limit(error) => error,
        }
    }

    fn failed(&self, reason: String) -> FetchError {
        FetchError::Get { url: self.options.url.clone(), reason }
    }

    async fn fetch_proxied(&mut self, body: &mut Vec<u8>) -> Result<Fetched, FetchError> {
        let Some(client) = &self.proxied else {
            return Err(self.failed("no proxy".to_owned()));
        };
        let told = |error: reqwest::Error| self.failed(error.without_url().to_string());
        let request = client.request(reqwest::Method::GET, &self.options.url).await.map_err(|error| self.unprepared(error))?;
        let mut response = request.headers(self.headers.clone()).send().await.map_err(told)?;
        let status = response.status();
        if status != reqwest::StatusCode::OK {
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
