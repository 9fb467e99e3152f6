//! HTTP outwards: TLS, authentication and headers from the shared client options.

pub mod options;

mod certificate;
mod credentials;
mod error;
mod fetch;
mod outbound;
mod peer;
mod tls;
mod transport;
mod wire;

pub use certificate::Certificate;
pub use error::{ClientError, FetchError};
pub use fetch::{BODY_BYTES_MAX, FetchOptions, Fetched, Fetcher, within_limit};
pub use options::{Authorization, BasicAuth, ClientOptions, SecretSource, TlsOptions};
pub use outbound::{Outbound, Timeouts};
pub use peer::{Peer, TlsFailure, encrypt};

/// How we name ourselves to servers.
pub const USER_AGENT: &str = concat!("promlet/", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests;
