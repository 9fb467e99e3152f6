//! Telegram: a bot's `sendMessage`. What does not fit is cut, or told in fewer words; never replaced by a sentence about the limit.

use std::collections::BTreeMap;

use super::cut;
use super::deliver::Provider;
use super::http::{Answer, Request};
use super::json::go_json;
use super::limits::{TELEGRAM_BYTES_MAX, TELEGRAM_MESSAGE_MAX};
use super::options::TelegramOptions;
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, FailureKind, Notification};
use crate::client::SecretSource;
use crate::model::{DurationMs, Secret};

pub struct Telegram(pub TelegramOptions);

impl Telegram {
    /// The text, and the way it is written.
    fn text(&self, notification: &Notification, write: &mut Rendering<'_>) -> (String, &str) {
        let message = self.0.message.as_deref();
        if self.0.parse_mode != "HTML" {
            // Our own words hold no markup that Telegram's Markdown would refuse, only where no mode is set.
            let is_ours = message.is_none() && !write.has_default("message");
            let text = write.field("message", message, || words::plain::text(notification, &[]));
            let failed = !write.problems.is_empty();
            let text = cut::with_remarks(text, &write.remarks(), TELEGRAM_MESSAGE_MAX, cut::runes);
            return (text, if is_ours || failed { "" } else { &self.0.parse_mode });
        }
        let ours = |problems: &[String]| words::telegram::text(notification, problems, TELEGRAM_MESSAGE_MAX);
        let text = write.html_field("message", message, || ours(&[]));
        if !write.problems.is_empty() {
            return (ours(&write.remarks()), "HTML");
        }
        if text.len() > TELEGRAM_BYTES_MAX || visible(&text) > TELEGRAM_MESSAGE_MAX {
            return (ours(&["The configured message is longer than Telegram takes: this one is shorter.".to_owned()]), "HTML");
        }
        (text, "HTML")
    }
}

/// Characters that a reader sees: tags do not count, and an entity is one.
fn visible(html: &str) -> usize {
    let (mut count, mut rest) = (0, html);
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '<' => rest.find('>').map(|end| end + 1),
            '&' => rest.find(';').filter(|end| *end <= 9).map(|end| end + 1),
            _ => None,
        };
        count += usize::from(c != '<' || skipped.is_none());
        rest = &rest[skipped.unwrap_or(c.len_utf8())..];
    }
    count
}

impl Provider for Telegram {
    fn kind(&self) -> &'static str {
        "telegram"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.0.bot_token, &self.0.chat_id]
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let chat = secrets[1].expose();
        if chat.parse::<i64>().is_err() {
            return Err(Failure::give_up(format!("chat_id is not a number: {chat}")));
        }
        let (text, parse_mode) = self.text(notification, write);
        let mut message = BTreeMap::from([("chat_id", chat.to_owned()), ("disable_web_page_preview", "true".to_owned()), ("text", text)]);
        if !parse_mode.is_empty() {
            message.insert("parse_mode", parse_mode.to_owned());
        }
        if self.0.disable_notifications {
            message.insert("disable_notification", "true".to_owned());
        }
        if self.0.message_thread_id != 0 {
            message.insert("message_thread_id", self.0.message_thread_id.to_string());
        }
        let url = format!("{}/bot{}/sendMessage", self.0.api_url.trim_end_matches('/'), secrets[0].expose());
        Ok(vec![Request::json(url, go_json(&message).map_err(Failure::give_up)?)])
    }

    /// The pause that is asked for stands in the body.
    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        let said = answer.json();
        let asked = said["parameters"]["retry_after"].as_i64().map(DurationMs::seconds);
        match answer.judge() {
            Err(failure) => Err(match (failure.kind, asked) {
                (FailureKind::Retry { .. }, Some(_)) => Failure { kind: FailureKind::Retry { after: asked }, ..failure },
                (FailureKind::GiveUp, _) => Failure { detail: format!("{}{}", failure.detail, advice(&said)), ..failure },
                _ => failure,
            }),
            Ok(()) if said["ok"] == false => Err(Failure::give_up(answer.show())),
            Ok(()) => Ok(()),
        }
    }
}

fn advice(said: &serde_json::Value) -> &'static str {
    let description = said["description"].as_str().unwrap_or("");
    if description.contains("chat not found") {
        " (write to the bot once, or add it to the group, and correct `chat_id`)"
    } else if description.contains("can't parse entities") {
        " (the message is no valid text of its `parse_mode`)"
    } else if description == "Unauthorized" || description == "Not Found" {
        " (the bot's token is not valid)"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_what_is_seen_counts() {
        assert_eq!(super::visible("<b>a</b> &lt;&amp; \u{e9}"), 6);
        assert_eq!(super::visible("a < b & c"), 9);
    }
}
