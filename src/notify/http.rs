//! One request: deadlines, what the answer means, `Retry-After`. No error shows a URL, since URLs hold secrets.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode};

use super::limits::{ANSWER_BYTES_MAX, ANSWER_SHOWN_MAX, CONNECT_TIMEOUT};
use super::steps::Steps;
use crate::alerts::notification::{Failure, FailureKind};
use crate::client::{ClientError, ClientOptions, Outbound, Timeouts, chain};
use crate::model::{DurationMs, Secret, TimestampMs};

/// The header that marks a notification, so that a receiver can tell a repeat.
pub const ID_HEADER: &str = "x-promlet-notification-id";

/// A client for one integration.
pub struct Poster {
    outbound: Outbound,
    proxied: bool,
    verifies: bool,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub is_json: bool,
    pub body: String,
    pub retry_after: Option<DurationMs>,
}

/// One request, ready to go.
pub struct Request {
    pub method: Method,
    pub url: Secret,
    /// Over those of the configured client.
    pub headers: Vec<(HeaderName, Secret)>,
    /// Empty for none.
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

/// For whom, and how long it may take.
pub struct Trip<'a> {
    /// The notification's id.
    pub id: &'a str,
    pub deadline: Duration,
    pub now: TimestampMs,
}

impl Request {
    /// A POST of JSON.
    pub fn json(url: impl Into<String>, body: String) -> Self {
        let url = Secret::new(url);
        Self { method: Method::POST, url, headers: Vec::new(), content_type: "application/json", body: body.into_bytes() }
    }

    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, Secret::new(value)));
        self
    }

    fn header_map(&self, id: &str) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        if !self.content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        if let Ok(id) = HeaderValue::from_str(id) {
            headers.insert(ID_HEADER, id);
        }
        for (name, value) in &self.headers {
            let mut value = HeaderValue::from_str(value.expose())
                .map_err(|_| Failure::give_up(format!("the value of {name} holds characters that HTTP does not allow")))?;
            value.set_sensitive(true);
            headers.insert(name.clone(), value);
        }
        Ok(headers)
    }
}

impl Poster {
    /// `longest` bounds every attempt; each has its own deadline within it.
    pub fn new(options: &ClientOptions, longest: Duration) -> Result<Self, ClientError> {
        let timeouts = Timeouts { connect: CONNECT_TIMEOUT, read: longest, total: longest };
        let proxied = options.proxy_url.is_some() || options.proxy_from_environment;
        let verifies = !options.tls.insecure_skip_verify;
        Ok(Self { outbound: Outbound::new(options, timeouts)?, proxied, verifies })
    }

    pub async fn send(&self, request: Request, trip: &Trip<'_>, steps: &Steps) -> Result<Answer, Failure> {
        if !steps.is_silent() && !self.proxied {
            reach(request.url.expose(), steps).await?;
        }
        let is_encrypted = request.url.expose().starts_with("https:");
        match tokio::time::timeout(trip.deadline, self.exchange(request, trip)).await {
            Ok(answer) => {
                if is_encrypted && answer.is_ok() {
                    let checked = if self.verifies { "the certificate is good" } else { "the certificate is not checked" };
                    steps.done(format!("encrypted (TLS), {checked}"));
                }
                answer
            }
            Err(_) => Err(Failure::retry(format!("no answer within {} s", trip.deadline.as_secs_f64()))),
        }
    }

    async fn exchange(&self, request: Request, trip: &Trip<'_>) -> Result<Answer, Failure> {
        let headers = request.header_map(trip.id)?;
        let builder = self.outbound.request(request.method, request.url.expose()).await.map_err(|error| prepare_failure(&error))?;
        let mut response = builder.headers(headers).body(request.body).send().await.map_err(send_failure)?;
        let status = response.status();
        let retry_after = retry_after(response.headers(), trip.now);
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let is_json = kind.starts_with("application/json");
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(send_failure)? {
            let room = ANSWER_BYTES_MAX - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(Answer { status, is_json, body: String::from_utf8_lossy(&body).into_owned(), retry_after })
    }
}

impl Answer {
    /// For the ledger: status and the beginning of the body.
    pub fn show(&self) -> String {
        let shown: String = self.body.trim().chars().take(ANSWER_SHOWN_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let status = self.status;
        if shown.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {shown}") }
    }

    /// What a status other than 2xx means: busy and broken servers are tried again, refusals are not.
    pub fn judge(&self) -> Result<(), Failure> {
        match self.status {
            status if status.is_success() => Ok(()),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err(self.retry()),
            status if status.is_server_error() => Err(self.retry()),
            status if status.is_redirection() => Err(Failure::give_up(format!("{}: a redirect that is not followed", self.show()))),
            _ => Err(Failure::give_up(self.show())),
        }
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.body.trim()).unwrap_or(serde_json::Value::Null)
    }

