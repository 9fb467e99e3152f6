//! What Alertmanager demands of single values beyond their types, receiver by receiver.

use crate::config::http_client::{client, tls};
use crate::model::number::quote;
use crate::yaml::{self, Node, Problems, Value, scalar};

use super::other_fields::JIRA_TEXT;

/// `tracing` and `event_recorder`, which are read but not acted on.
pub fn of_file(root: &Node, problems: &mut Problems<'_>) {
    if let Some(tracing) = root.get("tracing") {
        if tracing.text("endpoint").is_none() {
            problems.error(tracing.span, "tracing endpoint must be set");
        }
        if let Some(given) = tracing.get("tls_config") {
            tls(given, problems);
        }
    }
    let recorder = |list: &str| root.get("event_recorder").and_then(|recorder| recorder.get(list)).map(Node::items).unwrap_or_default();
    for given in recorder("kafka_outputs").iter().filter_map(|output| output.get("tls_config")) {
        tls(given, problems);
    }
    for given in recorder("webhook_outputs").iter().filter_map(|output| output.get("http_config")) {
        client(given, problems);
    }
    for (list, key, message) in [
        ("file_outputs", "path", "event_recorder file output requires a path"),
        ("webhook_outputs", "url", "event_recorder webhook output requires a url"),
    ] {
        for output in recorder(list).iter().filter(|output| output.text(key).is_none()) {
            problems.error(output.span, message);
        }
    }
}

/// One integration, completed with the globals.
pub fn of_receiver(kind: &str, node: &Node, problems: &mut Problems<'_>) {
    match kind {
        "email_configs" => threading(node, problems),
        "jira_configs" => jira(node, problems),
        "mattermost_configs" => {
            fields(node, "Mattermost", problems);
            node.get("attachments").map(Node::items).unwrap_or_default().iter().for_each(|one| fields(one, "Mattermost", problems));
        }
        "opsgenie_configs" => responders(node, problems),
        "sns_configs" => sns(node, problems),
        "telegram_configs" => telegram(node, problems),
        "wechat_configs" => {
            if let Some(given) = node.text("message_type").filter(|given| !["text", "markdown"].contains(given)) {
                let message = format!("weChat message type {} does not match valid options ^(text|markdown)$", quote(given));
                problems.error(node.key_span("message_type"), message);
            }
        }
        _ => {}
    }
}

/// The short pairs below a message have both halves.
pub fn fields(node: &Node, whose: &str, problems: &mut Problems<'_>) {
    for item in node.get("fields").map(Node::items).unwrap_or_default().iter().filter(|item| !item.is_null()) {
        for key in ["title", "value"] {
            if item.text(key).is_none() {
                problems.error(item.span, format!("missing {key} in {whose} field configuration"));
            }
        }
    }
}

fn threading(node: &Node, problems: &mut Problems<'_>) {
    let Some(threading) = node.get("threading").filter(|threading| threading.flag("enabled") == Some(true)) else { return };
    if !matches!(threading.text("thread_by_date"), Some("none" | "daily")) {
        problems.error(threading.span, "threading.thread_by_date must be either 'none' or 'daily'");
    }
}

fn jira(node: &Node, problems: &mut Problems<'_>) {
    if let Some(given) = node.get("api_type").filter(|given| !matches!(given.as_text(), Some("auto" | "cloud" | "datacenter"))) {
        problems.error(given.span, "unknown api_type on jira_config, must be auto, cloud or datacenter");
    }
    for key in ["summary", "description"] {
        match node.get(key) {
            Some(given) if matches!(given.value, Value::List(_)) => {
                problems.error(given.span, format!("{}: expected a text or a mapping, found a list", quote(key)));
            }
            Some(given) if matches!(given.value, Value::Map(_)) => yaml::check(given, &JIRA_TEXT, problems),
            _ => {}
        }
    }
}

const RESPONDERS: [&str; 5] = ["team", "teams", "user", "escalation", "schedule"];

fn responders(node: &Node, problems: &mut Problems<'_>) {
    for item in node.get("responders").map(Node::items).unwrap_or_default() {
        let text = |key: &str| item.text(key).unwrap_or("");
        let shown = format!("{{{} {} {} {}}}", text("id"), text("name"), text("username"), text("type").to_lowercase());
        if ["id", "username", "name"].iter().all(|key| text(key).is_empty()) {
            let message = format!("opsGenieConfig responder {shown} has to have at least one of id, username or name specified");
            problems.error(item.span, message);
        }
        let kind = text("type");
        if !kind.contains("{{") && !RESPONDERS.contains(&kind.to_lowercase().as_str()) {
            let options = RESPONDERS.join("|");
            problems.error(item.span, format!("opsGenieConfig responder {shown} type does not match valid options ^({options})$"));
        }
    }
}

fn sns(node: &Node, problems: &mut Problems<'_>) {
    let targets = ["target_arn", "topic_arn", "phone_number"].iter().filter(|key| node.text(key).is_some()).count();
    // None is told with what the integration needs.
    if targets == 2 {
        problems.error(node.span, "must provide either a Target ARN, Topic ARN, or Phone Number for SNS config");
    }
    let Some(signing) = node.get("sigv4") else { return };
    if signing.text("access_key").is_some() != signing.text("secret_key").is_some() {
        let message = "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config";
        problems.error(signing.span, message);
    }
    if signing.text("external_id").is_some() && signing.text("role_arn").is_none() {
        problems.error(signing.key_span("external_id"), "external_id can only be used with role_arn");
    }
}

fn telegram(node: &Node, problems: &mut Problems<'_>) {
    if node.text("chat_id_file").is_none() && node.get("chat_id").and_then(scalar::integer) == Some(0) {
        problems.error(node.key_span("chat_id"), "missing chat_id or chat_id_file on telegram_config");
    }
    if !matches!(node.text("parse_mode"), None | Some("Markdown" | "MarkdownV2" | "HTML")) {
        let message = "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string";
        problems.error(node.key_span("parse_mode"), message);
    }
}
