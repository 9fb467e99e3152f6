//! Gotify: a message of an application, in Markdown. Ours: Alertmanager has no such receiver.

use reqwest::header::HeaderName;
use serde_json::json;

use super::deliver::Provider;
use super::http::Request;
use super::json::go_json;
use super::ntfy;
use super::options::GotifyOptions;
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, Notification};
use crate::client::SecretSource;
use crate::model::Secret;

pub struct Gotify(pub GotifyOptions);

impl Provider for Gotify {
    fn kind(&self) -> &'static str {
        "gotify"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.0.token]
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let options = &self.0;
        let title = write.field("title", options.title.as_deref(), || words::title(notification));
        let given = options.priority.as_deref().map(|template| write.part("priority", template));
        // Twice the scale of ntfy: from 8 on a phone rings.
        let own = || i64::from(ntfy::priority(notification)) * 2;
        let priority = given.and_then(|text| text.trim().parse().ok()).filter(|n| (0..=10).contains(n)).unwrap_or_else(own);
        let mut message = write.field("message", options.message.as_deref(), || words::markdown::text(notification, &[]));
        if !write.problems.is_empty() {
            message = format!("{message}\n\n{}", write.remarks().join("\n\n"));
        }
        let extras = json!({
            "client::display": {"contentType": "text/markdown"},
            "client::notification": {"click": {"url": words::alerts_url(notification)}},
        });
        let body = json!({"title": words::one_line(&title), "message": message, "priority": priority, "extras": extras});
        let url = format!("{}/message", options.url.trim_end_matches('/'));
        let request = Request::json(url, go_json(&body).map_err(Failure::give_up)?);
        Ok(vec![request.header(HeaderName::from_static("x-gotify-key"), secrets[0].expose())])
    }
}
