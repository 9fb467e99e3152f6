//! Rooms and chats. Texts are templates; an `Option` is `None` where the configuration leaves the text to the defaults.

use super::{Sending, SlackField};
use crate::client::SecretSource;

#[derive(Clone, Debug)]
pub struct DiscordOptions {
    pub sending: Sending,
    pub webhook_url: SecretSource,
    pub title: Option<String>,
    pub message: Option<String>,
    pub content: String,
    /// No templates, as upstream.
    pub username: String,
    pub avatar_url: String,
}

/// The retired connectors.
#[derive(Clone, Debug)]
pub struct MsteamsOptions {
    pub sending: Sending,
    pub webhook_url: SecretSource,
    pub title: Option<String>,
    pub summary: Option<String>,
    pub text: Option<String>,
}

/// Workflows.
#[derive(Clone, Debug)]
pub struct MsteamsV2Options {
    pub sending: Sending,
    pub webhook_url: SecretSource,
    pub title: Option<String>,
    pub text: Option<String>,
}

#[derive(Clone, Debug)]
pub struct TelegramOptions {
    pub sending: Sending,
    pub api_url: String,
    pub bot_token: SecretSource,
    /// A number.
    pub chat_id: SecretSource,
    /// 0 for none.
    pub message_thread_id: i64,
    pub message: Option<String>,
    pub disable_notifications: bool,
    /// `HTML`, `Markdown`, `MarkdownV2` or nothing.
    pub parse_mode: String,
}

#[derive(Clone, Debug)]
pub struct WebexOptions {
    pub sending: Sending,
    pub api_url: String,
    pub room_id: String,
    pub message: Option<String>,
}

#[derive(Clone, Debug)]
pub struct WechatOptions {
    pub sending: Sending,
    pub api_url: String,
    pub api_secret: SecretSource,
    pub corp_id: String,
    pub agent_id: Option<String>,
    pub to_user: Option<String>,
    pub to_party: Option<String>,
    pub to_tag: Option<String>,
    pub message: Option<String>,
    pub is_markdown: bool,
}

#[derive(Clone, Debug)]
pub struct RocketchatOptions {
    pub sending: Sending,
    pub api_url: String,
    pub token: SecretSource,
    pub token_id: SecretSource,
    pub channel: String,
    pub title: Option<String>,
    pub title_link: Option<String>,
    pub text: Option<String>,
    pub color: Option<String>,
    pub emoji: Option<String>,
    pub icon_url: Option<String>,
    pub image_url: String,
    pub thumb_url: String,
    pub short_fields: bool,
    pub fields: Vec<SlackField>,
    pub actions: Vec<RocketAction>,
}

#[derive(Clone, Debug)]
pub struct RocketAction {
    pub kind: String,
    pub text: String,
    pub url: String,
    pub msg: String,
}

#[derive(Clone, Debug)]
pub struct MattermostOptions {
    pub sending: Sending,
    pub webhook_url: SecretSource,
    pub channel: String,
    pub username: Option<String>,
    pub icon_url: String,
    pub icon_emoji: String,
    pub message: MattermostMessage,
    /// Given as such, instead of the one that the fields above make.
    pub attachments: Vec<MattermostMessage>,
    pub kind: String,
    pub card: Option<String>,
    pub priority: Option<MattermostPriority>,
}

/// One attachment.
#[derive(Clone, Debug, Default)]
pub struct MattermostMessage {
    pub text: Option<String>,
    pub fallback: Option<String>,
    pub color: Option<String>,
    pub title: Option<String>,
    pub title_link: Option<String>,
    pub pretext: String,
    pub author_name: String,
    pub author_link: String,
    pub author_icon: String,
    pub fields: MattermostFields,
    pub thumb_url: String,
    pub footer: String,
    pub footer_icon: String,
    pub image_url: String,
}

pub type MattermostFields = Vec<SlackField>;

#[derive(Clone, Debug)]
pub struct MattermostPriority {
    pub priority: String,
    pub requested_ack: Option<bool>,
    pub persistent_notifications: Option<bool>,
}
