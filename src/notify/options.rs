//! Receivers of `alertmanager.yml`, checked; globals are already worked in. Texts marked "template" are Go templates.

mod chat;
mod own;
mod paging;

use std::path::PathBuf;

use crate::client::{ClientOptions, SecretSource, TlsOptions};
use crate::model::DurationMs;

pub use chat::{
    DiscordOptions, MattermostFields, MattermostMessage, MattermostOptions, MattermostPriority, MsteamsOptions, MsteamsV2Options,
    RocketAction, RocketchatOptions, TelegramOptions, WebexOptions, WechatOptions,
};
pub use own::{GotifyOptions, NtfyOptions};
pub use paging::{
    IncidentioOptions, JiraOptions, JiraText, OpsgenieOptions, PagerdutyImage, PagerdutyKey, PagerdutyLink, PagerdutyOptions,
    PushoverOptions, Responder, SnsOptions, SnsTarget, VictoropsOptions,
};

#[derive(Clone, Debug, Default)]
pub struct NotifyOptions {
    pub receivers: Vec<ReceiverOptions>,
    /// Files of `templates:`, globs expanded.
    pub templates: Vec<PathBuf>,
    /// Alertmanager's own default texts instead of ours (`promlet.yml`).
    pub upstream_texts: bool,
    /// No charts in mails and Slack's threads (`promlet.yml`).
    pub no_charts: bool,
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
    Email(Box<EmailOptions>),
    Slack(Box<SlackOptions>),
    Pagerduty(Box<PagerdutyOptions>),
    Opsgenie(Box<OpsgenieOptions>),
    Wechat(Box<WechatOptions>),
    Victorops(Box<VictoropsOptions>),
    Pushover(Box<PushoverOptions>),
    Sns(Box<SnsOptions>),
    Telegram(Box<TelegramOptions>),
    Discord(Box<DiscordOptions>),
    Webex(Box<WebexOptions>),
    Msteams(Box<MsteamsOptions>),
    MsteamsV2(Box<MsteamsV2Options>),
    Jira(Box<JiraOptions>),
    Rocketchat(Box<RocketchatOptions>),
    Mattermost(Box<MattermostOptions>),
    Incidentio(Box<IncidentioOptions>),
    Ntfy(Box<NtfyOptions>),
    Gotify(Box<GotifyOptions>),
}

/// What all that travels by HTTP have.
#[derive(Clone, Debug, Default)]
pub struct Sending {
    pub send_resolved: bool,
    pub client: ClientOptions,
    /// 0 means the group's own deadline.
    pub timeout: DurationMs,
}

impl Integration {
    /// The word in metrics, ledger and API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Email(_) => "email",
            Self::Slack(_) => "slack",
            Self::Pagerduty(_) => "pagerduty",
            Self::Opsgenie(_) => "opsgenie",
            Self::Wechat(_) => "wechat",
            Self::Victorops(_) => "victorops",
            Self::Pushover(_) => "pushover",
            Self::Sns(_) => "sns",
            Self::Telegram(_) => "telegram",
            Self::Discord(_) => "discord",
            Self::Webex(_) => "webex",
            Self::Msteams(_) => "msteams",
            Self::MsteamsV2(_) => "msteamsv2",
            Self::Jira(_) => "jira",
            Self::Rocketchat(_) => "rocketchat",
            Self::Mattermost(_) => "mattermost",
            Self::Incidentio(_) => "incidentio",
            Self::Ntfy(_) => "ntfy",
            Self::Gotify(_) => "gotify",
        }
    }

    pub fn send_resolved(&self) -> bool {
        match self {
            Self::Webhook(options) => options.sending.send_resolved,
            Self::Slack(options) => options.sending.send_resolved,
            Self::Email(options) => options.send_resolved,
            Self::Pagerduty(options) => options.sending.send_resolved,
            Self::Opsgenie(options) => options.sending.send_resolved,
            Self::Wechat(options) => options.sending.send_resolved,
            Self::Victorops(options) => options.sending.send_resolved,
            Self::Pushover(options) => options.sending.send_resolved,
            Self::Sns(options) => options.sending.send_resolved,
            Self::Telegram(options) => options.sending.send_resolved,
            Self::Discord(options) => options.sending.send_resolved,
            Self::Webex(options) => options.sending.send_resolved,
            Self::Msteams(options) => options.sending.send_resolved,
            Self::MsteamsV2(options) => options.sending.send_resolved,
            Self::Jira(options) => options.sending.send_resolved,
            Self::Rocketchat(options) => options.sending.send_resolved,
            Self::Mattermost(options) => options.sending.send_resolved,
            Self::Incidentio(options) => options.sending.send_resolved,
            Self::Ntfy(options) => options.sending.send_resolved,
            Self::Gotify(options) => options.sending.send_resolved,
        }
    }
}

#[derive(Clone, Debug)]
pub struct WebhookOptions {
    pub sending: Sending,
    /// Template.
    pub url: SecretSource,
    /// 0 means all.
    pub max_alerts: u64,
    /// A body of one's own, its texts templates; none for Alertmanager's.
    pub payload: Option<serde_json::Value>,
}

#[derive(Clone, Debug, Default)]
pub struct SlackOptions {
    pub sending: Sending,
    pub api_url: Option<SecretSource>,
    pub app_token: Option<SecretSource>,
    pub app_url: String,
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
    /// Later notifications of a group change the message instead of adding one (an app's token only).
    pub update_message: bool,
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
    /// For CRAM-MD5.
    pub auth_secret: Option<SecretSource>,
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
    /// How mails of a group are put into one thread.
    pub threading: Threading,
}

/// Which mails name the same ancestor in `References`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threading {
    /// All of a group: promlet's own way.
    #[default]
    Group,
    /// Alertmanager's `threading`: all of a group, or those of one day.
    Upstream { daily: bool },
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
