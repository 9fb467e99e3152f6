//! Why a client cannot be built, and why a fetch failed.

use std::fmt;
use std::path::PathBuf;

/// A client that cannot be built or a request that cannot be prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// A secret's file cannot be read.
    Secret {
        path: PathBuf,
        reason: String,
    },
    /// A header's name or value cannot stand in a request; the value is not shown.
    Header {
        name: String,
    },
    /// Certificates or keys.
    Tls(String),
    Proxy {
        url: String,
        reason: String,
    },
    Url {
        url: String,
        reason: String,
    },
    /// No token for `oauth2`: the address of the token's server, without a password, and what went wrong.
    Token {
        url: String,
        reason: String,
    },
    Build(String),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret { path, reason } => write!(f, "unable to read file {}: {reason}", path.display()),
            Self::Header { name } => write!(f, "header {name}: its name or value holds characters that HTTP does not allow"),
            Self::Tls(reason) => f.write_str(reason),
            Self::Proxy { url, reason } => write!(f, "proxy_url {url}: {reason}"),
            Self::Url { url, reason } => write!(f, "invalid URL {url}: {reason}"),
            Self::Token { url, reason } => write!(f, "oauth2: cannot fetch token from {url}: {reason}"),
            Self::Build(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ClientError {}

/// An error and its causes, each said once.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// Why nothing was fetched. The texts are those that Prometheus's users know from its Targets page, where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// No connection, or it broke: `Get "URL": reason`.
    Get {
        url: String,
        reason: String,
    },
    /// An answer other than 200.
    Status {
        code: u16,
        reason: String,
    },
    /// More bytes than `body_size_limit`.
    BodySizeLimit,
    /// More bytes than our own bound, which holds where the job states none.
    HardLimit {
        bytes: u64,
    },
    /// A body that cannot be unpacked.
    Body(String),
    Client(ClientError),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get { url, reason } => write!(f, "Get \"{url}\": {reason}"),
            Self::Status { code, reason } => write!(f, "server returned HTTP status {code} {reason}"),
            Self::BodySizeLimit => f.write_str("body size limit exceeded"),
            Self::HardLimit { bytes } => {
                write!(
                    f,
                    "the body is longer than {bytes} bytes, the most that is read where body_size_limit is not set: set it to read more"
                )
            }
            Self::Body(reason) => f.write_str(reason),
            Self::Client(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FetchError {}

impl From<ClientError> for FetchError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}
