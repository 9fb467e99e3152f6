//! Rooms and chats.

use super::given::Given;
use crate::notify::options::{
    DiscordOptions, Integration, MattermostMessage, MattermostOptions, MattermostPriority, MsteamsOptions, MsteamsV2Options, RocketAction,
    RocketchatOptions, TelegramOptions, WebexOptions, WechatOptions,
};
use crate::yaml::{Node, Problems};

/// None where the kind is another, or where something is missing, which is told elsewhere.
pub fn read(kind: &str, node: &Node, problems: &mut Problems<'_>) -> Option<Integration> {
    let given = Given(node);
    Some(match kind {
        "discord_configs" => Integration::Discord(Box::new(discord(&given, problems)?)),
        "msteams_configs" => Integration::Msteams(Box::new(msteams(&given, problems)?)),
        "msteamsv2_configs" => Integration::MsteamsV2(Box::new(msteams_v2(&given, problems)?)),
        "telegram_configs" => Integration::Telegram(Box::new(telegram(&given, problems)?)),
        "webex_configs" => Integration::Webex(Box::new(webex(&given, problems))),
        "wechat_configs" => Integration::Wechat(Box::new(wechat(&given, problems)?)),
        "rocketchat_configs" => Integration::Rocketchat(Box::new(rocketchat(&given, problems)?)),
        "mattermost_configs" => Integration::Mattermost(Box::new(mattermost(&given, problems)?)),
        _ => return None,
    })
}

fn discord(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<DiscordOptions> {
    Some(DiscordOptions {
        sending: given.sending(true, problems),
        webhook_url: given.secret("webhook_url")?,
        title: given.open("title"),
        message: given.open("message"),
        content: given.text("content"),
        username: given.text("username"),
        avatar_url: given.text("avatar_url"),
    })
}

fn msteams(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<MsteamsOptions> {
    Some(MsteamsOptions {
        sending: given.sending(true, problems),
        webhook_url: given.secret("webhook_url")?,
        title: given.open("title"),
        summary: given.open("summary"),
        text: given.open("text"),
    })
}

fn msteams_v2(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<MsteamsV2Options> {
    Some(MsteamsV2Options {
        sending: given.sending(true, problems),
        webhook_url: given.secret("webhook_url")?,
        title: given.open("title"),
        text: given.open("text"),
    })
}

fn telegram(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<TelegramOptions> {
    Some(TelegramOptions {
        sending: given.sending(true, problems),
        api_url: given.text("api_url"),
        bot_token: given.secret("bot_token")?,
        chat_id: given.number("chat_id")?,
        message_thread_id: given.0.get("message_thread_id").and_then(crate::yaml::scalar::integer).unwrap_or(0),
        message: given.open("message"),
        disable_notifications: given.flag("disable_notifications"),
        parse_mode: given.or("parse_mode", "HTML"),
    })
}

fn webex(given: &Given<'_>, problems: &mut Problems<'_>) -> WebexOptions {
    WebexOptions {
        sending: given.sending(true, problems),
        api_url: given.text("api_url"),
        room_id: given.text("room_id"),
        message: given.open("message"),
    }
}

fn wechat(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<WechatOptions> {
    Some(WechatOptions {
        sending: given.sending(false, problems),
        api_url: given.text("api_url"),
        api_secret: given.secret("api_secret")?,
        corp_id: given.text("corp_id"),
        agent_id: given.open("agent_id"),
        to_user: given.open("to_user"),
        to_party: given.open("to_party"),
        to_tag: given.open("to_tag"),
        message: given.open("message"),
        is_markdown: given.text("message_type") == "markdown",
    })
}

fn rocketchat(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<RocketchatOptions> {
    Some(RocketchatOptions {
        sending: given.sending(false, problems),
        api_url: given.text("api_url"),
        token: given.secret("token")?,
        token_id: given.secret("token_id")?,
        channel: given.text("channel"),
        title: given.open("title"),
        title_link: given.open("title_link"),
        text: given.open("text"),
        color: given.open("color"),
        emoji: given.open("emoji"),
        icon_url: given.open("icon_url"),
        image_url: given.text("image_url"),
        thumb_url: given.text("thumb_url"),
        short_fields: given.flag("short_fields"),
        fields: given.fields(),
        actions: given.items("actions", |action| RocketAction {
            kind: action.text("type"),
            text: action.text("text"),
            url: action.text("url"),
            msg: action.text("msg"),
        }),
    })
}

fn mattermost(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<MattermostOptions> {
    Some(MattermostOptions {
        sending: given.sending(true, problems),
        webhook_url: given.secret("webhook_url")?,
        channel: given.text("channel"),
        username: given.open("username"),
        icon_url: given.text("icon_url"),
        icon_emoji: given.text("icon_emoji"),
        message: mattermost_message(given),
        attachments: given.items("attachments", mattermost_message),
        kind: given.text("type"),
        card: given.0.get("props").and_then(|props| Given(props).open("card")).filter(|card| !card.is_empty()),
        priority: given.0.get("priority").map(|node| MattermostPriority {
            priority: Given(node).text("priority"),
            requested_ack: node.flag("requested_ack"),
            persistent_notifications: node.flag("persistent_notifications"),
        }),
    })
}

fn mattermost_message(given: &Given<'_>) -> MattermostMessage {
    MattermostMessage {
        text: given.open("text"),
        fallback: given.open("fallback"),
        color: given.open("color"),
        title: given.open("title"),
        title_link: given.open("title_link"),
        pretext: given.text("pretext"),
        author_name: given.text("author_name"),
        author_link: given.text("author_link"),
        author_icon: given.text("author_icon"),
        fields: given.fields(),
        thumb_url: given.text("thumb_url"),
        footer: given.text("footer"),
        footer_icon: given.text("footer_icon"),
        image_url: given.text("image_url"),
    }
}
