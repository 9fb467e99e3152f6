//! The server's HTTP API, asked one request at a time.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use tokio::runtime::Runtime;

use super::outcome::AskError;
use super::reply::{self, Reply};
use crate::client::Outbound;
use crate::model::TimestampMs;

/// How long one question may take; the server's own limit is two minutes.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(150);
/// How long completion waits for names before it goes without.
const HINT_TIMEOUT: Duration = Duration::from_millis(800);
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 30;

pub struct Api {
    client: Outbound,
    runtime: Runtime,
    base: String,
}

/// Other servers ignore the parameter.
fn with_explain<'p>(mut parameters: Vec<(&'p str, &'p str)>, explain: bool) -> Vec<(&'p str, &'p str)> {
    if explain {
        parameters.push(("explain", "true"));
    }
    parameters
}

impl Api {
    /// `url` is the server's address, with or without a path before `/api`.
    pub fn new(url: &str, client: Outbound) -> Result<Self, String> {
        let with_scheme = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let parsed = reqwest::Url::parse(&with_scheme).map_err(|error| format!("{url} is not an address: {error}"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(format!("{url} is not an address: it begins with http:// or https://"));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("the program cannot open sockets: {error}"))?;
        Ok(Self { client, runtime, base: parsed.as_str().trim_end_matches('/').to_owned() })
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn instant(&self, expr: &str, at: TimestampMs, explain: bool) -> Result<Reply, AskError> {
        let at = at.to_string();
        reply::read(&self.ask("query", &with_explain(vec![("query", expr), ("time", &at)], explain))?)
    }

    pub fn range(&self, expr: &str, (from, to): (TimestampMs, TimestampMs), step_seconds: f64, explain: bool) -> Result<Reply, AskError> {
        let (from, to, step) = (from.to_string(), to.to_string(), step_seconds.to_string());
        let parameters = vec![("query", expr), ("start", from.as_str()), ("end", &to), ("step", &step)];
        reply::read(&self.ask("query_range", &with_explain(parameters, explain))?)
    }

    /// Texts of an endpoint that answers with a list of them; for completion, so it gives up early.
    pub fn texts(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Vec<String>, AskError> {
        reply::data(&self.get(path, parameters)?)
    }

    /// Metric, type and help.
    pub fn metadata(&self) -> Result<Vec<(String, String, String)>, AskError> {
        reply::metadata(&self.get("metadata", &[])?)
    }

    fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<String, AskError> {
        self.send(self.request(Method::GET, path)?.query(parameters), HINT_TIMEOUT)
    }

    fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<String, AskError> {
        self.send(self.request(Method::POST, path)?.form(parameters), ASK_TIMEOUT)
    }

    /// With the credentials that the server wants.
    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, AskError> {
        let url = format!("{}/api/v1/{path}", self.base);
        let request = self.runtime.block_on(self.client.request(method, &url));
        request.map_err(|error| AskError::Unreachable(format!("{} cannot be asked: {error}", self.base)))
    }

    fn send(&self, request: RequestBuilder, timeout: Duration) -> Result<String, AskError> {
        let read = async {
            let mut response = request.timeout(timeout).send().await?;
            let status = response.status();
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                body.extend_from_slice(&chunk);
                if body.len() > ANSWER_BYTES_MAX {
                    break;
                }
            }
            Ok((status, body))
        };
        let (status, body) = self.runtime.block_on(read).map_err(|error| AskError::Unreachable(self.unreachable(&error)))?;
        if body.len() > ANSWER_BYTES_MAX {
            let text = format!("the answer is longer than {ANSWER_BYTES_MAX} bytes: ask for less time or a larger step");
            return Err(AskError::NotTheApi(text));
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        if let Some(refusal) = reply::refusal(&text) {
            return Err(refusal);
        }
        if !status.is_success() {
            let line = text.lines().next().unwrap_or("").trim();
            return Err(AskError::NotTheApi(format!("{} answers {status}: {line}", self.base)));
        }
        Ok(text)
    }

    fn unreachable(&self, error: &reqwest::Error) -> String {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let way_out = "is it running? --url or PROMQL_URL name another address";
        if error.is_timeout() {
            format!("{} does not answer in time ({way_out})", self.base)
        } else {
            format!("{} cannot be reached: {cause} ({way_out})", self.base)
        }
    }
}
