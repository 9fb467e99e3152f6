//! Charts: inside of a mail, in the thread of a Slack message, and never in the way of either.

use std::sync::Arc;
use std::time::Duration;

use promlet::alerts::Receiver;
use promlet::alerts::notification::{Notification, Outcome, Threshold};
use promlet::client::SecretSource;
use promlet::clock::Clock;
use promlet::model::{DurationMs, Labels, Secret};
use promlet::notify::evidence::{Line, Window};
use promlet::notify::options::{EmailOptions, Integration, NotifyOptions, ReceiverOptions, SlackOptions};
use promlet::notify::{Evidence, build_with};
use promlet::telemetry::Registry;

use super::mail;
use super::peers::{HttpPeer, MailPeer, MailScript};

const POSTED: &str = r#"{"ok":true,"channel":"C024BE91L","ts":"1503435956.000247"}"#;

fn evidence() -> Evidence {
    let course = |window: &Window| {
        let count = (window.end.0 - window.start.0) / window.step.0;
        let points = (0..=count).map(|n| (window.start + DurationMs(n * window.step.0), (n % 50) as f64)).collect();
        Ok(vec![Line { labels: Labels::empty(), points }])
    };
    Evidence { threshold: Arc::new(|_| Some(Threshold { operator: ">", value: 30.0 })), course: Arc::new(course) }
}

fn told() -> Notification {
    let mut told = mail::notification();
    told.alerts[0].alert.generator_url = "http://promlet/graph?g0.expr=x+%3E+30&g0.tab=1".to_owned();
    told.alerts[0].alert.value = Some(31.0);
    told
}

fn receivers(integration: Integration, options: NotifyOptions) -> Vec<Receiver> {
    let receiver = ReceiverOptions { name: "all".to_owned(), integrations: vec![integration] };
    let options = NotifyOptions { receivers: vec![receiver], ..options };
    build_with(&options, Some(evidence()), &Clock::system(), &Registry::default()).unwrap()
}

async fn send(receivers: &[Receiver]) -> Outcome {
    receivers[0].integrations[0].notify.notify(&told()).await
}

fn slack(app_url: String) -> SlackOptions {
    let token = Some(SecretSource::Inline(Secret::new("xoxb-1")));
    SlackOptions { app_token: token, app_url, channel: Some("#c".to_owned()), ..SlackOptions::default() }
}

async fn until_heard(peer: &HttpPeer, count: usize) {
    let all = async {
        while peer.heard().len() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("it is heard in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_puts_the_chart_into_the_thread_of_its_message() {
    let files = HttpPeer::start(&[]).await;
    let place = format!(r#"{{"ok":true,"upload_url":"http://127.0.0.1:{}/upload/v1/abc","file_id":"F0123456789"}}"#, files.port);
    let api = HttpPeer::start(&[POSTED, &place, r#"{"ok":true,"files":[]}"#]).await;
    let app = slack(format!("http://127.0.0.1:{}/api/chat.postMessage", api.port));
    send(&receivers(Integration::Slack(Box::new(app)), NotifyOptions::default())).await.unwrap();
    until_heard(&api, 3).await;
    let heard = api.heard();
    let paths: Vec<&str> = heard.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/api/chat.postMessage", "/api/files.getUploadURLExternal", "/api/files.completeUploadExternal"]);
    assert!(heard.iter().all(|request| request.header("authorization") == "Bearer xoxb-1"));
    assert!(heard[0].body.contains(r"(threshold: \u0026gt; 30)"), "{}", heard[0].body);
    let uploaded = &files.heard()[0];
    assert_eq!((uploaded.path.as_str(), uploaded.header("content-type")), ("/upload/v1/abc", "image/png"));
    let length = uploaded.header("content-length");
    assert!(
        uploaded.body.contains("PNG") && heard[1].body.contains(&format!("&filename=chart-1.png&length={length}")),
        "{}",
        heard[1].body
    );
    assert_eq!(heard[1].header("content-type"), "application/x-www-form-urlencoded");
    let shared: serde_json::Value = serde_json::from_str(&heard[2].body).unwrap();
    assert_eq!(
        (&shared["channel_id"], &shared["thread_ts"], &shared["files"][0]["id"]),
        (&"C024BE91L".into(), &"1503435956.000247".into(), &"F0123456789".into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_may_not_upload_is_asked_once_and_its_messages_go() {
    let refused = r#"{"ok":false,"error":"missing_scope","needed":"files:write"}"#;
    let api = HttpPeer::start(&[POSTED, refused, POSTED, POSTED]).await;
    let app = slack(format!("http://127.0.0.1:{}/api/chat.postMessage", api.port));
    let registry = Registry::default();
    let receiver = ReceiverOptions { name: "all".to_owned(), integrations: vec![Integration::Slack(Box::new(app))] };
    let options = NotifyOptions { receivers: vec![receiver], ..NotifyOptions::default() };
    let receivers = build_with(&options, Some(evidence()), &Clock::system(), &registry).unwrap();
    send(&receivers).await.unwrap();
    let refused = registry.counter("promlet_notification_chart_uploads_total", "", &[("outcome", "failed")]);
    let noted = async {
        while refused.get() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), noted).await.expect("the refusal is noted");
    send(&receivers).await.unwrap();
    send(&receivers).await.unwrap();
    let asked = api.heard().iter().filter(|request| request.path.contains("getUploadURLExternal")).count();
    assert_eq!(asked, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_and_texts_of_ones_own_have_none() {
    let hook = HttpPeer::start(&[]).await;
    let api = HttpPeer::start(&[POSTED]).await;
    let webhook = SlackOptions { app_token: None, ..slack(format!("http://127.0.0.1:{}/services/T/B/x", hook.port)) };
    let own = SlackOptions { text: Some("mine".to_owned()), ..slack(format!("http://127.0.0.1:{}/api/chat.postMessage", api.port)) };
    send(&receivers(Integration::Slack(Box::new(webhook)), NotifyOptions::default())).await.unwrap();
    send(&receivers(Integration::Slack(Box::new(own)), NotifyOptions::default())).await.unwrap();
    assert_eq!((hook.heard().len(), api.heard().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_shows_its_chart_unless_it_is_not_wanted() {
    let peer = MailPeer::start(MailScript::default()).await;
    let mail = |options: EmailOptions| Integration::Email(Box::new(options));
    let mut written = Vec::new();
    let no_charts = NotifyOptions { no_charts: true, ..NotifyOptions::default() };
    let upstream = NotifyOptions { upstream_texts: true, ..NotifyOptions::default() };
    for options in [NotifyOptions::default(), no_charts, upstream] {
        let before = peer.said().len();
        send(&receivers(mail(mail::options(peer.port)), options)).await.unwrap();
        written.push(peer.said()[before..].to_owned());
    }
    assert!(written[0].contains("cid:chart-1.an-id@localhost") && written[0].contains("image/png"), "{}", written[0]);
    assert!(!written[1].contains("image/png") && written[1].contains("threshold: >"), "{}", written[1]);
    assert!(!written[2].contains("image/png") && !written[2].contains("threshold"), "{}", written[2]);
}
