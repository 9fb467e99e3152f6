//! Receivers of `alertmanager.yml`, checked; globals are already worked in. Texts marked "template" are Go templates.

use std::path::PathBuf;

use crate::client::{ClientOptions, SecretSource, TlsOptions};
use crate::model::DurationMs;

#[derive(Clone, Debug, Default)]
pub struct NotifyOptions {
    pub receivers: Vec<ReceiverOptions>,
    /// Files of `templates:`, globs expanded.
    pub templates: Vec<PathBuf>,
    /// Alertmanager's own default texts instead of ours (`promlet.yml`).
    pub upstream_texts: bool,
}

#[derive(Clone, Debug)]
pub struct ReceiverOptions {
    pub name: String,
    pub integrations: Vec<Integration>,
}

/// In the order Alertmanager builds them; the index counts within a kind.
#[derive(Clone, Debug)]
pub enum Integration {
    Webhook(Box<WebhookOptions>),
    Slack(Box<SlackOptions>),
    Email(Box<EmailOptions>),
}

impl Integration {
    /// The word in metrics, ledger and API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "slack",
            Self::Email(_) => "email",
        }
    }

    pub fn send_resolved(&self) -> bool {
        match self {
            Self::Webhook(options) => options.send_resolved,
            Self::Slack(options) => options.send_resolved,
            Self::Email(options) => options.send_resolved,
        }
    }
}

#[derive(Clone, Debug)]
pub struct WebhookOptions {
    pub send_resolved: bool,
    /// Template.
    pub url: SecretSource,
    pub client: ClientOptions,
    /// 0 means all.
    pub max_alerts: u64,
    /// 0 means the group's own deadline.
    pub timeout: DurationMs,
}

#[derive(Clone, Debug)]
pub struct SlackOptions {
    pub send_resolved: bool,
    pub api_url: Option<SecretSource>,
    pub app_token: Option<SecretSource>,
    pub app_url: String,
    pub client: ClientOptions,
    pub timeout: DurationMs,
    /// All of these are templates; `None` where the configuration leaves them open.
    pub channel: Option<String>,
    pub username: Option<String>,
    pub color: Option<String>,
    pub title: Option<String>,
    pub title_link: Option<String>,
    pub pretext: Option<String>,
    pub text: Option<String>,
    pub message_text: Option<String>,
    pub fallback: Option<String>,
    pub footer: Option<String>,
    pub callback_id: Option<String>,
    pub icon_emoji: Option<String>,
    pub icon_url: Option<String>,
    pub image_url: Option<String>,
    pub thumb_url: Option<String>,
    pub link_names: bool,
    pub mrkdwn_in: Option<Vec<String>>,
    pub short_fields: bool,
    pub fields: Vec<SlackField>,
    pub actions: Vec<SlackAction>,
}

#[derive(Clone, Debug)]
pub struct SlackField {
    pub title: String,
    pub value: String,
    pub short: Option<bool>,
}

#[derive(Clone, Debug, Default)]
pub struct SlackAction {
    pub kind: String,
    pub text: String,
    pub url: String,
    pub style: String,
    pub name: String,
    pub value: String,
    pub confirm: Option<SlackConfirm>,
}

#[derive(Clone, Debug, Default)]
pub struct SlackConfirm {
    pub text: String,
    pub title: String,
    pub ok_text: String,
    pub dismiss_text: String,
}

#[derive(Clone, Debug)]
pub struct EmailOptions {
    pub send_resolved: bool,
    /// Template: comma-separated addresses.
    pub to: String,
    /// Template.
    pub from: String,
    pub smarthost_host: String,
    pub smarthost_port: u16,
    pub hello: String,
    pub auth_username: String,
    pub auth_password: Option<SecretSource>,
    pub auth_identity: String,
    pub require_tls: bool,
    /// Unset: implicit TLS on port 465 only.
    pub force_implicit_tls: Option<bool>,
    pub tls: TlsOptions,
    /// Header name and template, in the order of the file.
    pub headers: Vec<(String, String)>,
    /// Templates; `None` where the configuration leaves them open.
    pub html: Option<String>,
    pub text: Option<String>,
}

/// A text of the configuration that is rendered before it is needed.
#[derive(Clone, Copy, Debug)]
pub struct RehearsedText<'a> {
    pub text: &'a str,
    /// Values are escaped by their place in a page.
    pub html: bool,
    /// It is sent for resolved alerts too.
    pub resolved: bool,
}
