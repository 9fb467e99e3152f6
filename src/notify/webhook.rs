//! A webhook: Alertmanager's JSON, version 4, field by field as Alertmanager 0.33 sends it.

use serde::Serialize;

use super::data::{common, common_labels, quoted_receiver};
use super::deliver::Provider;
use super::http::{Answer, Request};
use super::json::{Pairs, go_json};
use super::options::WebhookOptions;
use super::texts::Rendering;
use crate::alerts::fingerprint::show;
use crate::alerts::notification::{Failure, Notification, Status};
use crate::client::SecretSource;
use crate::model::Secret;

/// Go's zero time: the end of an alert that still fires.
const NO_END: &str = "0001-01-01T00:00:00Z";

pub struct Webhook(pub WebhookOptions);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    receiver: String,
    status: &'static str,
    alerts: Vec<MessageAlert<'a>>,
    #[serde(rename = "notification_reason")]
    notification_reason: &'static str,
    group_labels: Pairs<'a>,
    common_labels: Pairs<'a>,
    common_annotations: Pairs<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route_labels: Option<Pairs<'a>>,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    version: &'static str,
    group_key: &'a str,
    truncated_alerts: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageAlert<'a> {
    status: &'static str,
    labels: Pairs<'a>,
    annotations: Pairs<'a>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    fingerprint: String,
}

/// The body; `max_alerts` 0 means all. What is said of all alerts together is said of those that are kept, as upstream.
pub fn body(notification: &Notification, max_alerts: u64) -> Result<String, String> {
    let (kept, left_out) = keep(notification, max_alerts);
    encode(kept.as_ref(), "4", left_out)
}

/// The first alerts, and how many there are more.
pub fn keep(notification: &Notification, max_alerts: u64) -> (std::borrow::Cow<'_, Notification>, usize) {
    let (all, most) = (notification.alerts.len(), usize::try_from(max_alerts).unwrap_or(usize::MAX));
    if most == 0 || all <= most {
        return (std::borrow::Cow::Borrowed(notification), 0);
    }
    let mut kept = notification.clone();
    kept.alerts.truncate(most);
    kept.status = if kept.firing().next().is_some() { Status::Firing } else { Status::Resolved };
    (std::borrow::Cow::Owned(kept), all - most)
}

/// Alertmanager's data as JSON, under a version of the protocol.
pub fn encode(notification: &Notification, version: &'static str, left_out: usize) -> Result<String, String> {
    let alerts = notification.alerts.iter().map(|one| MessageAlert {
        status: one.status.as_str(),
        labels: Pairs(&one.alert.labels),
        annotations: Pairs(&one.alert.annotations),
        starts_at: one.alert.starts_at.rfc3339(),
        ends_at: if one.status == Status::Resolved { one.alert.ends_at.rfc3339() } else { NO_END.to_owned() },
        generator_url: &one.alert.generator_url,
        fingerprint: show(one.fingerprint),
    });
    let (labels, annotations) = (common_labels(notification), common(notification.alerts.iter().map(|one| &one.alert.annotations)));
    go_json(&Message {
        receiver: quoted_receiver(&notification.receiver),
        status: notification.status.as_str(),
        alerts: alerts.collect(),
        notification_reason: notification.reason.as_str(),
        group_labels: Pairs(&notification.group_labels),
        common_labels: Pairs(&labels),
        common_annotations: Pairs(&annotations),
        route_labels: (!notification.route_labels.is_empty()).then_some(Pairs(&notification.route_labels)),
        external_url: &notification.external_url,
        version,
        group_key: &notification.group_key,
        truncated_alerts: left_out as u64,
    })
}

impl Provider for Webhook {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.0.url]
    }

    fn says_values(&self) -> bool {
        false
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let url = write.strict("url", secrets[0].expose())?;
        if url.is_empty() {
            return Err(Failure::give_up("the URL is empty after its template was filled in"));
        }
        let ours = || body(notification, self.0.max_alerts).map_err(Failure::give_up);
        let body = match &self.0.payload {
            None => ours()?,
            Some(template) => {
                let payload = write.value("payload", template);
                // A payload with holes may mean anything to whoever reads it: Alertmanager's own goes out instead.
                if write.problems.is_empty() { go_json(&payload).map_err(Failure::give_up)? } else { ours()? }
            }
        };
        Ok(vec![Request::json(url, body)])
    }

    /// Anybody's own server may well answer with a page.
    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        answer.judge_status()
    }
}
