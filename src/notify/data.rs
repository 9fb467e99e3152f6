//! A notification as Alertmanager's templates and webhooks see it: what the alerts have in common, quoted receiver name, zero times.

use crate::alerts::fingerprint::show;
use crate::alerts::notification::{Notification, Status};
use crate::model::Labels;
use crate::template::data::{NotificationAlert, NotificationData};

/// The data of templates.
pub fn template_data(notification: &Notification) -> NotificationData {
    let alerts = notification.alerts.iter().map(|alert| NotificationAlert {
        status: alert.status.as_str().to_owned(),
        labels: alert.alert.labels.clone(),
        annotations: alert.alert.annotations.clone(),
        starts_at: alert.alert.starts_at,
        ends_at: (alert.status == Status::Resolved).then_some(alert.alert.ends_at),
        generator_url: alert.alert.generator_url.clone(),
        fingerprint: show(alert.fingerprint),
    });
    NotificationData {
        receiver: quoted_receiver(&notification.receiver),
        status: notification.status.as_str().to_owned(),
        alerts: alerts.collect(),
        group_labels: notification.group_labels.clone(),
        common_labels: common_labels(notification),
        common_annotations: common(notification.alerts.iter().map(|alert| &alert.alert.annotations)),
        route_labels: notification.route_labels.clone(),
        notification_reason: notification.reason.as_str().to_owned(),
        external_url: notification.external_url.clone(),
    }
}

pub fn common_labels(notification: &Notification) -> Labels {
    common(notification.alerts.iter().map(|alert| &alert.alert.labels))
}

/// The pairs that all of them have.
pub fn common<'a>(mut all: impl Iterator<Item = &'a Labels>) -> Labels {
    let Some(first) = all.next() else { return Labels::empty() };
    let mut common = first.to_builder();
    for labels in all {
        common.retain(|name, value| labels.get(name) == Some(value));
    }
    common.build()
}

/// Upstream hands the receiver's name out quoted for regular expressions, since it goes into a filter of its page.
pub fn quoted_receiver(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_is_what_all_have() {
        let of = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        let all = [of(&[("a", "1"), ("b", "1"), ("c", "1")]), of(&[("a", "1"), ("b", "2")])];
        assert_eq!(common(all.iter()), of(&[("a", "1")]));
        assert_eq!(common(std::iter::empty()), Labels::empty());
        assert_eq!(quoted_receiver("my.hook (a)"), "my\\.hook \\(a\\)");
    }
}
