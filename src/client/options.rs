//! The HTTP client settings that scrape jobs, discovery, remote write and receivers have in common.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::TokenCache;
use crate::model::Secret;

/// A secret in the configuration itself, or in a file that is read anew at each use (and trimmed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    Inline(Secret),
    File(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicAuth {
    pub username: SecretSource,
    pub password: Option<SecretSource>,
}

/// The `Authorization` header: type (`Bearer` unless said otherwise) and credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub scheme: String,
    pub credentials: Option<SecretSource>,
}

/// A token from `token_url`, which goes into the `Authorization` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth2 {
    pub client_id: String,
    pub grant: Grant,
    pub scopes: Vec<String>,
    pub token_url: String,
    /// Further fields of the form, in the order of the file.
    pub endpoint_params: Vec<(String, String)>,
    /// TLS and proxy towards the token's server; nothing else of it counts.
    pub client: Box<ClientOptions>,
    pub tokens: TokenCache,
}

/// What the client shows the token's server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Its id and this secret (RFC 6749, section 4.4).
    Secret(Option<SecretSource>),
    /// An assertion that it signs (RFC 7523, section 2.1).
    Assertion(Assertion),
}

/// Empty texts are left out or stand for upstream's defaults: the client's id as issuer, `token_url` as audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// RSA, in PEM form.
    pub key: Option<SecretSource>,
    pub key_id: String,
    pub issuer: String,
    pub audience: String,
    pub algorithm: RsaAlgorithm,
    pub claims: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RsaAlgorithm {
    #[default]
    Rs256,
    Rs384,
    Rs512,
}

/// Those that Prometheus knows; promlet speaks the last two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

impl TlsVersion {
    /// As configuration files name them.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "TLS10" => Some(Self::Tls10),
            "TLS11" => Some(Self::Tls11),
            "TLS12" => Some(Self::Tls12),
            "TLS13" => Some(Self::Tls13),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    pub ca: Option<SecretSource>,
    pub cert: Option<SecretSource>,
    pub key: Option<SecretSource>,
    pub server_name: Option<String>,
    pub insecure_skip_verify: bool,
    pub min_version: Option<TlsVersion>,
    pub max_version: Option<TlsVersion>,
}

/// At most one of `basic_auth`, `authorization` and `oauth2` is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    pub basic_auth: Option<BasicAuth>,
    pub authorization: Option<Authorization>,
    pub oauth2: Option<OAuth2>,
    pub tls: TlsOptions,
    pub proxy_url: Option<String>,
    pub no_proxy: Option<String>,
    pub proxy_from_environment: bool,
    /// For the proxy alone, when it is asked for a tunnel.
    pub proxy_headers: Vec<(String, Secret)>,
    pub follow_redirects: bool,
    /// Extra headers, in the order of the file.
    pub headers: Vec<(String, SecretSource)>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            basic_auth: None,
            authorization: None,
            oauth2: None,
            tls: TlsOptions::default(),
            proxy_url: None,
            no_proxy: None,
            proxy_from_environment: false,
            proxy_headers: Vec::new(),
            follow_redirects: true,
            headers: Vec::new(),
        }
    }
}
