//! Three receivers on loopback, Slack-shaped, SMTP and webhook, fed by the real notifiers, and one page that shows what they heard.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Html;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;

use super::inbox_page::{Shown, page};
use crate::clock::Clock;
use crate::model::TimestampMs;

/// Older messages make room.
const MESSAGES_MAX: usize = 200;

/// What one receiver was told.
#[derive(Clone, Debug)]
struct Message {
    at: TimestampMs,
    receiver: &'static str,
    title: String,
    text: String,
}

#[derive(Debug, Default)]
struct Heard {
    newest_first: VecDeque<Message>,
    /// Of all that came, also of what made room.
    count: u64,
}

/// The inbox of all three; cloning shares it.
#[derive(Clone)]
pub struct Receivers {
    heard: Arc<Mutex<Heard>>,
    clock: Clock,
    start: TimestampMs,
}

impl Receivers {
    pub fn new(clock: Clock, start: TimestampMs) -> Self {
        Self { heard: Arc::default(), clock, start }
    }

    fn hear(&self, receiver: &'static str, title: String, text: String) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.newest_first.len() == MESSAGES_MAX {
            heard.newest_first.pop_back();
        }
        heard.count += 1;
        heard.newest_first.push_front(Message { at: self.clock.now(), receiver, title, text });
    }

    /// A mail as it came over SMTP, headers and body.
    pub fn hear_mail(&self, raw: &str) {
        let (head, body) = raw.split_once("\r\n\r\n").unwrap_or((raw, ""));
        let subject = head.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or("(no subject)");
        self.hear("mail", subject.to_owned(), plain_part(body));
    }

    fn page(&self) -> String {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = |message: &'_ Message| (message.at.0 - self.start.0) / 1000;
        let messages: Vec<Shown<'_>> = heard
            .newest_first
            .iter()
            .map(|message| Shown { receiver: message.receiver, second: shown(message), title: &message.title, text: &message.text })
            .collect();
        page(&messages, heard.count)
    }
}

/// The text part of a mail, its quoted-printable undone; the whole body where there is only one part.
fn plain_part(body: &str) -> String {
    let text = body.split("Content-Type: text/plain").nth(1).and_then(|part| part.split_once("\r\n\r\n")).map_or(body, |(_, text)| text);
    let text = text.split("\r\n--").next().unwrap_or(text);
    quoted_printable(text)
}

fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), joined.as_bytes());
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok()).and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, hex) {
            (b'=', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn hear_slack(State(receivers): State<Receivers>, body: Bytes) -> &'static str {
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| message["attachments"][0][name].as_str().or_else(|| message[name].as_str()).unwrap_or_default().to_owned();
    receivers.hear("slack", text("title"), text("text"));
    "ok"
}

async fn hear_webhook(State(receivers): State<Receivers>, body: Bytes) -> &'static str {
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let alerts = message["alerts"].as_array().map_or(0, Vec::len);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let group = message["groupLabels"].as_object().into_iter().flatten().filter(|(name, _)| *name != "alertname");
    let group: Vec<String> = group.map(|(name, value)| format!("{name}={}", text(value))).collect();
    let name = text(&message["commonLabels"]["alertname"]);
    let title = format!("{}: {alerts} x {name} {}", text(&message["status"]), group.join(" "));
    receivers.hear("webhook", title, serde_json::to_string_pretty(&message).unwrap_or_default());
    ""
}

async fn show(State(receivers): State<Receivers>) -> Html<String> {
    Html(receivers.page())
}

/// Serves the page and both HTTP receivers until the task is dropped.
pub async fn serve(listener: TcpListener, receivers: Receivers) -> std::io::Result<()> {
    let router =
        Router::new().route("/", get(show)).route("/slack", post(hear_slack)).route("/webhook", post(hear_webhook)).with_state(receivers);
    axum::serve(listener, router).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_read_as_a_person_would() {
        let receivers = Receivers::new(Clock::manual(TimestampMs(0)), TimestampMs(0));
        receivers.hear_mail("Subject: A <b>\r\nTo: x\r\n\r\n--z\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nloss =3D NaN, a lo=\r\nng line\r\n--z\r\nContent-Type: text/html\r\n\r\n<p>\r\n");
        let page = receivers.page();
        assert!(page.contains("A &lt;b&gt;") && page.contains("<pre>loss = NaN, a long line</pre>"), "{page}");
    }

    #[test]
    fn the_inbox_is_bounded() {
        let receivers = Receivers::new(Clock::manual(TimestampMs(0)), TimestampMs(0));
        for n in 0..MESSAGES_MAX + 5 {
            receivers.hear("slack", n.to_string(), String::new());
        }
        assert_eq!(receivers.heard.lock().unwrap().newest_first.len(), MESSAGES_MAX);
    }
}
