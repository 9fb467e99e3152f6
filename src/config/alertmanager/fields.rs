//! The tables of `alertmanager.yml` but for the receivers, in the order in which Alertmanager prints them.

use crate::config::http_client::{HEADER, HTTP_CONFIG, TLS};
use crate::yaml::{Field, Kind, Print, Section, Words, field};

use super::receiver_fields::RECEIVER;

static GLOBAL_FIELDS: &[Field] = &[
    field("resolve_timeout", Kind::Duration).default("5m").always(),
    field("http_config", Kind::Section(&HTTP_CONFIG)).print(Print::Filled),
    field("jira_api_url", Kind::Url),
    field("smtp_from", Kind::Text),
    field("smtp_hello", Kind::Text).default("localhost"),
    field("smtp_smarthost", Kind::Text),
    field("smtp_auth_username", Kind::Text),
    field("smtp_auth_password", Kind::Secret),
    field("smtp_auth_password_file", Kind::Text),
    field("smtp_auth_secret", Kind::Secret),
    field("smtp_auth_secret_file", Kind::Text),
    field("smtp_auth_identity", Kind::Text),
    field("smtp_require_tls", Kind::Bool).default("true").always(),
    field("smtp_tls_config", Kind::Section(&TLS)).print(Print::Filled),
    field("smtp_force_implicit_tls", Kind::Bool).print(Print::IfSet),
    field("slack_api_url", Kind::SecretUrl),
    field("slack_api_url_file", Kind::Text),
    field("slack_app_token", Kind::Secret),
    field("slack_app_token_file", Kind::Text),
    field("slack_app_url", Kind::Url).default("https://slack.com/api/chat.postMessage"),
    field("pagerduty_url", Kind::Url).default("https://events.pagerduty.com/v2/enqueue"),
    field("opsgenie_api_url", Kind::Url).default("https://api.opsgenie.com/"),
    field("opsgenie_api_key", Kind::Secret),
    field("opsgenie_api_key_file", Kind::Text),
    field("wechat_api_url", Kind::Url).default("https://qyapi.weixin.qq.com/cgi-bin/"),
    field("wechat_api_secret", Kind::Secret),
    field("wechat_api_secret_file", Kind::Text),
    field("wechat_api_corp_id", Kind::Text),
    field("victorops_api_url", Kind::Url).default("https://alert.victorops.com/integrations/generic/20131114/alert/"),
    field("victorops_api_key", Kind::Secret),
    field("victorops_api_key_file", Kind::Text),
    field("telegram_api_url", Kind::Url).default("https://api.telegram.org"),
    field("telegram_bot_token", Kind::Secret),
    field("telegram_bot_token_file", Kind::Text),
    field("webex_api_url", Kind::Url).default("https://webexapis.com/v1/messages"),
    field("rocketchat_api_url", Kind::Url).default("https://open.rocket.chat/"),
    field("rocketchat_token", Kind::Secret),
    field("rocketchat_token_file", Kind::Text),
    field("rocketchat_token_id", Kind::Secret),
    field("rocketchat_token_id_file", Kind::Text),
    field("mattermost_webhook_url", Kind::SecretUrl),
    field("mattermost_webhook_url_file", Kind::Text),
];

pub static GLOBAL: Section = Section { name: "global", fields: &[GLOBAL_FIELDS] };

/// Route timers stand at the end, as Alertmanager prints them.
pub static ROUTE: Section = Section {
    name: "route",
    fields: &[&[
        field("receiver", Kind::Text),
        field("group_by", Kind::List(&Kind::Text)),
        field("match", Kind::Map(&Kind::Text)),
        field("match_re", Kind::Map(&Kind::Regex)),
        field("matchers", Kind::List(&Kind::Text)),
        field("mute_time_intervals", Kind::List(&Kind::Text)),
        field("active_time_intervals", Kind::List(&Kind::Text)),
        field("continue", Kind::Bool).always(),
        field("labels", Kind::Map(&Kind::Text)),
        field("routes", Kind::List(&Kind::Section(&ROUTE))),
        field("group_wait", Kind::Duration).print(Print::IfSet),
        field("group_interval", Kind::Duration).print(Print::IfSet),
        field("repeat_interval", Kind::Duration).print(Print::IfSet),
    ]],
};

