//! The tables of all receivers but webhook, Slack and email.

use crate::yaml::{Kind, Print, Section, field};

use super::receiver_fields::{FIRING_ONLY, MESSAGE_FIELD, RESOLVED};

static IMAGE: Section =
    Section { name: "image", fields: &[&[field("href", Kind::Text), field("src", Kind::Text), field("alt", Kind::Text)]] };

static LINK: Section = Section { name: "link", fields: &[&[field("href", Kind::Text), field("text", Kind::Text)]] };

static RESPONDER: Section = Section {
    name: "responder",
    fields: &[&[field("id", Kind::Text), field("name", Kind::Text), field("username", Kind::Text), field("type", Kind::Text)]],
};

static ROCKET_ACTION: Section = Section {
    name: "action",
    fields: &[&[
        field("type", Kind::Text).always(),
        field("text", Kind::Text).always(),
        field("url", Kind::Text).always(),
        field("imageurl", Kind::Text).always(),
        field("iswebview", Kind::Bool).always(),
        field("webviewheightratio", Kind::Text).always(),
        field("msg", Kind::Text).always(),
        field("msginchatwindow", Kind::Bool).always(),
        field("msgprocessingtype", Kind::Text).always(),
    ]],
};

static ROCKET_FIELD: Section = Section {
    name: "field",
    fields: &[&[field("short", Kind::Bool).print(Print::OrNull), field("title", Kind::Text).always(), field("value", Kind::Text).always()]],
};

static SIGV4: Section = Section {
    name: "sigv4",
    fields: &[&[
        field("region", Kind::Text),
        field("access_key", Kind::Text),
        field("secret_key", Kind::Secret),
        field("profile", Kind::Text),
        field("role_arn", Kind::Text).idle(),
        field("external_id", Kind::Text).idle(),
        field("use_fips_sts_endpoint", Kind::Bool).idle(),
        field("service_name", Kind::Text).idle(),
    ]],
};

static PROPS: Section = Section { name: "props", fields: &[&[field("card", Kind::Text).print(Print::IfSet)]] };

static PRIORITY: Section = Section {
    name: "priority",
    fields: &[&[field("priority", Kind::Text), field("requested_ack", Kind::Bool), field("persistent_notifications", Kind::Bool)]],
};

pub static DISCORD: Section = Section {
    name: "discord config",
    fields: &[
        RESOLVED,
        &[
            field("webhook_url", Kind::SecretUrl),
            field("webhook_url_file", Kind::Text),
            field("content", Kind::Text),
            field("title", Kind::Text).default("{{ template \"discord.default.title\" . }}"),
            field("message", Kind::Text).default("{{ template \"discord.default.message\" . }}"),
            field("username", Kind::Text),
            field("avatar_url", Kind::Text),
        ],
    ],
};

pub static INCIDENTIO: Section = Section {
    name: "incidentio config",
    fields: &[
        RESOLVED,
        &[
            field("url", Kind::Url),
            field("url_file", Kind::Text).always(),
            field("alert_source_token", Kind::Secret),
            field("alert_source_token_file", Kind::Text),
            field("max_alerts", Kind::Count).always(),
            field("timeout", Kind::GoDuration).always(),
        ],
    ],
};

pub static PAGERDUTY: Section = Section {
    name: "pagerduty config",
    fields: &[
        RESOLVED,
        &[
            field("service_key", Kind::Secret),
            field("service_key_file", Kind::Text),
            field("routing_key", Kind::Secret),
            field("routing_key_file", Kind::Text),
            field("url", Kind::Url),
            field("client", Kind::Text).default("{{ template \"pagerduty.default.client\" . }}"),
            field("client_url", Kind::Text).default("{{ template \"pagerduty.default.clientURL\" . }}"),
            field("description", Kind::Text).default("{{ template \"pagerduty.default.description\" .}}"),
            field("details", Kind::Map(&Kind::Any)),
            field("images", Kind::List(&Kind::Section(&IMAGE))),
            field("links", Kind::List(&Kind::Section(&LINK))),
            field("source", Kind::Text).default("{{ template \"pagerduty.default.client\" . }}"),
            field("severity", Kind::Text),
            field("class", Kind::Text),
            field("component", Kind::Text),
            field("group", Kind::Text),
            field("timeout", Kind::GoDuration).always(),
        ],
    ],
};

pub static OPSGENIE: Section = Section {
    name: "opsgenie config",
    fields: &[
        RESOLVED,
        &[
            field("api_key", Kind::Secret),
            field("api_key_file", Kind::Text),
            field("api_url", Kind::Url),
            field("message", Kind::Text).default("{{ template \"opsgenie.default.message\" . }}"),
            field("description", Kind::Text).default("{{ template \"opsgenie.default.description\" . }}"),
            field("source", Kind::Text).default("{{ template \"opsgenie.default.source\" . }}"),
            field("details", Kind::Map(&Kind::Text)),
            field("entity", Kind::Text),
            field("responders", Kind::List(&Kind::Section(&RESPONDER))),
            field("actions", Kind::Text),
            field("tags", Kind::Text),
            field("note", Kind::Text),
            field("priority", Kind::Text),
            field("update_alerts", Kind::Bool),
        ],
    ],
};

