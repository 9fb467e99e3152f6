//! VictorOps (Splunk On-Call): its REST endpoint, an incident by the group's hash.

use std::collections::BTreeMap;

use super::cut;
use super::deliver::Provider;
use super::group_id;
use super::http::Request;
use super::json::go_json;
use super::limits::VICTOROPS_STATE_MESSAGE_MAX;
use super::options::VictoropsOptions;
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, Notification, Status};
use crate::client::SecretSource;
use crate::model::Secret;

/// The types that open something; any other is taken as `CRITICAL`, as upstream.
const OPENING: [&str; 3] = ["CRITICAL", "WARNING", "INFO"];

pub struct Victorops(pub VictoropsOptions);

impl Provider for Victorops {
    fn kind(&self) -> &'static str {
        "victorops"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.0.api_key]
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let options = &self.0;
        let mut message_type = write.part("message_type", &options.message_type);
        if notification.status == Status::Resolved {
            message_type = "RECOVERY".to_owned();
        } else if !OPENING.contains(&message_type.as_str()) {
            message_type = "CRITICAL".to_owned();
        }
        let ours = || words::plain::text(notification, &[]);
        let state = write.field_named("state_message", "state_message", options.state_message.as_deref(), ours);
        let title = || words::title(notification);
        let name = write.field_named("entity_display_name", "entity_display_name", options.entity_display_name.as_deref(), title);
        let tool = write.field_named("monitoring_tool", "monitoring_tool", options.monitoring_tool.as_deref(), || "promlet".to_owned());
        let custom: Vec<(String, String)> = options
            .custom_fields
            .iter()
            .map(|(name, template)| (name.clone(), write.part(&format!("custom_fields.{name}"), template)))
            .collect();
        let routing_key = write.strict("routing_key", &options.routing_key)?;
        let state = cut::with_remarks(state, &write.remarks(), VICTOROPS_STATE_MESSAGE_MAX, cut::runes);
        let standing = [
            ("message_type", message_type),
            ("entity_id", group_id::of(notification)),
            ("entity_display_name", name),
            ("state_message", state),
            ("monitoring_tool", tool),
        ];
        let mut message: BTreeMap<String, String> = standing.map(|(name, value)| (name.to_owned(), value)).into();
        message.extend(custom);
        let body = go_json(&message).map_err(Failure::give_up)?;
        let url = format!("{}{}/{}", options.api_url, secrets[0].expose(), routing_key);
        Ok(vec![Request::json(url, body)])
    }
}