static INHIBIT_RULE: Section = Section {
    name: "inhibit rule",
    fields: &[&[
        field("name", Kind::Text),
        field("source_match", Kind::Map(&Kind::Text)),
        field("source_match_re", Kind::Map(&Kind::Regex)),
        field("source_matchers", Kind::List(&Kind::Text)),
        field("target_match", Kind::Map(&Kind::Text)),
        field("target_match_re", Kind::Map(&Kind::Regex)),
        field("target_matchers", Kind::List(&Kind::Text)),
        field("equal", Kind::List(&Kind::Text)),
    ]],
};

static TIME_RANGE: Section =
    Section { name: "time range", fields: &[&[field("start_time", Kind::Text).always(), field("end_time", Kind::Text).always()]] };

static TIME_INTERVAL: Section = Section {
    name: "time interval",
    fields: &[&[
        field("times", Kind::List(&Kind::Section(&TIME_RANGE))),
        field("weekdays", Kind::List(&Kind::Text)).print(Print::Flow),
        field("days_of_month", Kind::List(&Kind::Text)).print(Print::Flow),
        field("months", Kind::List(&Kind::Text)).print(Print::Flow),
        field("years", Kind::List(&Kind::Text)).print(Print::Flow),
        field("location", Kind::Text),
    ]],
};

static NAMED_INTERVALS: Section = Section {
    name: "time interval section",
    fields: &[&[field("name", Kind::Text).always(), field("time_intervals", Kind::List(&Kind::Section(&TIME_INTERVAL))).always()]],
};

static TRACING_CLIENT: Words = Words { name: "tracing client type", words: &["http", "grpc"], any_case: false };
static COMPRESSION: Words = Words { name: "compression type", words: &["", "gzip"], any_case: false };

static TRACING: Section = Section {
    name: "tracing",
    fields: &[&[
        field("client_type", Kind::Word(&TRACING_CLIENT)).default("grpc"),
        field("endpoint", Kind::Text),
        field("sampling_fraction", Kind::Float),
        field("insecure", Kind::Bool),
        field("tls_config", Kind::Section(&TLS)),
        field("headers", Kind::Map(&Kind::Section(&HEADER))),
        field("compression", Kind::Word(&COMPRESSION)),
        field("timeout", Kind::Duration),
    ]],
};

static FILE_OUTPUT: Section = Section { name: "file output", fields: &[&[field("path", Kind::Text).always()]] };
static WEBHOOK_OUTPUT: Section = Section {
    name: "webhook output",
    fields: &[&[
        field("url", Kind::SecretUrl).always(),
        field("http_config", Kind::Section(&HTTP_CONFIG)),
        field("timeout", Kind::Duration),
        field("workers", Kind::Int),
        field("max_retries", Kind::Int),
        field("retry_backoff", Kind::Duration),
    ]],
};
static KAFKA_OUTPUT: Section = Section {
    name: "kafka output",
    fields: &[&[
        field("brokers", Kind::List(&Kind::Text)).always(),
        field("topic", Kind::Text).always(),
        field("client_id", Kind::Text),
        field("acks", Kind::Text),
        field("compression", Kind::Text),
        field("format", Kind::Text),
        field("buffer_size", Kind::Int),
        field("tls_config", Kind::Section(&TLS)),
    ]],
};
static EVENT_RECORDER: Section = Section {
    name: "event recorder",
    fields: &[&[
        field("file_outputs", Kind::List(&Kind::Section(&FILE_OUTPUT))),
        field("webhook_outputs", Kind::List(&Kind::Section(&WEBHOOK_OUTPUT))),
        field("kafka_outputs", Kind::List(&Kind::Section(&KAFKA_OUTPUT))),
    ]],
};

/// The whole file.
pub static ALERTMANAGER: Section = Section {
    name: "alertmanager.yml",
    fields: &[&[
        field("global", Kind::Section(&GLOBAL)).print(Print::Filled),
        field("route", Kind::Section(&ROUTE)),
        field("inhibit_rules", Kind::List(&Kind::Section(&INHIBIT_RULE))),
        field("receivers", Kind::List(&Kind::Section(&RECEIVER))),
        field("templates", Kind::List(&Kind::Path)).always(),
        field("mute_time_intervals", Kind::List(&Kind::Section(&NAMED_INTERVALS))),
        field("time_intervals", Kind::List(&Kind::Section(&NAMED_INTERVALS))),
        field("tracing", Kind::Section(&TRACING)).idle(),
        field("event_recorder", Kind::Section(&EVENT_RECORDER)).idle(),
    ]],
};