pub static WECHAT: Section = Section {
    name: "wechat config",
    fields: &[
        FIRING_ONLY,
        &[
            field("api_secret", Kind::Secret),
            field("api_secret_file", Kind::Text),
            field("corp_id", Kind::Text),
            field("message", Kind::Text).default("{{ template \"wechat.default.message\" . }}"),
            field("api_url", Kind::Url),
            field("to_user", Kind::Text).default("{{ template \"wechat.default.to_user\" . }}"),
            field("to_party", Kind::Text).default("{{ template \"wechat.default.to_party\" . }}"),
            field("to_tag", Kind::Text).default("{{ template \"wechat.default.to_tag\" . }}"),
            field("agent_id", Kind::Text).default("{{ template \"wechat.default.agent_id\" . }}"),
            field("message_type", Kind::Text).default("text"),
        ],
    ],
};

pub static PUSHOVER: Section = Section {
    name: "pushover config",
    fields: &[
        RESOLVED,
        &[
            field("user_key", Kind::Secret),
            field("user_key_file", Kind::Text),
            field("token", Kind::Secret),
            field("token_file", Kind::Text),
            field("title", Kind::Text).default("{{ template \"pushover.default.title\" . }}"),
            field("message", Kind::Text).default("{{ template \"pushover.default.message\" . }}"),
            field("url", Kind::Text).default("{{ template \"pushover.default.url\" . }}"),
            field("url_title", Kind::Text),
            field("device", Kind::Text),
            field("sound", Kind::Text),
            field("priority", Kind::Text).default("{{ if eq .Status \"firing\" }}2{{ else }}0{{ end }}"),
            field("retry", Kind::GoDuration).default("1m"),
            field("expire", Kind::GoDuration).default("1h"),
            field("ttl", Kind::GoDuration),
            field("html", Kind::Bool),
            field("monospace", Kind::Bool),
        ],
    ],
};

pub static VICTOROPS: Section = Section {
    name: "victorops config",
    fields: &[
        RESOLVED,
        &[
            field("api_key", Kind::Secret),
            field("api_key_file", Kind::Text),
            field("api_url", Kind::Url),
            field("routing_key", Kind::Text).always(),
            field("message_type", Kind::Text).default("CRITICAL"),
            field("state_message", Kind::Text).default("{{ template \"victorops.default.state_message\" . }}"),
            field("entity_display_name", Kind::Text).default("{{ template \"victorops.default.entity_display_name\" . }}"),
            field("monitoring_tool", Kind::Text).default("{{ template \"victorops.default.monitoring_tool\" . }}"),
            field("custom_fields", Kind::Map(&Kind::Text)),
        ],
    ],
};

pub static SNS: Section = Section {
    name: "sns config",
    fields: &[
        RESOLVED,
        &[
            field("api_url", Kind::Text),
            field("sigv4", Kind::Section(&SIGV4)),
            field("use_aws_http_client", Kind::Bool).idle(),
            field("topic_arn", Kind::Text),
            field("phone_number", Kind::Text),
            field("target_arn", Kind::Text),
            field("subject", Kind::Text).default("{{ template \"sns.default.subject\" . }}"),
            field("message", Kind::Text).default("{{ template \"sns.default.message\" . }}"),
            field("attributes", Kind::Map(&Kind::Text)),
        ],
    ],
};

pub static TELEGRAM: Section = Section {
    name: "telegram config",
    fields: &[
        RESOLVED,
        &[
            field("api_url", Kind::Url),
            field("bot_token", Kind::Secret),
            field("bot_token_file", Kind::Text),
            field("chat_id", Kind::Int),
            field("chat_id_file", Kind::Text),
            field("message_thread_id", Kind::Int),
            field("message", Kind::Text).default("{{ template \"telegram.default.message\" . }}"),
            field("disable_notifications", Kind::Bool),
            field("parse_mode", Kind::Text).default("HTML"),
        ],
    ],
};

pub static WEBEX: Section = Section {
    name: "webex config",
    fields: &[
        RESOLVED,
        &[
            field("api_url", Kind::Url),
            field("message", Kind::Text).default("{{ template \"webex.default.message\" . }}"),
            field("room_id", Kind::Text).always(),
        ],
    ],
};

pub static MSTEAMS: Section = Section {
    name: "msteams config",
    fields: &[
        RESOLVED,
        &[
            field("webhook_url", Kind::SecretUrl),
            field("webhook_url_file", Kind::Text),
            field("title", Kind::Text).default("{{ template \"msteams.default.title\" . }}"),
            field("summary", Kind::Text).default("{{ template \"msteams.default.summary\" . }}"),
            field("text", Kind::Text).default("{{ template \"msteams.default.text\" . }}"),
        ],
    ],
};

