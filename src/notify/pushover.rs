//! Pushover: all of a message stands in the query, as upstream sends it.

use super::cut;
use super::deliver::Provider;
use super::http::{Answer, Request};
use super::limits::{PUSHOVER_MESSAGE_MAX, PUSHOVER_TITLE_MAX, PUSHOVER_URL_MAX};
use super::options::PushoverOptions;
use super::query;
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, Notification, Status};
use crate::client::SecretSource;
use crate::model::Secret;

/// Upstream has no setting for it either.
const URL: &str = "https://api.pushover.net/1/messages.json";

pub struct Pushover(pub PushoverOptions);

impl Pushover {
    fn message(&self, notification: &Notification, write: &mut Rendering<'_>) -> String {
        let options = &self.0;
        let template = options.message.as_deref();
        let text = if options.html {
            let ours = || words::html::escape(&words::plain::brief(notification));
            write.html_field("message", template, ours)
        } else {
            write.field("message", template, || words::plain::brief(notification))
        };
        // Blanks at the ends do not count against the limit. An empty message is refused by the service.
        let text = text.trim().to_owned();
        let text = if text.is_empty() { "(no details)".to_owned() } else { text };
        let remarks = write
            .remarks()
            .iter()
            .map(|remark| if options.html { words::html::escape(remark) } else { remark.clone() })
            .collect::<Vec<_>>();
        cut::with_remarks(text, &remarks, PUSHOVER_MESSAGE_MAX, cut::runes)
    }
}

impl Provider for Pushover {
    fn kind(&self) -> &'static str {
        "pushover"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.0.token, &self.0.user_key]
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let options = &self.0;
        let title = write.field("title", options.title.as_deref(), || words::title(notification));
        let link = write.field("url", options.url.as_deref(), || words::alerts_url(notification));
        let url_title = write.part("url_title", &options.url_title);
        let mut priority = write.part("priority", &options.priority);
        if priority.is_empty() {
            // A pager that cannot tell how loud to be is loud.
            priority = if notification.status == Status::Firing { "2" } else { "0" }.to_owned();
        }
        let (device, sound) = (write.part("device", &options.device), write.part("sound", &options.sound));
        let token = write.strict("token", secrets[0].expose())?;
        let user = write.strict("user_key", secrets[1].expose())?;
        let message = self.message(notification, write);
        let mut parameters = vec![
            ("device", device),
            ("expire", options.expire.as_seconds().to_string()),
            ("message", message),
            ("priority", priority),
            ("retry", options.retry.as_seconds().to_string()),
            ("sound", sound),
            ("title", cut::runes(&title, PUSHOVER_TITLE_MAX)),
            ("token", token),
            ("url", cut::runes(&link, PUSHOVER_URL_MAX)),
            ("url_title", url_title),
            ("user", user),
        ];
        if options.html {
            parameters.push(("html", "1".to_owned()));
        }
        if options.monospace {
            parameters.push(("monospace", "1".to_owned()));
        }
        if options.ttl.0 > 0 {
            parameters.push(("ttl", options.ttl.as_seconds().to_string()));
        }
        let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let url = format!("{URL}?{}", query::form(parameters));
        Ok(vec![Request { content_type: "text/plain", ..Request::json(url, String::new()) }])
    }

    /// 429 means that the month's quota is used up: that does not pass soon.
    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        if answer.status.as_u16() == 429 {
            return Err(Failure::give_up(format!("{} (the application's messages of this month are used up)", answer.show())));
        }
        answer.judge()
    }
}
