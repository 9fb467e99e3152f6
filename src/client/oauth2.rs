//! Tokens of OAuth 2.0: for the client's credentials (RFC 6749, section 4.4) or for an assertion it signs (RFC 7523, section 2.1), kept
//! until shortly before they expire and shared by all who have the same options.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, StatusCode, Url};
use tokio::sync::Mutex;

use super::assertion::signed;
use super::credentials::sensitive;
use super::token::{Token, read};
use super::{ClientError, Grant, OAuth2, Outbound, Timeouts, chain};
use crate::clock::Clock;
use crate::model::Secret;

/// How long the token's server may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A token is not used in its last seconds: it has to last for a request.
const EARLY: Duration = Duration::from_secs(10);
/// Whoever comes this soon after a failure hears of it without asking again: one answer for all targets of a job.
const FAILURE_HOLDS: Duration = Duration::from_secs(1);
/// Bytes of an answer that are read, and characters of a refusal that are shown.
const ANSWER_BYTES_MAX: usize = 1 << 20;
const SHOWN_CHARS_MAX: usize = 200;
const ASSERTION_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What is known of a server's tokens. No setting, so that all are equal.
#[derive(Clone, Default)]
pub struct TokenCache(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    clock: Clock,
    outbound: Option<Outbound>,
    token: Option<KeptToken>,
    /// Until when it counts, by the monotonic clock, and with which secret it was met.
    failure: Option<(Duration, Secret, ClientError)>,
    /// Whether the server wants id and secret in the form; unknown before it took one of both ways.
    in_form: Option<bool>,
}

struct KeptToken {
    header: Secret,
    /// By the monotonic clock; none: for ever.
    until: Option<Duration>,
    /// With which it was fetched: another one asks for another token.
    secret: Secret,
}

impl TokenCache {
    #[cfg(test)]
    pub(super) fn with_clock(clock: Clock) -> Self {
        Self(Arc::new(Mutex::new(Kept { clock, ..Kept::default() })))
    }
}

impl PartialEq for TokenCache {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for TokenCache {}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenCache")
    }
}

impl OAuth2 {
    /// The value of the `Authorization` header; asks the server where no token is at hand. One asks, the others wait for it.
    pub(super) async fn authorization(&self) -> Result<Secret, ClientError> {
        let source = match &self.grant {
            Grant::Secret(secret) => secret,
            Grant::Assertion(assertion) => &assertion.key,
        };
        let secret = match source {
            Some(source) => source.read().await?,
            None => Secret::default(),
        };
        let mut kept = self.tokens.0.lock().await;
        let now = kept.clock.monotonic();
        let holds = |token: &&KeptToken| token.secret == secret && token.until.is_none_or(|until| now < until);
        if let Some(token) = kept.token.as_ref().filter(holds) {
            return Ok(token.header.clone());
        }
        if let Some((_, _, error)) = kept.failure.as_ref().filter(|(until, with, _)| now < *until && *with == secret) {
            return Err(error.clone());
        }
        match self.fetch(&mut kept, &secret).await {
            Ok(Token { header, lasts }) => {
                let until = lasts.map(|lasts| now + lasts.saturating_sub(EARLY));
                kept.token = Some(KeptToken { header: header.clone(), until, secret });
                kept.failure = None;
                Ok(header)
            }
            Err(error) => {
                kept.failure = Some((kept.clock.monotonic() + FAILURE_HOLDS, secret, error.clone()));
                Err(error)
            }
        }
    }

