//! What integrations take over from `global`, and what each of them needs: data, walked the same way for all.

use crate::config::http_client::{at_most_one, has_authorization};
use crate::yaml::{Node, Problems, check::default_of};

use super::fields::GLOBAL;

/// One kind of integration.
pub struct Integration {
    pub key: &'static str,
    /// Own key and the global one that stands in for it; groups with a file twin are taken over together.
    inherits: &'static [(&'static str, &'static str)],
    /// Keys with a `_file` twin: at most one of the two.
    twins: &'static [&'static str],
    /// At least one of the keys, or the sentence.
    needs: &'static [(&'static [&'static str], &'static str)],
}

const fn kind(key: &'static str) -> Integration {
    Integration { key, inherits: &[], twins: &[], needs: &[] }
}

const WEBHOOK_NEEDS: &[(&[&str], &str)] =
    &[(&["webhook_url", "webhook_url_file"], "one of webhook_url or webhook_url_file must be configured")];

/// All kinds; the order is that of the table of receivers.
pub static INTEGRATIONS: [Integration; 18] = [
    Integration { twins: &["webhook_url"], needs: WEBHOOK_NEEDS, ..kind("discord_configs") },
    Integration {
        inherits: &[
            ("smarthost", "smtp_smarthost"),
            ("from", "smtp_from"),
            ("hello", "smtp_hello"),
            ("auth_username", "smtp_auth_username"),
            ("auth_password", "smtp_auth_password"),
            ("auth_secret", "smtp_auth_secret"),
            ("auth_identity", "smtp_auth_identity"),
            ("require_tls", "smtp_require_tls"),
            ("force_implicit_tls", "smtp_force_implicit_tls"),
            ("tls_config", "smtp_tls_config"),
        ],
        // Where a receiver has both, the file counts.
        twins: &[],
        needs: &[
            (&["to"], "missing to address in email config"),
            (&["smarthost"], "no global SMTP smarthost set"),
            (&["from"], "no global SMTP from set"),
        ],
        ..kind("email_configs")
    },
    Integration {
        twins: &["url", "alert_source_token"],
        needs: &[(&["url", "url_file"], "one of url or url_file must be configured")],
        ..kind("incidentio_configs")
    },
    Integration {
        inherits: &[("url", "pagerduty_url")],
        twins: &["routing_key", "service_key"],
        needs: &[
            (&["routing_key", "service_key", "routing_key_file", "service_key_file"], "missing service or routing key in PagerDuty config"),
            (&["url"], "no global PagerDuty URL set"),
        ],
        ..kind("pagerduty_configs")
    },
    Integration { twins: &["api_url", "app_token"], ..kind("slack_configs") },
    Integration {
        twins: &["url"],
        needs: &[(&["url", "url_file"], "one of url or url_file must be configured")],
        ..kind("webhook_configs")
    },
    Integration {
        inherits: &[("api_url", "opsgenie_api_url"), ("api_key", "opsgenie_api_key")],
        twins: &["api_key"],
        needs: &[
            (&["api_url"], "no global OpsGenie URL set"),
            (&["api_key", "api_key_file"], "no global OpsGenie API Key set either inline or in a file"),
        ],
        ..kind("opsgenie_configs")
    },
    Integration {
        inherits: &[("api_url", "wechat_api_url"), ("api_secret", "wechat_api_secret"), ("corp_id", "wechat_api_corp_id")],
        twins: &["api_secret"],
        needs: &[
            (&["api_url"], "no global Wechat URL set"),
            (&["api_secret", "api_secret_file"], "no global Wechat Api Secret set either inline or in a file"),
            (&["corp_id"], "no global Wechat CorpID set"),
        ],
        ..kind("wechat_configs")
    },
    Integration {
        twins: &["user_key", "token"],
        needs: &[
            (&["user_key", "user_key_file"], "one of user_key or user_key_file must be configured"),
            (&["token", "token_file"], "one of token or token_file must be configured"),
        ],
        ..kind("pushover_configs")
    },
    Integration {
        inherits: &[("api_url", "victorops_api_url"), ("api_key", "victorops_api_key")],
        twins: &["api_key"],
        needs: &[
            (&["routing_key"], "missing Routing key in VictorOps config"),
            (&["api_url"], "no global VictorOps URL set"),
            (&["api_key", "api_key_file"], "no global VictorOps API Key set"),
        ],
        ..kind("victorops_configs")
    },
    Integration {
        needs: &[(
            &["target_arn", "topic_arn", "phone_number"],
            "must provide either a Target ARN, Topic ARN, or Phone Number for SNS config",
        )],
        ..kind("sns_configs")
    },
    Integration {
        inherits: &[("api_url", "telegram_api_url"), ("bot_token", "telegram_bot_token")],
        twins: &["bot_token", "chat_id"],
        needs: &[
            (&["bot_token", "bot_token_file"], "missing bot_token or bot_token_file on telegram_config"),
            (&["chat_id", "chat_id_file"], "missing chat_id or chat_id_file on telegram_config"),
        ],
        ..kind("telegram_configs")
    },
    Integration {
        inherits: &[("api_url", "webex_api_url")],
        needs: &[(&["room_id"], "missing room_id on webex_config"), (&["api_url"], "no global Webex URL set")],
        ..kind("webex_configs")
    },
    Integration { twins: &["webhook_url"], needs: WEBHOOK_NEEDS, ..kind("msteams_configs") },
    Integration { twins: &["webhook_url"], needs: WEBHOOK_NEEDS, ..kind("msteamsv2_configs") },
    Integration {
        inherits: &[("api_url", "jira_api_url")],
        needs: &[
            (&["api_url"], "no global Jira Cloud URL set"),
            (&["project"], "missing project in jira_config"),
            (&["issue_type"], "missing issue_type in jira_config"),
        ],
        ..kind("jira_configs")
    },
    Integration {
        inherits: &[("api_url", "rocketchat_api_url"), ("token", "rocketchat_token"), ("token_id", "rocketchat_token_id")],
        twins: &["token", "token_id"],
        needs: &[
            (&["token", "token_file"], "no global Rocketchat Token set either inline or in a file"),
            (&["token_id", "token_id_file"], "no global Rocketchat TokenID set either inline or in a file"),
        ],
        ..kind("rocketchat_configs")
    },
    Integration {
        inherits: &[("webhook_url", "mattermost_webhook_url")],
        twins: &["webhook_url"],
        needs: &[(&["webhook_url", "webhook_url_file"], "no global Mattermost Webhook URL set either inline or in a file")],
        ..kind("mattermost_configs")
    },
];

