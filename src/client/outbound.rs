//! The client of everything but scrapes: receivers, discovery, remote write and read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Method, NoProxy, Proxy, RequestBuilder};

use super::credentials::sensitive;
use super::{ClientError, ClientOptions, USER_AGENT, tls};

/// Redirects followed for one request.
const REDIRECTS_MAX: usize = 10;
/// Idle connections kept to one host: as many as a receiver has attempts under way at most, so that in a storm each is used again.
const IDLE_PER_HOST: usize = 8;
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// How long each step may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    /// Between two pieces of the answer.
    pub read: Duration,
    /// The whole request.
    pub total: Duration,
}

impl Timeouts {
    /// Connecting and reading may each take at most the whole.
    pub fn total(total: Duration) -> Self {
        Self { connect: total, read: total, total }
    }
}

/// A client for one set of options; cloning shares its connections.
#[derive(Clone, Debug)]
pub struct Outbound {
    options: Arc<ClientOptions>,
    timeouts: Timeouts,
    keeps_body: bool,
    current: Arc<Mutex<Current>>,
}

#[derive(Debug)]
struct Current {
    /// What the certificates' files held when the client was built.
    files: Vec<Vec<u8>>,
    client: Client,
}

impl Outbound {
    pub fn new(options: &ClientOptions, timeouts: Timeouts) -> Result<Self, ClientError> {
        Self::with(options, timeouts, false)
    }

    /// For bodies that must arrive: a redirect that would leave the body behind (301, 302, 303) is not followed.
    pub fn posting(options: &ClientOptions, timeouts: Timeouts) -> Result<Self, ClientError> {
        Self::with(options, timeouts, true)
    }

    fn with(options: &ClientOptions, timeouts: Timeouts, keeps_body: bool) -> Result<Self, ClientError> {
        let files = tls::files(&options.tls)?;
        let current = Arc::new(Mutex::new(Current { files, client: build(options, timeouts, keeps_body)? }));
        Ok(Self { options: Arc::new(options.clone()), timeouts, keeps_body, current })
    }

    /// A new one where certificates have been renewed; small files, read on the spot.
    fn client(&self) -> Result<Client, ClientError> {
        let files = tls::files(&self.options.tls)?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.files != files {
            *current = Current { files, client: build(&self.options, self.timeouts, self.keeps_body)? };
        }
        Ok(current.client.clone())
    }

    /// A request with credentials and configured headers on it; secrets in files are read now.
    pub async fn request(&self, method: Method, url: &str) -> Result<RequestBuilder, ClientError> {
        Ok(self.bare_request(method, url)?.headers(self.options.credential_headers().await?))
    }

    /// A request without any credentials.
    pub(super) fn bare_request(&self, method: Method, url: &str) -> Result<RequestBuilder, ClientError> {
        let url = reqwest::Url::parse(url).map_err(|error| ClientError::Url { url: url.to_owned(), reason: error.to_string() })?;
        Ok(self.client()?.request(method, url))
    }
}

fn build(options: &ClientOptions, timeouts: Timeouts, keeps_body: bool) -> Result<Client, ClientError> {
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read)
        .timeout(timeouts.total)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(redirects(options, keeps_body))
        .tls_backend_preconfigured(tls::config(&options.tls)?);
    match &options.proxy_url {
        Some(url) => builder = builder.proxy(proxy(url, options)?),
        None if options.proxy_from_environment => {}
        None => builder = builder.no_proxy(),
    }
    builder.build().map_err(|error| ClientError::Build(format!("cannot build an HTTP client: {error}")))
}

/// The client drops `Authorization` by itself when the host changes; other configured headers may be keys too, so such a redirect is not followed.
fn redirects(options: &ClientOptions, keeps_body: bool) -> Policy {
    if !options.follow_redirects {
        return Policy::none();
    }
    let keeps_host = !options.headers.is_empty();
    Policy::custom(move |attempt: Attempt<'_>| {
        let first = attempt.previous().first();
        let moved = first.is_some_and(|first| {
            (first.host_str(), first.port_or_known_default()) != (attempt.url().host_str(), attempt.url().port_or_known_default())
        });
        if attempt.previous().len() > REDIRECTS_MAX {
            attempt.error(format!("stopped after {REDIRECTS_MAX} redirects"))
        } else if (keeps_host && moved) || (keeps_body && matches!(attempt.status().as_u16(), 301..=303)) {
            attempt.stop()
        } else {
            attempt.follow()
        }
    })
}

fn proxy(url: &str, options: &ClientOptions) -> Result<Proxy, ClientError> {
    let proxy = Proxy::all(url).map_err(|error| ClientError::Proxy { url: url.to_owned(), reason: error.to_string() })?;
    let mut headers = HeaderMap::new();
    for (name, text) in &options.proxy_headers {
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| ClientError::Header { name: name.clone() })?;
        headers.append(key, sensitive(name, text.expose())?);
    }
    Ok(proxy.headers(headers).no_proxy(options.no_proxy.as_deref().and_then(NoProxy::from_string)))
}
