//! WeChat Work: a token is fetched with the corporation's secret and kept while it is good; the message goes with it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use serde::Serialize;

use super::cut;
use super::deliver::{Deliver, Delivering, Desk, read, within};
use super::evidence::Chart;
use super::http::{Answer, Request};
use super::json::go_json;
use super::limits::WECHAT_OWN_TEXT_BYTES_MAX;
use super::options::WechatOptions;
use super::query;
use super::steps::Steps;
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Delivered, Failure, Notification, Outcome};
use crate::model::Secret;

/// A token is good for two hours; a little less is believed.
const TOKEN_AGE_MAX: Duration = Duration::from_secs(7_000);
/// What the service says where a token is not good any more, and where there were too many calls.
const TOKEN_WORN: [i64; 2] = [42_001, 40_014];
const BUSY: [i64; 3] = [-1, 45_009, 45_033];

pub struct Wechat {
    pub options: WechatOptions,
    pub desk: Desk,
    /// The token and when it came, on the steady clock.
    token: Mutex<Option<(Secret, Duration)>>,
}

#[derive(Serialize)]
struct Message {
    text: Content,
    #[serde(skip_serializing_if = "str::is_empty")]
    touser: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    toparty: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    totag: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    agentid: String,
    safe: &'static str,
    msgtype: &'static str,
    markdown: Content,
}

#[derive(Default, Serialize)]
struct Content {
    content: String,
}

/// The body of the request.
pub fn body(options: &WechatOptions, notification: &Notification, write: &mut Rendering<'_>) -> Result<String, Failure> {
    let to =
        |write: &mut Rendering<'_>, name: &str, template: &Option<String>| write.field_named(name, name, template.as_deref(), String::new);
    let (touser, toparty) = (to(write, "to_user", &options.to_user), to(write, "to_party", &options.to_party));
    let (totag, agentid) = (to(write, "to_tag", &options.to_tag), to(write, "agent_id", &options.agent_id));
    let ours = || {
        let text = if options.is_markdown { words::markdown::text(notification, &[]) } else { words::plain::text(notification, &[]) };
        cut::bytes(&text, WECHAT_OWN_TEXT_BYTES_MAX)
    };
    let mut content = write.field("message", options.message.as_deref(), ours);
    if !write.problems.is_empty() {
        content = format!("{content}\n{}", write.remarks().join("\n"));
    }
    let content = Content { content };
    let (text, markdown) = if options.is_markdown { (Content::default(), content) } else { (content, Content::default()) };
    let msgtype = if options.is_markdown { "markdown" } else { "text" };
    go_json(&Message { text, touser, toparty, totag, agentid, safe: "0", msgtype, markdown }).map_err(Failure::give_up)
}

impl Wechat {
    pub fn new(options: WechatOptions, desk: Desk) -> Self {
        Self { options, desk, token: Mutex::new(None) }
    }

    async fn attempt(&self, notification: &Notification, steps: &Steps) -> Outcome {
        let body = self.desk.write("wechat", notification, steps, |write| body(&self.options, notification, write))?;
        let token = self.token(notification, steps).await?;
        let url = format!("{}message/send?access_token={}", self.options.api_url, query::escape(token.expose()));
        let answer = self.desk.send(Request::json(url, body), notification, steps).await?;
        match judge(&answer) {
            Ok(()) => Ok(Delivered::new(answer.show())),
            Err((failure, token_is_worn)) => {
                if token_is_worn {
                    *self.kept() = None;
                }
                Err(failure)
            }
        }
    }

    async fn token(&self, notification: &Notification, steps: &Steps) -> Result<Secret, Failure> {
        let now = self.desk.clock.monotonic();
        if let Some((token, _)) = self.kept().clone().filter(|(_, at)| now.saturating_sub(*at) < TOKEN_AGE_MAX) {
            return Ok(token);
        }
        let secret = read(&self.options.api_secret).await?;
        let secret = self.desk.write("wechat", notification, steps, |write| write.strict("api_secret", secret.expose()))?;
        let corporation = self.desk.write("wechat", notification, steps, |write| write.strict("corp_id", &self.options.corp_id))?;
        let (id, secret) = (query::escape(&corporation), query::escape(&secret));
        let url = format!("{}gettoken?corpid={id}&corpsecret={secret}", self.options.api_url);
        let request = Request { method: Method::GET, content_type: "", ..Request::json(url, String::new()) };
        let answer = self.desk.send(request, notification, steps).await?;
        answer.judge()?;
        // The answer holds the token: it is not shown.
        let said = answer.json();
        match said["access_token"].as_str().filter(|token| !token.is_empty()) {
            Some(token) => {
                let token = Secret::new(token);
                *self.kept() = Some((token.clone(), now));
                steps.done("WeChat gave a token");
                Ok(token)
            }
            None => {
                let Some(code) = said["errcode"].as_i64() else {
                    return Err(Failure::retry("WeChat gives no token: an answer that is not WeChat's (look at `api_url`)"));
                };
                let reason = said["errmsg"].as_str().unwrap_or("no reason given");
                let detail = format!("WeChat gives no token: {code} {}{}", words::clip(reason, 200), advice(code));
                Err(if BUSY.contains(&code) { Failure::retry(detail) } else { Failure::give_up(detail) })
            }
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<(Secret, Duration)>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A refusal, and whether it is the token's fault.
pub fn judge(answer: &Answer) -> Result<(), (Failure, bool)> {
    answer.judge().map_err(|failure| (failure, false))?;
    match answer.json()["errcode"].as_i64() {
        Some(0) => Ok(()),
        Some(code) if TOKEN_WORN.contains(&code) => {
            Err((Failure::retry(format!("the token is not good any more: {}", answer.show())), true))
        }
        Some(code) if BUSY.contains(&code) => Err((answer.retry(), false)),
        Some(code) => Err((Failure::give_up(answer.show() + advice(code)), false)),
        None => Err((Failure::retry(format!("an answer that is not WeChat's: {}", answer.show())), false)),
    }
}

/// The way out for the refusals that people meet.
fn advice(code: i64) -> &'static str {
    match code {
        40_001 => " (correct `api_secret`: the secret of the application, not of the corporation)",
        40_013 => " (correct `corp_id`)",
        40_056 | 301_002 => " (correct `agent_id`: the secret is another application's)",
        60_020 => " (add this machine's public address to the application's trusted addresses)",
        81_013 => " (correct `to_user`, `to_party` or `to_tag`: they name nobody who may see the application)",
        _ => "",
    }
}

impl Deliver for Wechat {
    fn deliver<'a>(&'a self, notification: &'a Notification, _: &'a [Chart], steps: &'a Steps) -> Delivering<'a> {
        Box::pin(within(self.desk.deadline(notification), self.attempt(notification, steps)))
    }
}