/// Global keys with a file twin.
const GLOBAL_TWINS: [&str; 10] = [
    "slack_api_url",
    "slack_app_token",
    "opsgenie_api_key",
    "victorops_api_key",
    "smtp_auth_password",
    "smtp_auth_secret",
    "rocketchat_token",
    "rocketchat_token_id",
    "telegram_bot_token",
    "mattermost_webhook_url",
];

fn check_twins(node: &Node, keys: &[&str], problems: &mut Problems<'_>) {
    for key in keys {
        let file = format!("{key}_file");
        at_most_one(node, &[key, &file], &format!("at most one of {key} & {file} must be configured"), problems);
    }
}

/// The rules of `global` itself.
pub fn check_global(global: &Node, problems: &mut Problems<'_>) {
    check_twins(global, &GLOBAL_TWINS, problems);
    check_twins(global, &["wechat_api_secret"], problems);
    let set = |key: &str| global.text(key).is_some() || global.text(&format!("{key}_file")).is_some();
    let app_url = global_value(global, "slack_app_url");
    let is_app = global.text("slack_api_url").is_some_and(|url| app_url.as_ref().and_then(Node::as_text) == Some(url));
    if set("slack_app_token") && set("slack_api_url") && !is_app {
        let message = "at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file must be configured";
        problems.error(global.key_span("slack_app_token"), message);
    }
}

