//! HTTP outwards: TLS, authentication and headers from the shared client options.

pub mod options;

pub use options::{Authorization, BasicAuth, ClientOptions, SecretSource, TlsOptions};
