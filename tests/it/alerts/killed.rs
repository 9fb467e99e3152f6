//! `kill -9` in a loop, under load: no silence is lost, every alert is told, and only a send that was in flight is told twice, with
//! its id. The killed process is this test binary, started again as a child that only runs the routing.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use promlet::alerts::view::DeliveryOutcome;
use promlet::alerts::{AlertFilter, Alerting, AlertsOptions, SilenceRequest};
use promlet::client::SecretSource;
use promlet::clock::Clock;
use promlet::model::{Alert, DurationMs, Labels, Matcher, Secret};
use promlet::notify::build;
use promlet::notify::options::{Integration, NotifyOptions, ReceiverOptions, Sending, WebhookOptions};
use promlet::state::State;
use promlet::telemetry::Registry;

use crate::notify::peers::HttpPeer;

const FOLDER: &str = "PROMLET_TEST_ALERTING_FOLDER";
const PORT: &str = "PROMLET_TEST_ALERTING_PORT";
const ROUND: &str = "PROMLET_TEST_ALERTING_ROUND";
const ROUNDS: usize = 20;
/// Alerts that fire in each round, each in a group of its own.
const PER_ROUND: usize = 15;

fn alert(name: String) -> Alert {
    let now = Clock::system().now();
    Alert {
        labels: Labels::from_pairs([("alertname", name.as_str())]),
        annotations: Labels::empty(),
        starts_at: now,
        ends_at: now + DurationMs::seconds(3600),
        generator_url: String::new(),
        value: Some(1.0),
    }
}

fn start(folder: &str, port: u16) -> Alerting {
    let (clock, registry) = (Clock::system(), Registry::default());
    let mut options = AlertsOptions::nobody("http://promlet");
    options.route.receiver = "hook".to_owned();
    options.route.group_interval = DurationMs(50);
    let webhook = WebhookOptions {
        sending: Sending { send_resolved: true, ..Sending::default() },
        url: SecretSource::Inline(Secret::new(format!("http://127.0.0.1:{port}/"))),
        max_alerts: 0,
        payload: None,
    };
    let receiver = ReceiverOptions { name: "hook".to_owned(), integrations: vec![Integration::Webhook(Box::new(webhook))] };
    let receivers = build(&NotifyOptions { receivers: vec![receiver], ..NotifyOptions::default() }, &clock, &registry).unwrap();
    let state = State::open(folder.as_ref(), &registry).unwrap();
    Alerting::start(options, receivers, state, clock, &registry).unwrap()
}

/// Does nothing in an ordinary run; as a child it routes until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_until_killed() {
    let (Ok(folder), Ok(port), Ok(round)) = (std::env::var(FOLDER), std::env::var(PORT), std::env::var(ROUND)) else { return };
    let alerting = start(&folder, port.parse().unwrap());
    let now = Clock::system().now();
    let silence = SilenceRequest {
        id: None,
        matchers: vec![Matcher::equal("round", round.as_str())],
        starts_at: now,
        ends_at: now + DurationMs::seconds(3600),
        created_by: String::new(),
        comment: String::new(),
        annotations: Labels::empty(),
    };
    println!("silenced {}", alerting.set_silence(silence).await.unwrap());
    for number in 0..PER_ROUND {
        let posted = alert(format!("R{round}N{number}"));
        let posted = promlet::alerts::PostedAlert {
            labels: posted.labels,
            annotations: posted.annotations,
            starts_at: Some(posted.starts_at),
            ends_at: Some(posted.ends_at),
            generator_url: String::new(),
            offsets: Default::default(),
        };
        assert!(alerting.accept(vec![posted]).await.is_empty());
        println!("acknowledged R{round}N{number}");
    }
    std::future::pending::<()>().await;
}

fn child(folder: &std::path::Path, port: u16, round: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["alerts::killed::routes_until_killed", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(PORT, port.to_string())
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads what the child acknowledges, until so many alerts are.
fn listen(child: &mut Child, wanted: usize, silences: &mut Vec<String>, alerts: &mut Vec<String>) {
    let already = alerts.len();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, id)) = line.split_once("silenced ") {
            silences.push(id.to_owned());
        } else if let Some((_, name)) = line.split_once("acknowledged ") {
            alerts.push(name.to_owned());
        }
        if alerts.len() - already == wanted {
            return;
        }
    }
    panic!("the child goes on until it is killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_twenty_times_it_neither_repeats_nor_forgets() {
    let folder = tempfile::tempdir().unwrap();
    let http = HttpPeer::start(&[]).await;
    let (mut silences, mut alerts) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut child = child(folder.path(), http.port, round);
        // Killed at another place each time, with sends under way.
        let wanted = 1 + round * 7 % PER_ROUND;
        tokio::task::block_in_place(|| listen(&mut child, wanted, &mut silences, &mut alerts));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let alerting = start(folder.path().to_str().unwrap(), http.port);
    let known: Vec<String> = alerting.silences(&[]).into_iter().map(|silence| silence.id).collect();
    assert!(silences.iter().all(|id| known.contains(id)), "{} of {} silences", known.len(), silences.len());
    let held = alerting.alerts(&AlertFilter::default());
    assert!(alerts.iter().all(|name| held.iter().any(|view| view.alert.name() == name)), "{} of {} alerts", held.len(), alerts.len());
    let told = || -> BTreeMap<String, Vec<String>> {
        let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for heard in http.heard() {
            let body: serde_json::Value = serde_json::from_str(&heard.body).unwrap();
            let name = body["alerts"][0]["labels"]["alertname"].as_str().unwrap().to_owned();
            told.entry(name).or_default().push(heard.header("x-promlet-notification-id").to_owned());
        }
        told
    };
    let all = async {
        while !alerts.iter().all(|name| told().contains_key(name)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("every acknowledged alert is told");
    alerting.stop().await;
    let twice: Vec<_> = told().into_iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(twice.iter().all(|(_, ids)| ids.iter().all(|id| *id == ids[0])), "a repeat with another id: {twice:?}");
    // Four attempts may be open at once at each kill.
    assert!(twice.len() <= ROUNDS * 4, "{} repeats", twice.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_storm_was_answered_before_a_stop_is_in_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let http = HttpPeer::start(&[]).await;
    let alerting = start(folder.path().to_str().unwrap(), http.port);
    alerting.post((0..200).map(|number| alert(format!("N{number}"))).collect());
    let some = async {
        while http.heard().len() < 50 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), some).await.expect("a part of the storm is told");
    alerting.stop().await;
    let delivered: Vec<String> =
        alerting.deliveries(1000).unwrap().into_iter().filter(|d| d.outcome == DeliveryOutcome::Delivered).map(|d| d.id).collect();
    let heard: Vec<String> = http.heard().iter().map(|heard| heard.header("x-promlet-notification-id").to_owned()).collect();
    assert!(heard.len() < 200, "the stop came too late to show anything");
    assert!(heard.iter().all(|id| delivered.contains(id)), "{} delivered of {}", delivered.len(), heard.len());
}