/// A global value, or its default.
pub fn global_value(global: &Node, key: &str) -> Option<Node> {
    let default = || GLOBAL.field(key).and_then(default_of);
    global.get(key).cloned().or_else(default)
}

/// Works the globals into one integration's tree and checks what it needs.
pub fn complete(node: &mut Node, kind: &Integration, global: &Node, problems: &mut Problems<'_>) {
    check_twins(node, kind.twins, problems);
    if kind.key != "email_configs" && node.get("http_config").is_none() {
        let own = global.get("http_config").cloned();
        node.set("http_config", own.unwrap_or_else(|| Node::empty_map(node.span)));
    }
    for (own, global_key) in kind.inherits {
        let (own_file, global_file) = (format!("{own}_file"), format!("{global_key}_file"));
        if node.text(own).is_some() || node.get(own).is_some_and(|value| value.as_text().is_none()) || node.text(&own_file).is_some() {
            continue;
        }
        if let Some(value) = global_value(global, global_key) {
            node.set(own, value);
        } else if let Some(file) = global.get(&global_file) {
            node.set(&own_file, file.clone());
        }
    }
    if kind.key == "email_configs" && node.get("tls_config").is_none() {
        node.set("tls_config", Node::empty_map(node.span));
    }
    match kind.key {
        "pagerduty_configs" => standing_details(node),
        "jira_configs" => standing_texts(node),
        "opsgenie_configs" | "victorops_configs" => closing_slash(node),
        _ => {}
    }
    for (keys, message) in kind.needs {
        if keys.iter().all(|key| node.text(key).is_none()) {
            problems.error(node.span, *message);
        }
    }
    if kind.key == "webex_configs" && !node.get("http_config").is_some_and(has_authorization) {
        problems.error(node.span, "missing webex_configs.http_config.authorization");
    }
}

/// Addresses below which something is found.
fn closing_slash(node: &mut Node) {
    let Some((text, at)) = node.get("api_url").and_then(|url| Some((url.as_text()?.to_owned(), url.span))) else { return };
    let path_end = text.find(['?', '#']).unwrap_or(text.len());
    if !text.is_empty() && !text[..path_end].ends_with('/') {
        node.set("api_url", Node::quoted(format!("{}/{}", &text[..path_end], &text[path_end..]), at));
    }
}

/// What PagerDuty's details hold where the file does not say otherwise.
fn standing_details(node: &mut Node) {
    let mut details = node.get("details").cloned().unwrap_or_else(|| Node::empty_map(node.span));
    for (key, text) in [
        ("firing", "{{ .Alerts.Firing | toJson }}"),
        ("resolved", "{{ .Alerts.Resolved | toJson }}"),
        ("num_firing", "{{ .Alerts.Firing | len }}"),
        ("num_resolved", "{{ .Alerts.Resolved | len }}"),
    ] {
        if details.entry(key).is_none() {
            details.set(key, Node::quoted(text, node.span));
        }
    }
    node.set("details", details);
    if node.text("source").is_none()
        && let Some(client) = node.get("client").cloned()
    {
        node.set("source", client);
    }
}

/// Jira's summary and description are a text or a mapping with the text under `template`; printed, they are mappings.
fn standing_texts(node: &mut Node) {
    for key in ["summary", "description"] {
        let text = match node.get(key) {
            Some(given) if given.as_text().is_none() => continue,
            Some(given) => Node::quoted(given.as_text().unwrap_or(""), given.span),
            None => Node::quoted(format!("{{{{ template \"jira.default.{key}\" . }}}}"), node.span),
        };
        let mut map = Node::empty_map(node.span);
        map.set("template", text);
        node.set(key, map);
    }
}
