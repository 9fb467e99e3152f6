//! Receivers: globals worked in, then to each kind's options; webhook, Slack and email here, the others in `chat` and `paging`.

mod aws;
mod chat;
pub mod given;
mod paging;

use std::collections::HashSet;
use std::path::PathBuf;

use crate::client::options::{SecretSource, TlsOptions};
use crate::config::http_client::{has_authorization, secret, tls};
use crate::model::number::quote;
use crate::notify::options::{
    EmailOptions, Integration, ReceiverOptions, SlackAction, SlackConfirm, SlackField, SlackOptions, Threading, WebhookOptions,
};
use crate::yaml::{Node, Problems, address, value};

use super::demands;
use super::inherit::{INTEGRATIONS, complete, global_value};
use given::Given;

/// Reads all receivers; their trees are completed on the way.
/// Those that no route uses stay as the file has them where Alertmanager only completes what it builds.
pub fn read(root: &mut Node, global: &Node, used: &HashSet<String>, problems: &mut Problems<'_>) -> Vec<ReceiverOptions> {
    let (mut out, mut names) = (Vec::new(), HashSet::new());
    let Some(list) = root.get_mut("receivers") else { return out };
    for node in list.items_mut().iter_mut().filter(|node| !node.is_null()) {
        let name = node.text("name").unwrap_or("").to_owned();
        let at = node.get("name").map_or(node.span, |value| value.span);
        if name.is_empty() {
            problems.error(at, "missing name in receiver");
        }
        if !names.insert(name.clone()) {
            problems.error(at, format!("notification config name {} is not unique", quote(&name)));
        }
        receiver_labels(node, &name);
        let integrations = integrations(node, global, used.contains(&name), problems);
        out.push(ReceiverOptions { name, integrations });
    }
    out
}

/// A receiver's labels always hold its name.
fn receiver_labels(node: &mut Node, name: &str) {
    let mut labels = node.get("labels").cloned().unwrap_or_else(|| Node::empty_map(node.span));
    labels.set("name", Node::quoted(name, node.span));
    node.set("labels", labels);
}

/// The order in which Alertmanager builds them, and so tells them.
const ORDER: [&str; 18] = [
    "webhook_configs",
    "email_configs",
    "pagerduty_configs",
    "opsgenie_configs",
    "wechat_configs",
    "slack_configs",
    "victorops_configs",
    "pushover_configs",
    "sns_configs",
    "telegram_configs",
    "discord_configs",
    "webex_configs",
    "msteams_configs",
    "msteamsv2_configs",
    "jira_configs",
    "rocketchat_configs",
    "mattermost_configs",
    "incidentio_configs",
];

fn integrations(node: &mut Node, global: &Node, used: bool, problems: &mut Problems<'_>) -> Vec<Integration> {
    let mut found: Vec<(Option<usize>, Integration)> = Vec::new();
    for kind in &INTEGRATIONS {
        let Some(list) = node.get_mut(kind.key) else { continue };
        let place = ORDER.iter().position(|key| *key == kind.key);
        for item in list.items_mut().iter_mut().filter(|item| !item.is_null()) {
            if kind.key == "slack_configs" {
                complete_slack(item, global, problems);
            }
            complete(item, kind, global, problems);
            demands::of_receiver(kind.key, item, problems);
            let read = match kind.key {
                "webhook_configs" => webhook(item, problems).map(Box::new).map(Integration::Webhook),
                "email_configs" => email(item, used, problems).map(Box::new).map(Integration::Email),
                "slack_configs" => Some(Integration::Slack(Box::new(slack(item, problems)))),
                other => chat::read(other, item, problems).or_else(|| paging::read(other, item, problems)),
            };
            found.extend(read.map(|integration| (place, integration)));
        }
    }
    // Stable: within a kind the order of the file stays.
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, integration)| integration).collect()
}

/// A text that may be empty on purpose.
fn open_text(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::as_text).map(str::to_owned)
}

fn webhook(node: &Node, problems: &mut Problems<'_>) -> Option<WebhookOptions> {
    // With braces it is a template, checked as such.
    if let Some(url) =
        node.get("url").filter(|url| url.as_text().is_some_and(|text| !text.is_empty() && text != "<secret>" && !text.contains("{{")))
        && let Some(problem) = url.as_text().and_then(address::web_problem)
    {
        let help = "an address begins with http:// or https:// and names a host".to_owned();
        problems.error_with(url.span, format!("invalid URL: {problem}"), Some(help));
    }
    Some(WebhookOptions {
        sending: Given(node).sending(true, problems),
        url: secret(node, "url", "url_file")?,
        max_alerts: node.unsigned("max_alerts").unwrap_or(0),
        payload: node.get("payload").filter(|payload| !payload.is_null()).map(value::json),
    })
}

