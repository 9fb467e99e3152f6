//! Receivers that Alertmanager does not know: they stand in `promlet.yml`. Texts are templates.

use super::Sending;
use crate::client::SecretSource;

#[derive(Clone, Debug)]
pub struct NtfyOptions {
    pub sending: Sending,
    /// The server, without the topic.
    pub url: String,
    pub topic: String,
    pub token: Option<SecretSource>,
    pub title: Option<String>,
    pub message: Option<String>,
    /// 1 to 5; left open it follows the severity.
    pub priority: Option<String>,
    /// Comma-separated.
    pub tags: Option<String>,
    pub click: Option<String>,
}

#[derive(Clone, Debug)]
pub struct GotifyOptions {
    pub sending: Sending,
    pub url: String,
    /// Of the application.
    pub token: SecretSource,
    pub title: Option<String>,
    pub message: Option<String>,
    /// 0 to 10; left open it follows the severity.
    pub priority: Option<String>,
}
