//! A webhook: Alertmanager's JSON, version 4, field by field as Alertmanager 0.33 sends it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;

use super::data::{common, common_labels, quoted_receiver};
use super::http::{Letter, Poster, prepare_failure};
use super::json::{Pairs, go_json};
use super::options::WebhookOptions;
use super::steps::Steps;
use super::texts::Texts;
use crate::alerts::fingerprint::show;
use crate::alerts::notification::{Delivered, Failure, Notification, NotifiedAlert, Notify, Outcome, Status};
use crate::alerts::rfc3339;
use crate::clock::Clock;
use crate::model::Secret;

/// Go's zero time: the end of an alert that still fires.
const NO_END: &str = "0001-01-01T00:00:00Z";

pub struct Webhook {
    pub options: WebhookOptions,
    pub poster: Poster,
    pub texts: Arc<Texts>,
    pub clock: Clock,
}

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

/// The body; `max_alerts` 0 means all.
pub fn body(notification: &Notification, max_alerts: u64) -> Result<String, String> {
    let all = notification.alerts.len();
    let kept = if max_alerts == 0 { all } else { all.min(usize::try_from(max_alerts).unwrap_or(usize::MAX)) };
    let alert = |alert: &'_ NotifiedAlert| -> (String, String) {
        let ends_at = if alert.status == Status::Resolved { rfc3339(alert.alert.ends_at) } else { NO_END.to_owned() };
        (rfc3339(alert.alert.starts_at), ends_at)
    };
    let alerts = notification.alerts.iter().take(kept).map(|one| {
        let (starts_at, ends_at) = alert(one);
        MessageAlert {
            status: one.status.as_str(),
            labels: Pairs(&one.alert.labels),
            annotations: Pairs(&one.alert.annotations),
            starts_at,
            ends_at,
            generator_url: &one.alert.generator_url,
            fingerprint: show(one.fingerprint),
        }
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
        version: "4",
        group_key: &notification.group_key,
        truncated_alerts: (all - kept) as u64,
    })
}

impl Webhook {
    pub async fn send(&self, notification: &Notification, steps: &Steps) -> Outcome {
        let url = self.options.url.read().await.map_err(|error| prepare_failure(&error))?;
        let url = self.texts.rendering("webhook", notification, self.clock.now()).strict("url", url.expose())?;
        if url.is_empty() {
            return Err(Failure::give_up("the URL is empty after its template was filled in"));
        }
        steps.done("the URL is known");
        let body = body(notification, self.options.max_alerts).map_err(Failure::give_up)?;
        let deadline = if self.options.timeout.0 > 0 { self.options.timeout } else { notification.deadline };
        let url = Secret::new(url);
        let letter = Letter { url: &url, body, id: &notification.id, bearer: None, deadline: deadline.to_std(), now: self.clock.now() };
        let answer = self.poster.post(letter, steps).await?;
        answer.judge()?;
        Ok(Delivered { detail: answer.show() })
    }
}

impl Notify for Webhook {
    fn notify<'a>(&'a self, notification: &'a Notification) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(async move { self.send(notification, &Steps::silent()).await })
    }
}