/// Where messages go: own address or token, else the global ones. A token of the receiver's own client stands for one of the bot.
fn complete_slack(node: &mut Node, global: &Node, problems: &mut Problems<'_>) {
    let set = |node: &Node, key: &str| node.text(key).is_some() || node.text(&format!("{key}_file")).is_some();
    let own_url = set(node, "api_url");
    let own_token = set(node, "app_token");
    let app_url = node.get("app_url").cloned().or_else(|| global_value(global, "slack_app_url"));
    if own_url && own_token && node.text("api_url") != app_url.as_ref().and_then(Node::as_text) {
        problems.error(node.key_span("app_token"), "at most one of api_url/api_url_file & app_token/app_token_file must be configured");
    }
    let own_authorization = node.get("http_config").is_some_and(has_authorization);
    if !own_url && !own_token {
        let take = if set(global, "slack_app_token") && !own_authorization { "app_token" } else { "api_url" };
        for end in ["", "_file"] {
            if let Some(value) = global.get(&format!("slack_{take}{end}")) {
                node.set(&format!("{take}{end}"), value.clone());
            }
        }
        if let Some(value) = app_url.as_ref().filter(|_| own_authorization && !set(node, "api_url")) {
            node.set("api_url", value.clone());
        }
        if !set(node, "api_url") && !set(node, "app_token") {
            problems.error(node.span, "no Slack API URL nor App token set either inline or in a file");
        }
    }
    match &app_url {
        Some(value) if value.as_text() != Some("") => node.set("app_url", value.clone()),
        _ => problems.error(node.span, "no global Slack App URL set"),
    }
    let posts_as_bot = set(node, "app_token") || node.text("api_url") == Some("https://slack.com/api/chat.postMessage");
    if node.flag("update_message") == Some(true) && !posts_as_bot {
        let message = "update_message can only be used with bot tokens. api_url must be set to https://slack.com/api/chat.postMessage";
        problems.error(node.key_span("update_message"), message);
    }
}

fn slack(node: &mut Node, problems: &mut Problems<'_>) -> SlackOptions {
    let mrkdwn_in = node.get("mrkdwn_in").map(|_| node.texts("mrkdwn_in"));
    SlackOptions {
        sending: Given(node).sending(false, problems),
        api_url: secret(node, "api_url", "api_url_file"),
        app_token: secret(node, "app_token", "app_token_file"),
        app_url: node.text("app_url").unwrap_or("").to_owned(),
        channel: open_text(node, "channel"),
        username: open_text(node, "username"),
        color: open_text(node, "color"),
        title: open_text(node, "title"),
        title_link: open_text(node, "title_link"),
        pretext: open_text(node, "pretext"),
        text: open_text(node, "text"),
        message_text: open_text(node, "message_text"),
        fallback: open_text(node, "fallback"),
        footer: open_text(node, "footer"),
        callback_id: open_text(node, "callback_id"),
        icon_emoji: open_text(node, "icon_emoji"),
        icon_url: open_text(node, "icon_url"),
        image_url: open_text(node, "image_url"),
        thumb_url: open_text(node, "thumb_url"),
        link_names: node.flag("link_names").unwrap_or(false),
        mrkdwn_in,
        short_fields: node.flag("short_fields").unwrap_or(false),
        fields: slack_fields(node, problems),
        actions: slack_actions(node, problems),
        update_message: node.flag("update_message").unwrap_or(false),
    }
}

fn slack_fields(node: &Node, problems: &mut Problems<'_>) -> Vec<SlackField> {
    let mut out = Vec::new();
    demands::fields(node, "Slack", problems);
    for item in node.get("fields").map(Node::items).unwrap_or_default().iter().filter(|item| !item.is_null()) {
        let text = |key: &str| item.text(key).unwrap_or("").to_owned();
        out.push(SlackField { title: text("title"), value: text("value"), short: item.flag("short") });
    }
    out
}

fn slack_actions(node: &mut Node, problems: &mut Problems<'_>) -> Vec<SlackAction> {
    let mut out = Vec::new();
    for item in node.get_mut("actions").map(Node::items_mut).unwrap_or_default().iter_mut().filter(|item| !item.is_null()) {
        for key in ["type", "text"] {
            if item.text(key).is_none() {
                problems.error(item.span, format!("missing {key} in Slack action configuration"));
            }
        }
        if let Some(confirm) = item.get("confirm").filter(|confirm| confirm.text("text").is_none()) {
            problems.error(confirm.span, "missing text in Slack confirmation configuration");
        }
        if item.text("url").is_some() {
            // An address makes name, value and question meaningless.
            ["name", "value", "confirm"].iter().for_each(|key| item.remove(key));
        } else if item.text("name").is_none() {
            problems.error(item.span, "missing name or url in Slack action configuration");
        }
        let text = |key: &str| item.text(key).unwrap_or("").to_owned();
        let confirm = item.get("confirm").map(|confirm| {
            let text = |key: &str| confirm.text(key).unwrap_or("").to_owned();
            SlackConfirm { text: text("text"), title: text("title"), ok_text: text("ok_text"), dismiss_text: text("dismiss_text") }
        });
        out.push(SlackAction {
            kind: text("type"),
            text: text("text"),
            url: text("url"),
            style: text("style"),
            name: text("name"),
            value: text("value"),
            confirm,
        });
    }
    out
}