    /// Id and secret go into the header first; a server that refuses gets them in the form, as Go's client has it.
    async fn fetch(&self, kept: &mut Kept, secret: &Secret) -> Result<Token, ClientError> {
        let outbound = match &kept.outbound {
            Some(outbound) => outbound.clone(),
            None => kept.outbound.insert(Outbound::new(&self.client, Timeouts::total(TIMEOUT))?).clone(),
        };
        let in_form = kept.in_form;
        let first = self.ask(&outbound, secret, in_form.unwrap_or(false), &kept.clock).await?;
        let is_refused = !first.status.is_success() || read(&first).is_err();
        let is_open = in_form.is_none() && matches!(self.grant, Grant::Secret(_));
        let (answer, was_in_form) = if is_refused && is_open {
            (self.ask(&outbound, secret, true, &kept.clock).await?, true)
        } else {
            (first, in_form.unwrap_or(false))
        };
        if !answer.status.is_success() {
            let (status, shown) = (answer.status, shown(&answer.text));
            let response = if shown.is_empty() { String::new() } else { format!(", response: {shown}") };
            return Err(self.failed(format!("{} {}{response}", status.as_u16(), status.canonical_reason().unwrap_or(""))));
        }
        let token = read(&answer).map_err(|reason| self.failed(reason))?;
        kept.in_form = Some(was_in_form);
        Ok(token)
    }

    fn failed(&self, reason: String) -> ClientError {
        let mut url = self.token_url.clone();
        // What the text names goes to logs and pages.
        if let Ok(mut parsed) = Url::parse(&url)
            && parsed.password().is_some()
        {
            let _without_host = parsed.set_password(Some("xxxxx"));
            url = parsed.into();
        }
        ClientError::Token { url, reason }
    }

    async fn ask(&self, outbound: &Outbound, secret: &Secret, in_form: bool, clock: &Clock) -> Result<Answer, ClientError> {
        let request = outbound.bare_request(Method::POST, &self.token_url)?;
        let (mut form, mut request) = (self.form()?, request);
        match &self.grant {
            Grant::Assertion(assertion) => {
                let text = signed(assertion, self, secret, clock.now()).map_err(|reason| self.failed(reason))?;
                form.push(("assertion", text.expose().to_owned()));
            }
            Grant::Secret(_) if in_form => {
                let own = [("client_id", self.client_id.clone()), ("client_secret", secret.expose().to_owned())];
                form.extend(own.into_iter().filter(|(_, value)| !value.is_empty()));
            }
            Grant::Secret(_) => {
                let pair = STANDARD.encode(format!("{}:{}", escaped(&self.client_id), escaped(secret.expose())));
                request = request.header(AUTHORIZATION, sensitive("Authorization", &format!("Basic {pair}"))?);
            }
        }
        // In the order of the names, as Go writes it.
        form.sort_by_key(|(name, _)| *name);
        let request = request.form(&form);
        let broken = |error: reqwest::Error| self.failed(chain(&error.without_url()));
        let mut answer = request.send().await.map_err(broken)?;
        let status = answer.status();
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("").to_ascii_lowercase();
        let is_form = ["application/x-www-form-urlencoded", "text/plain"].contains(&kind.split(';').next().unwrap_or("").trim());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(broken)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(self.failed(format!("the answer is longer than {ANSWER_BYTES_MAX} bytes")));
            }
        }
        Ok(Answer { status, is_form, text: String::from_utf8_lossy(&body).into_owned() })
    }

    /// What is asked for, whoever asks.
    fn form(&self) -> Result<Vec<(&str, String)>, ClientError> {
        let grant = if matches!(self.grant, Grant::Assertion(_)) { ASSERTION_GRANT } else { "client_credentials" };
        let mut form = vec![("grant_type", grant.to_owned())];
        if !self.scopes.is_empty() {
            form.push(("scope", self.scopes.join(" ")));
        }
        for (name, value) in &self.endpoint_params {
            match form.iter_mut().find(|(there, _)| there == name) {
                Some((_, given)) if name == "grant_type" => given.clone_from(value),
                Some(_) => return Err(self.failed(format!("cannot overwrite parameter \"{name}\""))),
                None => form.push((name, value.clone())),
            }
        }
        Ok(form)
    }
}

/// What the token's server said.
pub(super) struct Answer {
    pub status: StatusCode,
    /// `name=value&...` instead of JSON.
    pub is_form: bool,
    pub text: String,
}

/// The beginning of a refusal, on one line.
fn shown(text: &str) -> String {
    let one_line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_CHARS_MAX).collect();
    if one_line.chars().count() == SHOWN_CHARS_MAX { format!("{one_line}...") } else { one_line }
}

/// As in a form.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let escape = |byte: u8| match byte {
        byte if plain(byte) => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests;
