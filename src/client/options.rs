//! The HTTP client settings that scrape jobs, discovery, remote write and receivers have in common.

use std::path::PathBuf;

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

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    pub ca: Option<SecretSource>,
    pub cert: Option<SecretSource>,
    pub key: Option<SecretSource>,
    pub server_name: Option<String>,
    pub insecure_skip_verify: bool,
}

/// At most one of `basic_auth` and `authorization` is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    pub basic_auth: Option<BasicAuth>,
    pub authorization: Option<Authorization>,
    pub tls: TlsOptions,
    pub proxy_url: Option<String>,
    pub no_proxy: Option<String>,
    pub proxy_from_environment: bool,
    pub follow_redirects: bool,
    /// Extra headers, in the order of the file.
    pub headers: Vec<(String, SecretSource)>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            basic_auth: None,
            authorization: None,
            tls: TlsOptions::default(),
            proxy_url: None,
            no_proxy: None,
            proxy_from_environment: false,
            follow_redirects: true,
            headers: Vec::new(),
        }
    }
}
