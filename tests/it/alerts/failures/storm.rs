//! Ten thousand alerts in one evaluation, at a place that takes one message a second.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use promlet::alerts::group::Now;
use promlet::alerts::ids::Ids;
use promlet::alerts::machine::Machine;
use promlet::alerts::metrics::Figures;
use promlet::alerts::notification::{Delivered, Notification, Reason};
use promlet::alerts::options::GroupBy;
use promlet::alerts::{AlertFilter, AlertsOptions, Integration, Receiver};
use promlet::client::SecretSource;
use promlet::clock::Clock;
use promlet::model::{Alert, DurationMs, Labels, Secret, TimestampMs};
use promlet::notify::build;
use promlet::notify::options::{Integration as Configured, NotifyOptions, ReceiverOptions, SlackOptions};
use promlet::telemetry::Registry;

use crate::notify::peers::HttpPeer;

const ALERTS: usize = 10_000;

/// Three quarters of them have one name; each is in a group of its own.
fn alert(number: usize) -> Alert {
    let name = if number % 4 == 3 { "DiskFull" } else { "TargetDown" };
    Alert {
        labels: Labels::from_pairs([("alertname", name), ("instance", format!("box{number}").as_str())]),
        annotations: Labels::empty(),
        starts_at: TimestampMs(0),
        ends_at: TimestampMs(i64::MAX / 2),
        generator_url: String::new(),
        value: Some(0.0),
    }
}

fn chat(port: u16) -> Integration {
    let url = SecretSource::Inline(Secret::new(format!("http://127.0.0.1:{port}/hook")));
    let options = SlackOptions { api_url: Some(url), channel: Some("#c".to_owned()), ..SlackOptions::default() };
    let receiver = ReceiverOptions { name: "chat".to_owned(), integrations: vec![Configured::Slack(Box::new(options))] };
    let options = NotifyOptions { receivers: vec![receiver], ..NotifyOptions::default() };
    build(&options, &Clock::system(), &Registry::default()).unwrap()[0].integrations[0].clone()
}

/// What is told within a minute, each at its time; every attempt succeeds after 200 ms.
fn minute(machine: &mut Machine) -> Vec<(i64, Arc<Notification>)> {
    let now = |steady: i64| Now { wall: TimestampMs(steady), steady };
    machine.post((0..ALERTS).map(alert).collect(), now(1));
    let (mut told, mut open) = (Vec::new(), Vec::new());
    for at in (2..60_000).step_by(100) {
        for (ticket, _) in open.extract_if(.., |(_, until)| *until <= at).collect::<Vec<_>>() {
            machine.report(&ticket, Ok(Delivered::new("")), Duration::from_millis(200), now(at));
        }
        for attempt in machine.tick(now(at)) {
            told.push((at, attempt.notification));
            open.push((attempt.ticket, at + 200));
        }
        machine.take_changes();
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_alerts_are_five_messages_at_most_and_all_are_counted() {
    let peer = HttpPeer::start(&[]).await;
    let chat = chat(peer.port);
    let registry = Registry::default();
    let mut options = AlertsOptions::nobody("http://promlet");
    options.route.receiver = "chat".to_owned();
    options.route.group_by = GroupBy::All;
    options.route.group_wait = DurationMs::seconds(10);
    let receivers = vec![Receiver { name: "chat".to_owned(), integrations: vec![chat.clone()] }];
    let mut machine = Machine::new(options, receivers, Ids::seeded(1), Figures::new(&registry));
    let told = minute(&mut machine);
    assert!(!told.is_empty() && told.len() <= 5, "{} messages", told.len());
    assert!(told.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 1_000), "at most one a second");
    let named: BTreeSet<_> = told.iter().flat_map(|(_, told)| told.alerts.iter().map(|alert| alert.fingerprint)).collect();
    assert_eq!(named.len(), ALERTS, "nobody is left out");
    let at = Now { wall: TimestampMs(60_000), steady: 60_000 };
    assert_eq!(machine.alerts(&AlertFilter::default(), at).len(), ALERTS, "and all are in the API");
    let digest = &told.iter().find(|(_, told)| told.reason == Reason::Digest).expect("a digest").1;
    chat.notify.notify(digest).await.unwrap();
    let said = peer.heard()[0].body.clone();
    let total = digest.alerts.len();
    assert!(said.contains(&format!("{total} alerts firing, 0 resolved")) && said.contains(&format!("+{} more", total - 10)), "{said}");
    let downs = digest.alerts.iter().filter(|alert| alert.alert.name() == "TargetDown").count();
    assert!(said.contains(&format!("Most of them: TargetDown ({downs}), DiskFull ({}).", total - downs)), "{said}");
}
