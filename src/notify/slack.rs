//! Slack: an incoming webhook, or `chat.postMessage` with an app's token. One attachment per group, as Alertmanager sends it.

mod upload;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::header::AUTHORIZATION;
use serde::Serialize;

use super::advice::with_advice;
use super::deliver::{Deliver, Delivering, Desk, read, within};
use super::evidence::Chart;
use super::http::{Answer, Request};
use super::json::go_json;
use super::limits::SLACK_TITLE_MAX;
use super::options::{SlackAction, SlackOptions};
use super::steps::Steps;
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Delivered, Failure, FailureKind, Notification, Reason, Status};
use crate::client::SecretSource;
use crate::model::Secret;
use upload::{Upload, is_app};

pub struct Slack {
    options: SlackOptions,
    desk: Arc<Desk>,
    /// The app may not upload charts.
    forbidden: Arc<AtomicBool>,
}

#[derive(Serialize)]
struct Message {
    #[serde(skip_serializing_if = "str::is_empty")]
    channel: String,
    /// Of the message that is to change.
    #[serde(skip_serializing_if = "str::is_empty")]
    ts: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    icon_emoji: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    icon_url: String,
    #[serde(skip_serializing_if = "is_false")]
    link_names: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: String,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
struct Attachment {
    #[serde(skip_serializing_if = "str::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pretext: String,
    text: String,
    fallback: String,
    callback_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<Action>,
    #[serde(skip_serializing_if = "str::is_empty")]
    image_url: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    thumb_url: String,
    footer: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    color: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mrkdwn_in: Vec<String>,
}

#[derive(Serialize)]
struct Field {
    title: String,
    value: String,
    short: bool,
}

#[derive(Serialize)]
struct Action {
    #[serde(rename = "type")]
    kind: String,
    text: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    url: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    style: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<Confirm>,
}

#[derive(Serialize)]
struct Confirm {
    #[serde(skip_serializing_if = "str::is_empty")]
    title: String,
    text: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    ok_text: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    dismiss_text: String,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A message that was posted: where it can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub channel: String,
    pub ts: String,
}

impl Posted {
    fn read(memo: &str) -> Option<Self> {
        let (channel, ts) = memo.split_once(' ')?;
        Some(Self { channel: channel.to_owned(), ts: ts.to_owned() })
    }