pub static MSTEAMSV2: Section = Section {
    name: "msteamsv2 config",
    fields: &[
        RESOLVED,
        &[
            field("webhook_url", Kind::SecretUrl),
            field("webhook_url_file", Kind::Text),
            field("title", Kind::Text).default("{{ template \"msteamsv2.default.title\" . }}"),
            field("text", Kind::Text).default("{{ template \"msteamsv2.default.text\" . }}"),
        ],
    ],
};

pub static JIRA: Section = Section {
    name: "jira config",
    fields: &[
        RESOLVED,
        &[
            field("api_url", Kind::Url),
            field("api_type", Kind::Text).default("auto"),
            field("project", Kind::Text),
            field("summary", Kind::Any),
            field("description", Kind::Any),
            field("labels", Kind::List(&Kind::Text)),
            field("priority", Kind::Text).default("{{ template \"jira.default.priority\" . }}"),
            field("issue_type", Kind::Text),
            field("reopen_transition", Kind::Text),
            field("resolve_transition", Kind::Text),
            field("wont_fix_resolution", Kind::Text),
            field("reopen_duration", Kind::Duration),
            field("fields", Kind::Map(&Kind::Any)),
        ],
    ],
};

pub static ROCKETCHAT: Section = Section {
    name: "rocketchat config",
    fields: &[
        FIRING_ONLY,
        &[
            field("api_url", Kind::Url),
            field("token_id", Kind::Secret),
            field("token_id_file", Kind::Text),
            field("token", Kind::Secret),
            field("token_file", Kind::Text),
            field("channel", Kind::Text),
            field("color", Kind::Text).default("{{ if eq .Status \"firing\" }}red{{ else }}green{{ end }}"),
            field("title", Kind::Text).default("{{ template \"rocketchat.default.title\" . }}"),
            field("title_link", Kind::Text).default("{{ template \"rocketchat.default.titlelink\" . }}"),
            field("text", Kind::Text).default("{{ template \"rocketchat.default.text\" . }}"),
            field("fields", Kind::List(&Kind::Section(&ROCKET_FIELD))),
            field("short_fields", Kind::Bool).always(),
            field("emoji", Kind::Text).default("{{ template \"rocketchat.default.emoji\" . }}"),
            field("icon_url", Kind::Text).default("{{ template \"rocketchat.default.iconurl\" . }}"),
            field("image_url", Kind::Text),
            field("thumb_url", Kind::Text),
            field("link_names", Kind::Bool).always(),
            field("actions", Kind::List(&Kind::Section(&ROCKET_ACTION))),
        ],
    ],
};

static ATTACHMENT: Section = Section {
    name: "attachment",
    fields: &[&[
        field("fallback", Kind::Text),
        field("color", Kind::Text),
        field("pretext", Kind::Text),
        field("text", Kind::Text),
        field("author_name", Kind::Text),
        field("author_link", Kind::Text),
        field("author_icon", Kind::Text),
        field("title", Kind::Text),
        field("title_link", Kind::Text),
        field("fields", Kind::List(&Kind::Section(&MESSAGE_FIELD))),
        field("thumb_url", Kind::Text),
        field("footer", Kind::Text),
        field("footer_icon", Kind::Text),
        field("image_url", Kind::Text),
    ]],
};

/// Jira's summary and description where they are more than a text.
pub static JIRA_TEXT: Section =
    Section { name: "field", fields: &[&[field("template", Kind::Text), field("enable_update", Kind::Bool).print(Print::IfSet)]] };

pub static MATTERMOST: Section = Section {
    name: "mattermost config",
    fields: &[
        RESOLVED,
        &[
            field("webhook_url", Kind::SecretUrl),
            field("webhook_url_file", Kind::Text),
            field("channel", Kind::Text),
            field("username", Kind::Text).default("{{ template \"mattermost.default.username\" . }}"),
            field("text", Kind::Text).default("{{ template \"mattermost.default.text\" . }}"),
            field("fallback", Kind::Text).default("{{ template \"mattermost.default.fallback\" . }}"),
            field("color", Kind::Text).default("{{ template \"mattermost.default.color\" . }}"),
            field("pretext", Kind::Text),
            field("author_name", Kind::Text),
            field("author_link", Kind::Text),
            field("author_icon", Kind::Text),
            field("title", Kind::Text).default("{{ template \"mattermost.default.title\" . }}"),
            field("title_link", Kind::Text).default("{{ template \"mattermost.default.titlelink\" . }}"),
            field("fields", Kind::List(&Kind::Section(&MESSAGE_FIELD))),
            field("thumb_url", Kind::Text),
            field("footer", Kind::Text),
            field("footer_icon", Kind::Text),
            field("image_url", Kind::Text),
            field("icon_url", Kind::Text),
            field("icon_emoji", Kind::Text),
            field("attachments", Kind::List(&Kind::Section(&ATTACHMENT))),
            field("type", Kind::Text),
            field("props", Kind::Section(&PROPS)),
            field("priority", Kind::Section(&PRIORITY)),
        ],
    ],
};
