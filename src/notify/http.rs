//! One request: deadlines, what the answer means, `Retry-After`. No error shows a URL, since URLs hold secrets.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Method, StatusCode};

use super::advice;
use super::limits::{ANSWER_BYTES_MAX, ANSWER_SHOWN_MAX, CONNECT_TIMEOUT};
use super::reach;
use super::steps::Steps;
use crate::alerts::notification::{Failure, FailureKind};
use crate::client::{ClientError, ClientOptions, Outbound, Timeouts, TlsOptions, chain};
use crate::model::{DurationMs, Secret, TimestampMs};

/// The header that marks a notification, so that a receiver can tell a repeat.
pub const ID_HEADER: &str = "x-promlet-notification-id";

/// A client for one integration.
pub struct Poster {
    outbound: Outbound,
    /// Where there is a proxy: its address in words.
    proxy: Option<String>,
    tls: TlsOptions,
    /// The server that a watched send has reached last: nobody need read the way to it twice.
    reached: Mutex<String>,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub is_json: bool,
    pub body: String,
    pub retry_after: Option<DurationMs>,
    /// Scheme and host that a redirect names.
    pub redirect: Option<String>,
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
        let proxy = match &options.proxy_url {
            Some(url) => Some(format!("through the proxy {}", origin(url).unwrap_or_default())),
            None => options.proxy_from_environment.then(|| "through the proxy that the environment names, if it names one".to_owned()),
        };
        let outbound = Outbound::posting(options, timeouts)?;
        Ok(Self { outbound, proxy, tls: options.tls.clone(), reached: Mutex::default() })
    }

    pub async fn send(&self, request: Request, trip: &Trip<'_>, steps: &Steps) -> Result<Answer, Failure> {
        if !steps.is_silent() {
            self.find_the_way(request.url.expose(), steps).await?;
        }
        let (method, bytes) = (request.method.clone(), request.body.len());
        let through_proxy = self.proxy.is_some() && request.url.expose().starts_with("https:");
        match tokio::time::timeout(trip.deadline, self.exchange(request, trip)).await {
            Ok(Ok(answer)) => {
                if through_proxy {
                    let checked = if self.tls.insecure_skip_verify { "the certificate is not checked" } else { "the certificate is good" };
                    steps.done(format!("encrypted (TLS), {checked}"));
                }
                steps.done(format!("asked: {method}, {bytes} bytes; answered: HTTP {}", answer.status));
                Ok(answer)
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::retry(format!(
                "no answer within {} s (the server took the connection and is silent)",
                trip.deadline.as_secs_f64()
            ))),
        }
    }

    /// Looked up and connected to once more, beforehand, so that a person sees how far it goes.
    async fn find_the_way(&self, url: &str, steps: &Steps) -> Result<(), Failure> {
        let origin = origin(url).unwrap_or_default();
        let is_known = std::mem::replace(&mut *self.reached.lock().unwrap_or_else(PoisonError::into_inner), origin.clone()) == origin;
        match &self.proxy {
            _ if is_known => Ok(()),
            Some(proxy) => {
                steps.done(proxy.clone());
                Ok(())
            }
            None => reach::reach(url, &self.tls, steps).await,
        }
    }

    async fn exchange(&self, request: Request, trip: &Trip<'_>) -> Result<Answer, Failure> {
        let headers = request.header_map(trip.id)?;
        let builder = self.outbound.request(request.method, request.url.expose()).await.map_err(|error| prepare_failure(&error))?;
        let mut response = builder.headers(headers).body(request.body).send().await.map_err(send_failure)?;
        let status = response.status();
        let retry_after = retry_after(response.headers(), trip.now);
        let redirect = response.headers().get(LOCATION).and_then(|to| origin(response.url().join(to.to_str().ok()?).ok()?.as_str()));
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
        Ok(Answer { status, is_json, body: String::from_utf8_lossy(&body).into_owned(), retry_after, redirect })
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
    pub fn judge_status(&self) -> Result<(), Failure> {
        match self.status {
            status if status.is_success() => Ok(()),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err(self.retry()),
            status if status.is_server_error() => Err(self.retry()),
            status if status.is_redirection() => {
                let to = self.redirect.as_deref().map_or_else(String::new, |to| format!(" to {to}"));
                Err(Failure::give_up(format!("{}: a redirect{to} that is not followed (write the address where it leads)", self.show())))
            }
            _ => Err(Failure::give_up(self.show())),
        }
    }

    /// The same, of a service that never answers with a web page: whoever did is not that service.
    pub fn judge(&self) -> Result<(), Failure> {
        self.judge_status()?;
        let start: String = self.body.trim_start().chars().take(14).collect::<String>().to_ascii_lowercase();
        if start.starts_with("<!doctype html") || start.starts_with("<html") {
            let advice = "another server answers there, or a page to sign in stands before it: correct the address";
            return Err(Failure::retry(format!("a web page instead of an answer: {} ({advice})", self.show())));
        }
        Ok(())
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
    let detail = plainly(&chain(&error));
    match advice::certificate(&detail) {
        Some(advice) => Failure::give_up(format!("{} ({advice})", advice::readable(&detail))),
        None if error.is_builder() => Failure::give_up(detail),
        None => Failure::retry(detail.clone() + advice::connection(&detail)),
    }
}

/// Without what only the client's programmers need.
fn plainly(detail: &str) -> String {
    let mut rest = detail;
    for noise in ["error sending request: ", "client error (Connect): ", "client error (SendRequest): ", "error decoding response body: "] {
        rest = rest.strip_prefix(noise).unwrap_or(rest);
    }
    rest.to_owned()
}

/// Scheme, host and port: what may be shown of a URL.
fn origin(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("{}://{}{port}", url.scheme(), url.host_str()?))
}