    pub fn retry(&self) -> Failure {
        let asked = self.retry_after.map(|after| format!(" (Retry-After: {} s)", after.as_seconds())).unwrap_or_default();
        Failure { kind: FailureKind::Retry { after: self.retry_after }, detail: format!("{}{asked}", self.show()) }
    }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: TimestampMs) -> Option<DurationMs> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(DurationMs::seconds(i64::from(seconds)));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond();
    Some(DurationMs((at - now.0).max(0)))
}

pub fn prepare_failure(error: &ClientError) -> Failure {
    match error {
        // A file that is not there yet may come, and so may a token.
        ClientError::Secret { .. } | ClientError::Token { .. } => Failure::retry(error.to_string()),
        ClientError::Url { reason, .. } => Failure::give_up(format!("the URL is not one: {reason}")),
        _ => Failure::give_up(error.to_string()),
    }
}

fn send_failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let detail = chain(&error);
    match certificate_advice(&detail) {
        Some(advice) => Failure::give_up(format!("{detail} ({advice})")),
        None if error.is_builder() => Failure::give_up(detail),
        None => Failure::retry(detail),
    }
}

/// The way out where the other side's certificate is not believed.
pub fn certificate_advice(detail: &str) -> Option<&'static str> {
    if detail.contains("CaUsedAsEndEntity") {
        return Some("the server shows an authority's own certificate: give it one that the authority signed");
    }
    detail
        .contains("invalid peer certificate")
        .then_some("name its authority in tls_config.ca_file, the right host in tls_config.server_name, or set insecure_skip_verify")
}

/// Name lookup and connecting, told apart for a person.
async fn reach(url: &str, steps: &Steps) -> Result<(), Failure> {
    let url = reqwest::Url::parse(url).map_err(|error| Failure::give_up(format!("the URL is not one: {error}")))?;
    let (host, port) = (url.host_str().unwrap_or("").to_owned(), url.port_or_known_default().unwrap_or(80));
    let address = resolve(host.trim_matches(['[', ']']), port, steps).await?;
    match tokio::time::timeout(CONNECT_TIMEOUT, tokio::net::TcpStream::connect(address)).await {
        Ok(Ok(_)) => steps.done(format!("connected to {address}")),
        Ok(Err(error)) => return Err(Failure::retry(format!("cannot connect to {address}: {error}"))),
        Err(_) => return Err(Failure::retry(format!("cannot connect to {address} within {} s", CONNECT_TIMEOUT.as_secs()))),
    }
    Ok(())
}

/// The first address of a host.
pub async fn resolve(host: &str, port: u16, steps: &Steps) -> Result<std::net::SocketAddr, Failure> {
    let found = tokio::time::timeout(CONNECT_TIMEOUT, tokio::net::lookup_host((host, port))).await;
    let mut addresses = match found {
        Ok(Ok(addresses)) => addresses.collect::<Vec<_>>(),
        Ok(Err(error)) => return Err(Failure::retry(format!("cannot look up {host}: {error}"))),
        Err(_) => return Err(Failure::retry(format!("looking up {host} took longer than {} s", CONNECT_TIMEOUT.as_secs()))),
    };
    if addresses.is_empty() {
        return Err(Failure::retry(format!("{host} has no address")));
    }
    // A server on a home machine often listens on IPv4 alone.
    addresses.sort_by_key(|address| !address.is_ipv4());
    let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    steps.done(format!("{host} is {}", shown.join(", ")));
    Ok(addresses[0])
}
