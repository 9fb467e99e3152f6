//! One `heartbeat` of `promlet.yml`, checked and with defaults.

use crate::client::{ClientOptions, SecretSource};
use crate::model::DurationMs;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartbeatOptions {
    /// For figures, pages and the log; no two have the same.
    pub name: String,
    /// Asked every interval while promlet works. Secret, since the address is what such services know one by.
    pub url: SecretSource,
    /// Asked instead while promlet runs and does not work.
    pub fail_url: Option<SecretSource>,
    pub method: Method,
    pub interval: DurationMs,
    /// Of one request; not longer than the interval.
    pub timeout: DurationMs,
    pub client: ClientOptions,
}