    fn memo(&self) -> String {
        format!("{} {}", self.channel, self.ts)
    }
}

/// The body of the request; with `posted` it changes that message.
pub fn body(
    options: &SlackOptions,
    notification: &Notification,
    posted: Option<&Posted>,
    write: &mut Rendering<'_>,
) -> Result<String, String> {
    let optional = |write: &mut Rendering<'_>, field: &str, template: &Option<String>| write.field(field, template.as_deref(), String::new);
    let title = write.field("title", options.title.as_deref(), || own(options, words::slack::escape(&words::title(notification))));
    let title_link = write.field("title_link", options.title_link.as_deref(), || words::alerts_url(notification));
    let fields = options.fields.iter().map(|field| Field {
        title: write.part("fields.title", &field.title),
        value: write.part("fields.value", &field.value),
        short: field.short.unwrap_or(options.short_fields),
    });
    let fields = fields.collect();
    let actions = options.actions.iter().map(|one| action(write, one)).collect();
    let fallback = write.field("fallback", options.fallback.as_deref(), || format!("{title} | {title_link}"));
    let color = write.field("color", options.color.as_deref(), || {
        if notification.status == Status::Firing { "danger".to_owned() } else { "good".to_owned() }
    });
    let attachment = Attachment {
        pretext: optional(write, "pretext", &options.pretext),
        callback_id: optional(write, "callback_id", &options.callback_id),
        image_url: optional(write, "image_url", &options.image_url),
        thumb_url: optional(write, "thumb_url", &options.thumb_url),
        footer: optional(write, "footer", &options.footer),
        mrkdwn_in: options.mrkdwn_in.clone().unwrap_or_else(|| ["fallback", "pretext", "text"].map(str::to_owned).to_vec()),
        title: words::clip(&title, SLACK_TITLE_MAX),
        title_link,
        text: String::new(),
        fallback,
        fields,
        actions,
        color,
    };
    let mut message = Message {
        channel: optional(write, "channel", &options.channel),
        ts: String::new(),
        username: write.field("username", options.username.as_deref(), || "promlet".to_owned()),
        icon_emoji: optional(write, "icon_emoji", &options.icon_emoji),
        icon_url: optional(write, "icon_url", &options.icon_url),
        link_names: options.link_names,
        text: optional(write, "message_text", &options.message_text),
        attachments: [attachment],
    };
    message.attachments[0].text = text(options, notification, write);
    if let Some(posted) = posted {
        (message.channel, message.ts) = (posted.channel.clone(), posted.ts.clone());
    }
    go_json(&message)
}

/// A text of ours, fit for the receiver's `link_names`.
fn own(options: &SlackOptions, text: String) -> String {
    if options.link_names { words::callouts_apart(&text) } else { text }
}

/// Last, since it also says which other templates failed. Where the configuration says something of its own in fields, pretext or the
/// message's text, an open `text` stays empty, as upstream's.
fn text(options: &SlackOptions, notification: &Notification, write: &mut Rendering<'_>) -> String {
    let composed = !options.fields.is_empty() || options.pretext.is_some() || options.message_text.is_some();
    let failed = write.problems.len();
    let ours = || own(options, words::slack::text(notification, &[]));
    let composed_text = composed && options.text.is_none() && !write.has_default("text");
    let text = if composed_text { String::new() } else { write.field("text", options.text.as_deref(), ours) };
    if composed_text && failed > 0 {
        return own(options, words::slack::text(notification, &write.problems));
    }
    let mut parts = vec![text];
    parts.extend(write.problems.iter().map(|problem| format!("_{}_", words::slack::escape(&words::clip(problem, 500)))));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn action(write: &mut Rendering<'_>, one: &SlackAction) -> Action {
    Action {
        kind: write.part("actions.type", &one.kind),
        text: write.part("actions.text", &one.text),
        url: write.part("actions.url", &one.url),
        style: write.part("actions.style", &one.style),
        name: write.part("actions.name", &one.name),
        value: write.part("actions.value", &one.value),
        confirm: one.confirm.as_ref().map(|confirm| Confirm {
            title: write.part("actions.confirm.title", &confirm.title),
            text: write.part("actions.confirm.text", &confirm.text),
            ok_text: write.part("actions.confirm.ok_text", &confirm.ok_text),
            dismiss_text: write.part("actions.confirm.dismiss_text", &confirm.dismiss_text),
        }),
    }
}

/// Slack says "no" with a status of 200, too.
pub fn judge(answer: &Answer) -> Result<(), Failure> {
    answer.judge().map_err(|failure| with_advice("slack", answer, failure))?;
    let body = answer.body.trim();
    if answer.is_json || body.starts_with('{') {
        let Ok(said) = serde_json::from_str::<serde_json::Value>(body) else {
            return Err(Failure::retry(format!("an answer that is not JSON: {}", answer.show())));
        };
        if said.get("ok").and_then(serde_json::Value::as_bool) == Some(true) {
            return Ok(());
        }
        let error = said.get("error").and_then(serde_json::Value::as_str).unwrap_or("no reason given");
        let kind = if matches!(
            error,
            "ratelimited"
                | "rate_limited"
                | "internal_error"
                | "service_unavailable"
                | "fatal_error"
                | "request_timeout"
                | "team_added_to_org"
        ) {
            FailureKind::Retry { after: answer.retry_after }
        } else {
            FailureKind::GiveUp
        };
        let needed = said.get("needed").and_then(serde_json::Value::as_str).unwrap_or("chat:write");
        return Err(Failure { kind, detail: format!("Slack refuses: {error}{}", advice(error, needed)) });
    }
    if body == "ok" { Ok(()) } else { Err(Failure::give_up(format!("Slack did not answer \"ok\": {}", answer.show()))) }
}

/// The way out for the refusals that people meet.
fn advice(error: &str, needed: &str) -> String {
    let advice = match error {
        "channel_not_found" | "not_in_channel" => " (invite the app to the channel, or correct `channel`)",
        "invalid_auth" | "not_authed" | "token_revoked" | "account_inactive" => " (the token is not valid: make a new one)",
        "missing_scope" => return format!(" (the app needs the scope {needed})"),
        "is_archived" => " (the channel is archived: choose another)",
        _ => "",
    };
    advice.to_owned()
}

/// A message that Slack took, and what is needed to put charts below it.
struct Taken {
    delivered: Delivered,
    posted: Option<Posted>,
    url: Secret,
    bearer: Option<Secret>,
}

impl Slack {
    pub fn new(options: SlackOptions, desk: Desk) -> Self {
        Self { options, desk: Arc::new(desk), forbidden: Arc::default() }
    }

    /// The message to change, where that is wanted.
    fn posted(&self, notification: &Notification) -> Option<Posted> {
        notification.memo.as_deref().and_then(Posted::read).filter(|_| self.options.update_message)
    }

    async fn attempt(&self, notification: &Notification, steps: &Steps) -> Result<Taken, Failure> {
        let bearer = match &self.options.app_token {
            Some(source) => Some(read(source).await?),
            None => None,
        };
        let url = match &self.options.api_url {
            Some(source) => Some(read(source).await?).filter(|url| !url.is_empty()),
            None => None,
        };
        let url = url.unwrap_or_else(|| Secret::new(self.options.app_url.clone()));
        steps.done(if bearer.is_some() { "the app's token is known" } else { "the webhook's URL is known" });
        if let Some(posted) = self.posted(notification) {
            let changing = Secret::new(url.expose().replace("chat.postMessage", "chat.update"));
            match self.say(&changing, bearer.as_ref(), Some(&posted), notification, steps).await {
                // A message that somebody deleted, or that is too old to change: a new one says it.
                Err(failure) if failure.kind == FailureKind::GiveUp => steps.failed(failure.detail),
                outcome => {
                    let delivered = Delivered { memo: Some(posted.memo()), ..outcome?.0 };
                    return Ok(Taken { delivered, posted: Some(posted), url, bearer });
                }
            }
        }
        let (delivered, posted) = self.say(&url, bearer.as_ref(), None, notification, steps).await?;
        Ok(Taken { delivered, posted, url, bearer })
    }

    async fn say(
        &self,
        url: &Secret,
        bearer: Option<&Secret>,
        changed: Option<&Posted>,
        notification: &Notification,
        steps: &Steps,
    ) -> Result<(Delivered, Option<Posted>), Failure> {
        let compose = |write: &mut Rendering<'_>| body(&self.options, notification, changed, write).map_err(Failure::give_up);
        let body = self.desk.write("slack", notification, steps, compose)?;
        let mut request = Request::json(url.expose(), body);
        if let Some(token) = bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        let answer = self.desk.send(request, notification, steps).await?;
        judge(&answer)?;
        steps.done(format!("Slack has the message: {}", answer.show()));
        let said = answer.json();
        let posted = said["channel"].as_str().zip(said["ts"].as_str());
        let posted = posted.map(|(channel, ts)| Posted { channel: channel.to_owned(), ts: ts.to_owned() });
        let memo = posted.as_ref().map(Posted::memo).filter(|_| self.options.update_message);
        Ok((Delivered { detail: answer.show(), memo }, posted))
    }

    /// Nobody waits for the charts, unless somebody watches.
    async fn share(&self, taken: &Taken, notification: &Notification, charts: &[Chart], steps: &Steps) {
        let Some(posted) = taken.posted.clone().filter(|_| is_app(taken.url.expose())) else { return };
        // A message that is only said again has its charts already.
        let is_known = notification.reason == Reason::Repeat && self.options.update_message;
        if charts.is_empty() || is_known || self.forbidden.load(Ordering::Relaxed) {
            return;
        }
        let (url, bearer) = (taken.url.clone(), taken.bearer.clone());
        let (desk, forbidden) = (self.desk.clone(), self.forbidden.clone());
        let upload = Upload { desk, url, bearer, posted, charts: charts.to_vec(), notification: Arc::new(notification.clone()), forbidden };
        if steps.is_silent() {
            drop(tokio::spawn(async move { upload.run(&Steps::silent()).await }));
        } else {
            upload.run(steps).await;
        }
    }
}

impl Deliver for Slack {
    fn deliver<'a>(&'a self, notification: &'a Notification, charts: &'a [Chart], steps: &'a Steps) -> Delivering<'a> {
        Box::pin(async move {
            let taken = within(self.desk.deadline(notification), self.attempt(notification, steps)).await?;
            self.share(&taken, notification, charts, steps).await;
            Ok(taken.delivered)
        })
    }

    /// Where the text is ours, and an app says it.
    fn shows_charts(&self) -> bool {
        let may_be_app = match &self.options.api_url {
            Some(SecretSource::Inline(url)) => is_app(url.expose()),
            Some(SecretSource::File(_)) => true,
            None => is_app(&self.options.app_url),
        };
        may_be_app && self.options.text.is_none() && !self.desk.texts.has_default("slack", "text")
    }
}
