//! HTTP outwards: TLS, authentication and headers from the shared client options.

pub mod options;

mod assertion;
mod certificate;
mod credentials;
mod error;
mod fetch;
mod oauth2;
mod outbound;
mod peer;
mod tls;
mod token;
mod transport;
mod wire;

pub use certificate::Certificate;
pub use error::{ClientError, FetchError, chain};
pub use fetch::{BODY_BYTES_MAX, FetchOptions, Fetched, Fetcher, within_limit};
pub use oauth2::TokenCache;
pub use options::{Assertion, Authorization, BasicAuth, ClientOptions, Grant, OAuth2, RsaAlgorithm, SecretSource, TlsOptions, TlsVersion};
pub use outbound::{Outbound, Timeouts};
pub use peer::{Peer, TlsFailure, encrypt};

/// How we name ourselves to servers.
pub const USER_AGENT: &str = concat!("promlet/", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests;
