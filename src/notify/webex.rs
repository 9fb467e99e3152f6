//! Webex: a message in Markdown to a room.

use serde::Serialize;

use super::cut;
use super::deliver::Provider;
use super::http::Request;
use super::json::go_json;
use super::limits::WEBEX_MESSAGE_BYTES_MAX;
use super::options::WebexOptions;
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, Notification};
use crate::client::SecretSource;
use crate::model::Secret;

pub struct Webex(pub WebexOptions);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    markdown: String,
    room_id: String,
}

impl Provider for Webex {
    fn kind(&self) -> &'static str {
        "webex"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        Vec::new()
    }

    fn compose(&self, _: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let text = write.field("message", self.0.message.as_deref(), || words::markdown::text(notification, &[]));
        let markdown = cut::with_remarks(text, &write.remarks(), WEBEX_MESSAGE_BYTES_MAX, cut::bytes);
        let message = Message { markdown, room_id: write.strict("room_id", &self.0.room_id)? };
        Ok(vec![Request::json(self.0.api_url.as_str(), go_json(&message).map_err(Failure::give_up)?)])
    }
}
