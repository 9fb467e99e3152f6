//! What stands before every request where `--web.config.file` asks for it: passwords, a limit of requests, headers on every answer, TLS. The
//! file is read anew for each request and connection, so that passwords and certificates are renewed without a restart; whether
//! there is TLS, HTTP/2 and a limit is settled at the start, as in Prometheus.

mod bucket;
mod logins;
mod names;
mod tls;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncWrite};

use self::bucket::Bucket;
use self::logins::Logins;
use self::tls::Certificates;
use super::error::plain;
use super::options::WebOptions;
use super::state::Lookup;
use crate::clock::Clock;
use crate::telemetry::{Counter, Registry};

pub use self::tls::{Encrypted, check};

/// The file as it is now; the error has been logged.
pub type ReadWeb = Lookup<Result<Arc<WebOptions>, String>>;

#[derive(Clone)]
pub struct Protection {
    read: ReadWeb,
    certificates: Option<Arc<Certificates>>,
    bucket: Option<Arc<Bucket>>,
    logins: Arc<Logins>,
    refused: Counter,
    limited: Counter,
    failed_handshakes: Counter,
}

impl Protection {
    /// Reads file and certificates once; the error is a sentence for the operator.
    pub fn new(read: ReadWeb, clock: Clock, registry: &Registry) -> Result<Self, String> {
        let options = read()?;
        let certificates = match &options.tls {
            Some(tls) => Some(Arc::new(Certificates::new(tls, options.http2)?)),
            None => None,
        };
        let counter = |name, help| registry.counter(name, help, &[]);
        Ok(Self {
            read,
            certificates,
            bucket: options.rate_limit.map(|limit| Arc::new(Bucket::new(limit, clock))),
            logins: Arc::new(Logins::new()?),
            refused: counter("promlet_http_logins_refused_total", "Requests without a name and password of basic_auth_users."),
            limited: counter("promlet_http_requests_limited_total", "Requests above the rate_limit of --web.config.file."),
            failed_handshakes: counter("promlet_http_tls_handshakes_failed_total", "Connections that TLS could not be agreed on for."),
        })
    }

    /// Whether connections are encrypted.
    pub fn encrypts(&self) -> bool {
        self.certificates.is_some()
    }

    /// Agrees on TLS with the certificates as they are now. The error is one of the peer, or of the file.
    pub async fn encrypt<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Result<Encrypted<S>, String> {
        let accepted = match &self.certificates {
            None => Err("no certificates".to_owned()),
            Some(certificates) => match (self.read)().map(|options| options.tls.clone()) {
                Ok(Some(tls)) => certificates.accept(&tls, stream).await,
                Ok(None) => Err("tls_server_config is gone from --web.config.file: restart promlet to serve without encryption".to_owned()),
                Err(error) => Err(error),
            },
        };
        accepted.inspect_err(|error| {
            self.failed_handshakes.inc();
            tracing::debug!(%error, "no TLS with a client");
        })
    }
}

/// Lets a request through, or answers in place of its handler; in the order that Prometheus has.
pub async fn around(State(protection): State<Protection>, request: Request, next: Next) -> Response {
    let Ok(options) = (protection.read)() else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    };
    if protection.bucket.as_ref().is_some_and(|bucket| !bucket.takes()) {
        protection.limited.inc();
        return plain(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
    }
    let mut response = if protection.admits(&options, request.headers().get(header::AUTHORIZATION).and_then(credentials)).await {
        next.run(request).await
    } else {
        protection.refused.inc();
        let mut refusal = plain(StatusCode::UNAUTHORIZED, "Unauthorized");
        refusal.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
        refusal
    };
    for (name, value) in &options.headers {
        let parsed = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
        if let (Ok(name), Ok(value)) = parsed
            && !response.headers().contains_key(&name)
        {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

impl Protection {
    async fn admits(&self, options: &WebOptions, login: Option<(String, Vec<u8>)>) -> bool {
        match login {
            _ if options.users.is_empty() => true,
            Some((name, password)) => self.logins.admits(&options.users, name, password).await,
            None => false,
        }
    }
}

/// Name and password (RFC 7617).
fn credentials(value: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some((String::from_utf8(decoded[..colon].to_vec()).ok()?, decoded[colon + 1..].to_vec()))
}

#[cfg(test)]
mod tests;
