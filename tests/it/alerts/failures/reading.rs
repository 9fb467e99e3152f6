//! What is read from the outside: a ledger that is damaged, a secret's file that changes, a message that somebody deleted.

use promlet::alerts::notification::{FailureKind, Notification, Outcome};
use promlet::alerts::{Alerting, AlertsOptions, Receiver};
use promlet::client::SecretSource;
use promlet::clock::Clock;
use promlet::model::{DurationMs, Secret};
use promlet::notify::build;
use promlet::notify::options::{Integration, NotifyOptions, ReceiverOptions, Sending, SlackOptions};
use promlet::state::{FILE_NAME, State};
use promlet::telemetry::Registry;

use crate::notify::flow::webhook;
use crate::notify::mail::notification;
use crate::notify::peers::HttpPeer;

fn built(integration: Integration) -> Vec<Receiver> {
    let receiver = ReceiverOptions { name: "all".to_owned(), integrations: vec![integration] };
    let options = NotifyOptions { receivers: vec![receiver], ..NotifyOptions::default() };
    build(&options, &Clock::system(), &Registry::default()).unwrap()
}

async fn send(receivers: &[Receiver], notification: &Notification) -> Outcome {
    receivers[0].integrations[0].notify.notify(notification).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_ledger_keeps_nobody_from_being_told() {
    let (folder, registry) = (tempfile::tempdir().unwrap(), Registry::default());
    std::fs::write(folder.path().join(FILE_NAME), b"SQLite format 3\0 and then nothing that makes sense").unwrap();
    let http = HttpPeer::start(&[]).await;
    let state = State::open(folder.path(), &registry).unwrap();
    let mut options = AlertsOptions::nobody("http://promlet");
    options.route.receiver = "all".to_owned();
    options.route.group_wait = DurationMs::ZERO;
    let alerting = Alerting::start(options, built(webhook(http.port)), state, Clock::system(), &registry).unwrap();
    let mut alert = notification().alerts.remove(0).alert;
    alert.starts_at = Clock::system().now();
    alerting.post(vec![alert]);
    let heard = async {
        while http.heard().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), heard).await.expect("somebody is told");
    assert!(folder.path().join(format!("{FILE_NAME}.damaged")).exists(), "what is damaged is kept");
    alerting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_read_at_every_send_and_a_missing_one_is_that_receivers_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    let (first, second) = (HttpPeer::start(&[]).await, HttpPeer::start(&[]).await);
    let options = SlackOptions {
        sending: Sending::default(),
        api_url: Some(SecretSource::File(file.clone())),
        channel: Some("#c".to_owned()),
        ..SlackOptions::default()
    };
    let receivers = built(Integration::Slack(Box::new(options)));
    let failure = send(&receivers, &notification()).await.expect_err("there is no file yet");
    assert!(matches!(failure.kind, FailureKind::Retry { .. }) && failure.detail.contains("url"), "{failure}");
    for peer in [&first, &second] {
        std::fs::write(&file, format!("http://127.0.0.1:{}/hook\n", peer.port)).unwrap();
        send(&receivers, &notification()).await.unwrap();
    }
    assert_eq!((first.heard().len(), second.heard().len()), (1, 1), "no reload was needed");
    std::fs::remove_file(&file).unwrap();
    assert!(send(&receivers, &notification()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_was_deleted_gives_way_to_a_new_one() {
    let posted = r#"{"ok":true,"channel":"C024BE91L","ts":"99.000"}"#;
    let api = HttpPeer::start(&[r#"{"ok":false,"error":"message_not_found"}"#, posted]).await;
    let options = SlackOptions {
        app_token: Some(SecretSource::Inline(Secret::new("xoxb-1"))),
        app_url: format!("http://127.0.0.1:{}/api/chat.postMessage", api.port),
        channel: Some("#c".to_owned()),
        update_message: true,
        ..SlackOptions::default()
    };
    let told = Notification { memo: Some("C024BE91L 1.000".to_owned()), ..notification() };
    let delivered = send(&built(Integration::Slack(Box::new(options))), &told).await.unwrap();
    assert_eq!(delivered.memo.as_deref(), Some("C024BE91L 99.000"), "the next change is of the new one");
    let paths: Vec<String> = api.heard().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/api/chat.update", "/api/chat.postMessage"]);
}
