//! Microsoft Teams: an adaptive card for a workflow, or the card of the retired connectors.

use serde::Serialize;
use serde_json::Value;

use super::deliver::Provider;
use super::http::{Answer, Request};
use super::json::go_json;
use super::options::{MsteamsOptions, MsteamsV2Options};
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, Notification, Status};
use crate::client::SecretSource;
use crate::model::Secret;

pub struct Msteams(pub MsteamsOptions);
pub struct MsteamsV2(pub MsteamsV2Options);

#[derive(Serialize)]
struct ConnectorCard {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    summary: String,
    text: String,
    #[serde(rename = "themeColor")]
    theme_color: &'static str,
}

#[derive(Serialize)]
struct Message {
    #[serde(rename = "type")]
    kind: &'static str,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attachment {
    content_type: &'static str,
    content_url: Value,
    content: Card,
}

#[derive(Serialize)]
struct Card {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'static str,
    body: [Block; 2],
    msteams: Width,
}

#[derive(Serialize)]
struct Block {
    #[serde(rename = "type")]
    kind: &'static str,
    text: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    weight: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    size: &'static str,
    wrap: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    style: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    color: &'static str,
}

#[derive(Serialize)]
struct Width {
    width: &'static str,
}

fn text(template: Option<&str>, notification: &Notification, write: &mut Rendering<'_>) -> String {
    let text = write.field("text", template, || words::markdown::text(notification, &[]));
    let remarks = write.remarks();
    if remarks.is_empty() { text } else { format!("{text}\n\n{}", remarks.join("\n\n")) }
}

impl Provider for Msteams {
    fn kind(&self) -> &'static str {
        "msteams"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.0.webhook_url]
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let options = &self.0;
        let card = ConnectorCard {
            context: "http://schema.org/extensions",
            kind: "MessageCard",
            title: write.field("title", options.title.as_deref(), || words::title(notification)),
            summary: write.field("summary", options.summary.as_deref(), || words::title(notification)),
            text: text(options.text.as_deref(), notification, write),
            theme_color: if notification.status == Status::Firing { "8C1A1A" } else { "2DC72D" },
        };
        let body = go_json(&card).map_err(Failure::give_up)?;
        Ok(vec![Request::json(secrets[0].expose(), body)])
    }

    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        judge_teams(answer)
    }
}

impl Provider for MsteamsV2 {
    fn kind(&self) -> &'static str {
        "msteamsv2"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.0.webhook_url]
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let options = &self.0;
        let heading = Block {
            kind: "TextBlock",
            text: write.field("title", options.title.as_deref(), || words::title(notification)),
            weight: "Bolder",
            size: "Medium",
            wrap: true,
            style: "heading",
            color: if notification.status == Status::Firing { "Attention" } else { "Good" },
        };
        let text = text(options.text.as_deref(), notification, write);
        let body = [heading, Block { kind: "TextBlock", text, weight: "", size: "", wrap: true, style: "", color: "" }];
        let content = Card {
            schema: "http://adaptivecards.io/schemas/adaptive-card.json",
            kind: "AdaptiveCard",
            version: "1.2",
            body,
            msteams: Width { width: "full" },
        };
        let attachment = Attachment { content_type: "application/vnd.microsoft.card.adaptive", content_url: Value::Null, content };
        let body = go_json(&Message { kind: "message", attachments: [attachment] }).map_err(Failure::give_up)?;
        Ok(vec![Request::json(secrets[0].expose(), body)])
    }

    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        judge_teams(answer)
    }
}

/// Connectors say 200 and put what Teams itself answered into the text.
fn judge_teams(answer: &Answer) -> Result<(), Failure> {
    answer.judge()?;
    match answer.body.split_once("endpoint returned HTTP error ") {
        Some((_, code)) if code.starts_with("429") || code.starts_with('5') => Err(answer.retry()),
        Some(_) => Err(Failure::give_up(answer.show())),
        None => Ok(()),
    }
}
