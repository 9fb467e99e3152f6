//! The tables of webhook, Slack and email; the other receivers are in `other_fields`.

use crate::config::http_client::{HTTP_CONFIG, TLS};
use crate::yaml::{Field, Kind, Print, Section, field};

use super::other_fields as other;

/// What every integration begins with: `send_resolved` by its default, and the client.
pub static RESOLVED: &[Field] =
    &[field("send_resolved", Kind::Bool).default("true").always(), field("http_config", Kind::Section(&HTTP_CONFIG))];
pub static FIRING_ONLY: &[Field] = &[field("send_resolved", Kind::Bool).always(), field("http_config", Kind::Section(&HTTP_CONFIG))];

static EMAIL: Section = Section {
    name: "email config",
    fields: &[&[
        field("send_resolved", Kind::Bool).always(),
        field("to", Kind::Text),
        field("from", Kind::Text),
        field("hello", Kind::Text),
        field("smarthost", Kind::Text),
        field("auth_username", Kind::Text),
        field("auth_password", Kind::Secret),
        field("auth_password_file", Kind::Text),
        field("auth_secret", Kind::Secret),
        field("auth_secret_file", Kind::Text),
        field("auth_identity", Kind::Text),
        field("headers", Kind::Map(&Kind::Text)),
        field("html", Kind::Text).default("{{ template \"email.default.html\" . }}"),
        field("text", Kind::Text),
        field("require_tls", Kind::Bool).print(Print::IfSet),
        field("force_implicit_tls", Kind::Bool).print(Print::IfSet),
        field("tls_config", Kind::Section(&TLS)).print(Print::IfSet),
        field("threading", Kind::Section(&THREADING)),
    ]],
};

static THREADING: Section = Section { name: "threading", fields: &[&[field("enabled", Kind::Bool), field("thread_by_date", Kind::Text)]] };

static CONFIRM: Section = Section {
    name: "confirm",
    fields: &[&[field("text", Kind::Text), field("title", Kind::Text), field("ok_text", Kind::Text), field("dismiss_text", Kind::Text)]],
};

/// Buttons, as Slack and Rocket.Chat have them.
pub static ACTION: Section = Section {
    name: "action",
    fields: &[&[
        field("type", Kind::Text),
        field("text", Kind::Text),
        field("url", Kind::Text),
        field("style", Kind::Text),
        field("name", Kind::Text),
        field("value", Kind::Text),
        field("confirm", Kind::Section(&CONFIRM)),
    ]],
};

/// Short pairs below a message.
pub static MESSAGE_FIELD: Section = Section {
    name: "field",
    fields: &[&[field("title", Kind::Text), field("value", Kind::Text), field("short", Kind::Bool).print(Print::IfSet)]],
};

static SLACK: Section = Section {
    name: "slack config",
    fields: &[
        FIRING_ONLY,
        &[
            field("api_url", Kind::SecretUrl),
            field("api_url_file", Kind::Text),
            field("app_token", Kind::Secret),
            field("app_token_file", Kind::Text),
            field("app_url", Kind::Url),
            field("channel", Kind::Text),
            field("username", Kind::Text).default("{{ template \"slack.default.username\" . }}"),
            field("color", Kind::Text).default("{{ template \"slack.default.color\" . }}"),
            field("title", Kind::Text).default("{{ template \"slack.default.title\" . }}"),
            field("title_link", Kind::Text).default("{{ template \"slack.default.titlelink\" . }}"),
            field("pretext", Kind::Text).default("{{ template \"slack.default.pretext\" . }}"),
            field("text", Kind::Text).default("{{ template \"slack.default.text\" . }}"),
            field("message_text", Kind::Text),
            field("fields", Kind::List(&Kind::Section(&MESSAGE_FIELD))),
            field("short_fields", Kind::Bool).always(),
            field("footer", Kind::Text).default("{{ template \"slack.default.footer\" . }}"),
            field("fallback", Kind::Text).default("{{ template \"slack.default.fallback\" . }}"),
            field("callback_id", Kind::Text).default("{{ template \"slack.default.callbackid\" . }}"),
            field("icon_emoji", Kind::Text).default("{{ template \"slack.default.iconemoji\" . }}"),
            field("icon_url", Kind::Text).default("{{ template \"slack.default.iconurl\" . }}"),
            field("image_url", Kind::Text),
            field("thumb_url", Kind::Text),
            field("link_names", Kind::Bool).always(),
            field("mrkdwn_in", Kind::List(&Kind::Text)),
            field("actions", Kind::List(&Kind::Section(&ACTION))),
            field("update_message", Kind::Bool).always(),
            field("timeout", Kind::GoDuration).always(),
        ],
    ],
};

static WEBHOOK: Section = Section {
    name: "webhook config",
    fields: &[
        RESOLVED,
        &[
            field("url", Kind::Secret),
            field("url_file", Kind::Text).always(),
            field("max_alerts", Kind::Count).always(),
            field("timeout", Kind::GoDuration).always(),
            field("payload", Kind::Any),
        ],
    ],
};

pub static RECEIVER: Section = Section {
    name: "receiver",
    fields: &[&[
        field("name", Kind::Text).always(),
        field("labels", Kind::Map(&Kind::Text)),
        field("discord_configs", Kind::List(&Kind::Section(&other::DISCORD))),
        field("email_configs", Kind::List(&Kind::Section(&EMAIL))),
        field("incidentio_configs", Kind::List(&Kind::Section(&other::INCIDENTIO))),
        field("pagerduty_configs", Kind::List(&Kind::Section(&other::PAGERDUTY))),
        field("slack_configs", Kind::List(&Kind::Section(&SLACK))),
        field("webhook_configs", Kind::List(&Kind::Section(&WEBHOOK))),
        field("opsgenie_configs", Kind::List(&Kind::Section(&other::OPSGENIE))),
        field("wechat_configs", Kind::List(&Kind::Section(&other::WECHAT))),
        field("pushover_configs", Kind::List(&Kind::Section(&other::PUSHOVER))),
        field("victorops_configs", Kind::List(&Kind::Section(&other::VICTOROPS))),
        field("sns_configs", Kind::List(&Kind::Section(&other::SNS))),
        field("telegram_configs", Kind::List(&Kind::Section(&other::TELEGRAM))),
        field("webex_configs", Kind::List(&Kind::Section(&other::WEBEX))),
        field("msteams_configs", Kind::List(&Kind::Section(&other::MSTEAMS))),
        field("msteamsv2_configs", Kind::List(&Kind::Section(&other::MSTEAMSV2))),
        field("jira_configs", Kind::List(&Kind::Section(&other::JIRA))),
        field("rocketchat_configs", Kind::List(&Kind::Section(&other::ROCKETCHAT))),
        field("mattermost_configs", Kind::List(&Kind::Section(&other::MATTERMOST))),
    ]],
};
