//! Many alerts at once: one message for one group, and every group told where each is its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use promlet::alerts::group::Now;
use promlet::alerts::ids::Ids;
use promlet::alerts::machine::Machine;
use promlet::alerts::metrics::Figures;
use promlet::alerts::notification::{Delivered, Failure, Notification, Outcome, Reason};
use promlet::alerts::{AlertFilter, AlertsOptions, Integration, Notify, Receiver};
use promlet::model::{Alert, Labels, TimestampMs};
use promlet::telemetry::Registry;

const ALERTS: usize = 10_000;
const GROUPS: usize = 2_000;

struct Unused;

impl Notify for Unused {
    fn notify<'a>(&'a self, _: &'a Notification) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(async { Err(Failure::give_up("the test answers itself")) })
    }
}

fn alert(name: &str, instance: usize) -> Alert {
    Alert {
        labels: Labels::from_pairs([("alertname", name), ("instance", instance.to_string().as_str())]),
        annotations: Labels::from_pairs([("summary", "down")]),
        starts_at: TimestampMs(0),
        ends_at: TimestampMs(i64::MAX / 2),
        generator_url: String::new(),
        value: Some(0.0),
    }
}

/// Answers every attempt at once; returns what was told.
fn run(kind: &'static str, alerts: Vec<Alert>) -> (Machine, Vec<Arc<Notification>>) {
    let registry = Registry::default();
    let mut options = AlertsOptions::nobody("http://promlet");
    options.route.receiver = "chat".to_owned();
    let chat = Integration { kind, index: 0, send_resolved: false, destination: String::new(), notify: Arc::new(Unused) };
    let receivers = vec![Receiver { name: "chat".to_owned(), integrations: vec![chat] }];
    let mut machine = Machine::new(options, receivers, Ids::seeded(1), Figures::new(&registry));
    let now = |steady: i64| Now { wall: TimestampMs(steady), steady };
    machine.post(alerts, now(1));
    let mut told = Vec::new();
    for _ in 0..=ALERTS {
        let attempts = machine.tick(now(2));
        machine.take_changes();
        if attempts.is_empty() {
            break;
        }
        for attempt in attempts {
            machine.report(&attempt.ticket, Ok(Delivered::new("")), Duration::ZERO, now(2));
            told.push(attempt.notification);
        }
    }
    (machine, told)
}

#[test]
fn one_group_is_one_message() {
    let (machine, told) = run("webhook", (0..ALERTS).map(|number| alert("Down", number)).collect());
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].alerts.len(), ALERTS);
    assert_eq!(machine.alerts(&AlertFilter::default(), Now { wall: TimestampMs(2), steady: 2 }).len(), ALERTS);
}

#[test]
fn every_group_is_told_once() {
    let (_, told) = run("webhook", (0..GROUPS).map(|number| alert(&format!("Down{number}"), number)).collect());
    assert_eq!(told.len(), GROUPS);
}

// The first message tells one group and all that wait with it, so that nothing is left for the seconds that follow.
#[test]
fn a_storm_is_one_message_to_a_place_that_takes_one_a_second() {
    let (_, told) = run("slack", (0..GROUPS).map(|number| alert(&format!("Down{number}"), number)).collect());
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].reason, told[0].alerts.len()), (Reason::Digest, GROUPS), "every alert is counted");
}

#[test]
fn a_few_groups_are_told_one_a_second() {
    let mut options = AlertsOptions::nobody("http://promlet");
    options.route.receiver = "chat".to_owned();
    let to = |index| Integration { kind: "slack", index, send_resolved: true, destination: "here".to_owned(), notify: Arc::new(Unused) };
    let receivers = vec![Receiver { name: "chat".to_owned(), integrations: vec![to(0)] }];
    let mut machine = Machine::new(options, receivers, Ids::seeded(1), Figures::new(&Registry::default()));
    let now = |steady: i64| Now { wall: TimestampMs(steady), steady };
    machine.post((0..3).map(|number| alert(&format!("Down{number}"), number)).collect(), now(1));
    let mut times = Vec::new();
    for at in (0..5_000).step_by(100) {
        for attempt in machine.tick(now(2 + at)) {
            assert_eq!(attempt.notification.alerts.len(), 1);
            machine.report(&attempt.ticket, Ok(Delivered::new("")), Duration::ZERO, now(2 + at));
            times.push(at);
        }
    }
    assert_eq!(times, [0, 1_000, 2_000]);
}
