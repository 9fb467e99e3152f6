//! What `--web.config.file` says: who may come in, and how connections are encrypted.

use std::path::PathBuf;

use crate::model::{DurationMs, Secret};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOptions {
    /// None: no encryption.
    pub tls: Option<ServerTls>,
    /// Offered where connections are encrypted.
    pub http2: bool,
    /// Names and values of headers that every answer gets.
    pub headers: Vec<(String, String)>,
    /// Names and bcrypt hashes; nobody has to log in where there are none.
    pub users: Vec<(String, Secret)>,
    pub rate_limit: Option<RateLimit>,
}

/// A bucket of `burst` requests that fills with one more each `interval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub interval: DurationMs,
    pub burst: u64,
}

/// Text in PEM form, or the file it is read from for each connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pem {
    Inline(Secret),
    File(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    pub cert: Pem,
    pub key: Pem,
    pub client_auth: ClientAuth,
    /// Whose certificates clients may have; the system's authorities where it is not given.
    pub client_ca: Option<Pem>,
    /// A client's certificate must carry one of these names.
    pub allowed_sans: Option<Vec<String>>,
    pub tls12: bool,
    pub tls13: bool,
    /// Suites of TLS 1.2 by their IANA names, best first; none: all that are good.
    pub cipher_suites: Vec<String>,
    pub prefer_server_order: bool,
    /// By Go's names, best first; none: all that are good.
    pub curves: Vec<String>,
}

/// What a client has to show, as in Go's `ClientAuthType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    #[default]
    None,
    Request,
    RequireAny,
    VerifyIfGiven,
    RequireAndVerify,
}
