//! Mattermost: an incoming webhook, a message in one or more attachments.

use serde::Serialize;

use super::deliver::Provider;
use super::http::Request;
use super::json::go_json;
use super::options::{MattermostMessage, MattermostOptions, MattermostPriority};
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, Notification, Status};
use crate::client::SecretSource;
use crate::model::Secret;

pub struct Mattermost(pub MattermostOptions);

#[derive(Serialize)]
struct Message {
    #[serde(skip_serializing_if = "str::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    icon_url: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    icon_emoji: String,
    attachments: Vec<Attachment>,
    #[serde(rename = "type", skip_serializing_if = "str::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    props: Option<Props>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
}

#[derive(Serialize)]
struct Props {
    card: String,
}

#[derive(Serialize)]
struct Priority {
    priority: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    requested_ack: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    persistent_notifications: bool,
}

#[derive(Serialize)]
struct Attachment {
    #[serde(skip_serializing_if = "str::is_empty")]
    fallback: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    color: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pretext: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    author_name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    author_link: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    author_icon: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "str::is_empty")]
    thumb_url: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    footer: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    footer_icon: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    image_url: String,
}

#[derive(Serialize)]
struct Field {
    title: String,
    value: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    short: bool,
}

/// The one that the receiver's own fields make: what they leave open has a default.
fn complete(given: &MattermostMessage, notification: &Notification, write: &mut Rendering<'_>) -> Attachment {
    let title = write.field("title", given.title.as_deref(), || words::title(notification));
    let title_link = write.field("title_link", given.title_link.as_deref(), || words::alerts_url(notification));
    let colour = || if notification.status == Status::Firing { "danger" } else { "good" }.to_owned();
    Attachment {
        fallback: write.field("fallback", given.fallback.as_deref(), || format!("{title} | {title_link}")),
        color: write.field("color", given.color.as_deref(), colour),
        text: write.field("text", given.text.as_deref(), || words::markdown::text(notification, &[])),
        title,
        title_link,
        ..plain(&MattermostMessage { text: None, fallback: None, color: None, title: None, title_link: None, ..given.clone() }, write)
    }
}

/// One that is given as such.
fn plain(given: &MattermostMessage, write: &mut Rendering<'_>) -> Attachment {
    let fields = given.fields.iter().map(|field| Field {
        title: write.part("fields.title", &field.title),
        value: write.part("fields.value", &field.value),
        short: field.short.unwrap_or(false),
    });
    let fields = fields.collect();
    let mut open = |field: &str, template: &Option<String>| write.part(field, template.as_deref().unwrap_or(""));
    Attachment {
        fallback: open("fallback", &given.fallback),
        color: open("color", &given.color),
        text: open("text", &given.text),
        title: open("title", &given.title),
        title_link: open("title_link", &given.title_link),
        pretext: write.part("pretext", &given.pretext),
        author_name: write.part("author_name", &given.author_name),
        author_link: write.part("author_link", &given.author_link),
        author_icon: write.part("author_icon", &given.author_icon),
        thumb_url: write.part("thumb_url", &given.thumb_url),
        footer: write.part("footer", &given.footer),
        footer_icon: write.part("footer_icon", &given.footer_icon),
        image_url: write.part("image_url", &given.image_url),
        fields,
    }
}

/// The service refuses what does not go together.
fn priority(given: &MattermostPriority, write: &mut Rendering<'_>) -> Priority {
    let word = write.part("priority", &given.priority).to_lowercase();
    let word = if ["urgent", "important", "standard"].contains(&word.as_str()) { word } else { "standard".to_owned() };
    Priority {
        requested_ack: given.requested_ack.unwrap_or(false) && word != "standard",
        persistent_notifications: given.persistent_notifications.unwrap_or(false) && word == "urgent",
        priority: word,
    }
}

impl Provider for Mattermost {
    fn kind(&self) -> &'static str {
        "mattermost"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.0.webhook_url]
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let options = &self.0;
        let (text, attachments) = if options.attachments.is_empty() {
            (String::new(), vec![complete(&options.message, notification, write)])
        } else {
            let text = write.field("text", options.message.text.as_deref(), || words::markdown::text(notification, &[]));
            (text, options.attachments.iter().map(|one| plain(one, write)).collect())
        };
        let mut message = Message {
            text,
            channel: write.part("channel", &options.channel),
            username: write.field("username", options.username.as_deref(), || "promlet".to_owned()),
            icon_url: write.part("icon_url", &options.icon_url),
            icon_emoji: write.part("icon_emoji", &options.icon_emoji),
            kind: write.part("type", &options.kind),
            props: options.card.as_ref().map(|card| Props { card: write.part("props.card", card) }),
            priority: options.priority.as_ref().filter(|given| !given.priority.is_empty()).map(|given| priority(given, write)),
            attachments,
        };
        if let (Some(first), false) = (message.attachments.first_mut(), write.problems.is_empty()) {
            first.text = format!("{}\n\n{}", first.text, write.remarks().join("\n\n"));
        }
        Ok(vec![Request::json(secrets[0].expose(), go_json(&message).map_err(Failure::give_up)?)])
    }
}