fn email(node: &mut Node, used: bool, problems: &mut Problems<'_>) -> Option<EmailOptions> {
    let headers = email_headers(node, used, problems);
    let smarthost = node.text("smarthost").map(|text| (text.to_owned(), node.get("smarthost").map_or(node.span, |value| value.span)));
    let address = smarthost.and_then(|(text, at)| host_port(&text).map_err(|message| problems.error(at, message)).ok());
    let to = node.text("to")?.to_owned();
    let from = node.text("from")?.to_owned();
    let (smarthost_host, smarthost_port) = address?;
    Some(EmailOptions {
        send_resolved: node.flag("send_resolved").unwrap_or(false),
        to,
        from,
        smarthost_host,
        smarthost_port,
        hello: node.text("hello").unwrap_or("localhost").to_owned(),
        auth_username: node.text("auth_username").unwrap_or("").to_owned(),
        auth_password: own_password(node),
        auth_secret: secret(node, "auth_secret", "auth_secret_file"),
        auth_identity: node.text("auth_identity").unwrap_or("").to_owned(),
        require_tls: node.flag("require_tls").unwrap_or(true),
        force_implicit_tls: node.flag("force_implicit_tls"),
        tls: node.get("tls_config").map_or_else(TlsOptions::default, |given| tls(given, problems)),
        headers,
        html: open_text(node, "html"),
        text: open_text(node, "text"),
        threading: match node.get("threading").filter(|threading| threading.flag("enabled") == Some(true)) {
            Some(threading) => Threading::Upstream { daily: threading.text("thread_by_date") != Some("none") },
            None => Threading::Group,
        },
    })
}

/// Of two the file counts, as in Alertmanager.
fn own_password(node: &Node) -> Option<SecretSource> {
    let file = node.text("auth_password_file").map(|path| SecretSource::File(PathBuf::from(path)));
    file.or_else(|| secret(node, "auth_password", "auth_password_file"))
}

/// The given headers under their canonical names; the tree also gets the standing ones, as Alertmanager prints them.
fn email_headers(node: &mut Node, used: bool, problems: &mut Problems<'_>) -> Vec<(String, String)> {
    let (mut out, mut names) = (Vec::new(), HashSet::new());
    for entry in node.get("headers").map(Node::entries).unwrap_or_default() {
        let name = canonical_header(&entry.key);
        if !names.insert(name.clone()) {
            problems.error(entry.key_span, format!("duplicate header {} in email config", quote(&name)));
            continue;
        }
        out.push((name, entry.value.as_text().unwrap_or("").to_owned()));
    }
    let mut shown = Node::empty_map(node.span);
    let standing = [("To", node.text("to").unwrap_or("")), ("From", node.text("from").unwrap_or("")), ("Subject", SUBJECT)];
    for (name, value) in standing.into_iter().filter(|_| used) {
        shown.set(name, Node::quoted(value, node.span));
    }
    for (name, value) in &out {
        shown.set(name, Node::quoted(value.clone(), node.span));
    }
    node.set("headers", shown);
    out
}

const SUBJECT: &str = "{{ template \"email.default.subject\" . }}";

/// `x-my-header` to `X-My-Header`.
fn canonical_header(name: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_ascii_uppercase().to_string() + &chars.as_str().to_ascii_lowercase()).unwrap_or_default()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// `host:port`; an IPv6 address stands in brackets.
pub fn host_port(text: &str) -> Result<(String, u16), String> {
    let missing = || format!("address {text}: missing port in address");
    let (host, port) = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner.split_once(']').ok_or_else(|| format!("address {text}: missing ']' in address"))?;
            (host, rest.strip_prefix(':').ok_or_else(missing)?)
        }
        None => text.rsplit_once(':').ok_or_else(missing)?,
    };
    if host.contains(':') && !text.starts_with('[') {
        return Err(format!("address {text}: too many colons in address"));
    }
    let number = match port {
        "" => return Err(format!("address {}: port cannot be empty", quote(text))),
        "smtp" => 25,
        "submission" => 587,
        "smtps" | "submissions" => 465,
        port => port.parse().map_err(|_| format!("address {text}: {} is no port", quote(port)))?,
    };
    Ok((host.to_owned(), number))
}
