//! Rocket.Chat: `chat.postMessage` with a user's id and token.

use reqwest::header::HeaderName;
use serde::Serialize;

use super::cut;
use super::deliver::Provider;
use super::http::{Answer, Request};
use super::json::go_json;
use super::limits::SLACK_TITLE_MAX;
use super::options::RocketchatOptions;
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, FailureKind, Notification, Status};
use crate::client::SecretSource;
use crate::model::{DurationMs, Secret};

pub struct Rocketchat(pub RocketchatOptions);

#[derive(Serialize)]
struct Message {
    #[serde(skip_serializing_if = "str::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    emoji: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    avatar: String,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
struct Attachment {
    #[serde(skip_serializing_if = "str::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    image_url: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    thumb_url: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    color: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<Action>,
}

#[derive(Serialize)]
struct Field {
    short: bool,
    title: String,
    value: String,
}

#[derive(Serialize)]
struct Action {
    #[serde(rename = "type", skip_serializing_if = "str::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    url: String,
    is_webview: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    msg: String,
    msg_in_chat_window: bool,
}

impl Provider for Rocketchat {
    fn kind(&self) -> &'static str {
        "rocketchat"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.0.token, &self.0.token_id]
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let options = &self.0;
        let colour = || if notification.status == Status::Firing { "red" } else { "green" }.to_owned();
        let title = write.field("title", options.title.as_deref(), || words::title(notification));
        let fields = options.fields.iter().map(|field| Field {
            short: field.short.unwrap_or(options.short_fields),
            title: write.part("fields.title", &field.title),
            value: write.part("fields.value", &field.value),
        });
        let fields = fields.collect();
        let actions = options.actions.iter().map(|action| Action {
            kind: write.part("actions.type", &action.kind),
            text: write.part("actions.text", &action.text),
            url: write.part("actions.url", &action.url),
            is_webview: false,
            msg: write.part("actions.msg", &action.msg),
            msg_in_chat_window: false,
        });
        let actions = actions.collect();
        let attachment = Attachment {
            title: cut::runes(&title, SLACK_TITLE_MAX),
            title_link: write.field("title_link", options.title_link.as_deref(), || words::alerts_url(notification)),
            image_url: write.part("image_url", &options.image_url),
            thumb_url: write.part("thumb_url", &options.thumb_url),
            color: match options.color.as_deref() {
                Some(template) => write.optional("color", Some(template)).unwrap_or_else(colour),
                None => colour(),
            },
            text: write.field("text", options.text.as_deref(), || words::markdown::text(notification, &[])),
            fields,
            actions,
        };
        let mut message = Message {
            channel: write.part("channel", &options.channel),
            emoji: write.field("emoji", options.emoji.as_deref(), String::new),
            avatar: write.field("icon_url", options.icon_url.as_deref(), String::new),
            attachments: [attachment],
        };
        if !write.problems.is_empty() {
            let text = &mut message.attachments[0].text;
            *text = format!("{text}\n\n{}", write.remarks().join("\n\n"));
        }
        let (token, id) = (write.strict("token", secrets[0].expose())?, write.strict("token_id", secrets[1].expose())?);
        let url = format!("{}/api/v1/chat.postMessage", options.api_url.trim_end_matches('/'));
        let request = Request::json(url, go_json(&message).map_err(Failure::give_up)?);
        let request = request.header(HeaderName::from_static("x-user-id"), id).header(HeaderName::from_static("x-auth-token"), token);
        Ok(vec![request])
    }

    /// The service says "no" with a status of 200, too.
    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        let said = answer.json();
        if let (429, Some(after)) = (answer.status.as_u16(), wait(said["error"].as_str().unwrap_or(""))) {
            return Err(Failure { kind: FailureKind::Retry { after: Some(after) }, ..answer.retry() });
        }
        answer.judge()?;
        match (said["success"].as_bool(), said["error"].as_str().unwrap_or("")) {
            (Some(true), _) => Ok(()),
            (_, error) if error.contains("too-many-requests") => Err(answer.retry()),
            _ => Err(Failure::give_up(format!("Rocket.Chat refuses: {}", answer.show()))),
        }
    }
}

/// `... You must wait 7 seconds before ...`: the service says it in no other form.
fn wait(error: &str) -> Option<DurationMs> {
    let (_, rest) = error.split_once("must wait ")?;
    let seconds: u32 = rest.split(' ').next()?.parse().ok()?;
    Some(DurationMs::seconds(i64::from(seconds)))
}
