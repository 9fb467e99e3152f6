//! Discord: a webhook, one coloured embed a message.

use serde::Serialize;

use super::cut;
use super::deliver::Provider;
use super::http::{Answer, Request};
use super::json::go_json;
use super::limits::{DISCORD_CONTENT_MAX, DISCORD_DESCRIPTION_MAX, DISCORD_TITLE_MAX};
use super::options::DiscordOptions;
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, FailureKind, Notification, Status};
use crate::client::SecretSource;
use crate::model::{DurationMs, Secret};

/// Red and green as upstream has them.
const RED: u32 = 0x99_2d_22;
const GREEN: u32 = 0x2e_cc_71;

pub struct Discord(pub DiscordOptions);

#[derive(Serialize)]
struct Message {
    content: String,
    embeds: [Embed; 1],
    #[serde(skip_serializing_if = "str::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    avatar_url: String,
}

#[derive(Serialize)]
struct Embed {
    title: String,
    description: String,
    color: u32,
}

impl Provider for Discord {
    fn kind(&self) -> &'static str {
        "discord"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.0.webhook_url]
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let options = &self.0;
        let title = write.field("title", options.title.as_deref(), || words::title(notification));
        let content = write.part("content", &options.content);
        let description = write.field("message", options.message.as_deref(), || words::markdown::text(notification, &[]));
        let color = if notification.status == Status::Firing { RED } else { GREEN };
        let embed = Embed {
            title: cut::runes(&title, DISCORD_TITLE_MAX),
            description: cut::with_remarks(description, &write.remarks(), DISCORD_DESCRIPTION_MAX, cut::runes),
            color,
        };
        let message = Message {
            content: cut::runes(&content, DISCORD_CONTENT_MAX),
            embeds: [embed],
            username: options.username.clone(),
            avatar_url: options.avatar_url.clone(),
        };
        let body = go_json(&message).map_err(Failure::give_up)?;
        Ok(vec![Request::json(secrets[0].expose(), body)])
    }

    /// How long to wait stands in the body, in seconds with a fraction; the header is not always there.
    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        let asked = answer.json()["retry_after"].as_f64().filter(|seconds| (0.0..86_400.0).contains(seconds));
        answer.judge().map_err(|failure| match (failure.kind, asked) {
            (FailureKind::Retry { after: None }, Some(seconds)) => {
                Failure { kind: FailureKind::Retry { after: Some(DurationMs((seconds * 1000.0).ceil() as i64)) }, ..failure }
            }
            _ => failure,
        })
    }
}
