//! Whole way: an alert posted, routed, sent over sockets, told as resolved; restarts; busy, broken and silent receivers.

use std::time::Duration;

use promlet::alerts::view::DeliveryOutcome;
use promlet::alerts::{AlertFilter, Alerting, AlertsOptions, SilenceRequest};
use promlet::client::SecretSource;
use promlet::clock::Clock;
use promlet::model::{Alert, DurationMs, Labels, Matcher, Secret};
use promlet::notify::options::{Integration, NotifyOptions, ReceiverOptions, Sending, SlackOptions, WebhookOptions};
use promlet::notify::{StepState, build, trial};
use promlet::state::State;
use promlet::telemetry::Registry;

use super::mail::{email, tls_acceptor};
use super::peers::{HttpPeer, MailPeer, MailScript};

/// Longest wait for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

fn routing() -> AlertsOptions {
    let mut options = AlertsOptions::nobody("http://promlet:9090");
    options.receivers = vec!["all".to_owned()];
    options.route.receiver = "all".to_owned();
    options.route.group_interval = DurationMs(200);
    options.route.repeat_interval = DurationMs::seconds(3600);
    options
}

pub fn webhook(port: u16) -> Integration {
    Integration::Webhook(Box::new(WebhookOptions {
        sending: Sending { send_resolved: true, ..Sending::default() },
        url: SecretSource::Inline(Secret::new(format!("http://127.0.0.1:{port}/hook"))),
        max_alerts: 0,
        payload: None,
    }))
}

fn slack(port: u16) -> Integration {
    Integration::Slack(Box::new(SlackOptions {
        sending: Sending { send_resolved: true, ..Sending::default() },
        api_url: Some(SecretSource::Inline(Secret::new(format!("http://127.0.0.1:{port}/slack")))),
        channel: Some("#c".to_owned()),
        ..SlackOptions::default()
    }))
}

fn receivers(integrations: Vec<Integration>) -> NotifyOptions {
    NotifyOptions { receivers: vec![ReceiverOptions { name: "all".to_owned(), integrations }], ..NotifyOptions::default() }
}

fn start(folder: &std::path::Path, integrations: Vec<Integration>) -> Alerting {
    let (clock, registry) = (Clock::system(), Registry::default());
    let state = State::open(folder, &registry).unwrap();
    let receivers = build(&receivers(integrations), &clock, &registry).unwrap();
    Alerting::start(routing(), receivers, state, clock, &registry).unwrap()
}

fn alert(ends_in: i64) -> Alert {
    let now = Clock::system().now();
    Alert {
        labels: Labels::from_pairs([("alertname", "AllUp"), ("severity", "page")]),
        annotations: Labels::from_pairs([("summary", "3 boxes up")]),
        starts_at: now,
        ends_at: now + DurationMs(ends_in),
        generator_url: "http://promlet:9090/query?g0.expr=up".to_owned(),
        value: Some(3.0),
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firing_and_resolved_are_heard_by_all_three_and_a_restart_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (http, mail) = (HttpPeer::start(&[]).await, MailPeer::start(MailScript::default()).await);
    let integrations = || vec![webhook(http.port), slack(http.port), email(mail.port)];
    let alerting = start(folder.path(), integrations());
    alerting.post(vec![alert(600_000)]);
    until("three deliveries", || delivered(&alerting) == 3).await;
    alerting.stop().await;
    drop(alerting);
    let hook = http.heard().into_iter().find(|heard| heard.path == "/hook").unwrap();
    assert!(hook.body.contains(r#""status":"firing""#) && hook.body.contains("3 boxes up"), "{}", hook.body);
    assert!(hook.header("user-agent").starts_with("promlet/"));
    assert_eq!(hook.header("x-promlet-notification-id").len(), 36);
    assert!(mail.said().contains("Subject: [FIRING:1] AllUp (page)"), "{}", mail.said());

    let alerting = start(folder.path(), integrations());
    alerting.post(vec![alert(600_000)]);
    assert_eq!(alerting.alerts(&AlertFilter::default()).len(), 1);
    alerting.post(vec![alert(0)]);
    until("three more deliveries", || delivered(&alerting) == 6).await;
    let statuses: Vec<String> = alerting.deliveries(10).unwrap().into_iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, ["resolved", "resolved", "resolved", "firing", "firing", "firing"]);
    assert_eq!(http.heard().len(), 4);
    assert!(mail.said().contains("Subject: [RESOLVED] AllUp (page)"));
    assert!(alerting.alerts(&AlertFilter::default()).is_empty());
    alerting.stop().await;
}

fn delivered(alerting: &Alerting) -> usize {
    alerting.deliveries(10).unwrap().iter().filter(|delivery| delivery.outcome == DeliveryOutcome::Delivered).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_slack_is_tried_again_and_a_silent_one_delays_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let broken = HttpPeer::start(&["500 Oops", "429 Busy\r\nRetry-After: 1"]).await;
    let silent = HttpPeer::start(&["hang", "hang"]).await;
    let fine = HttpPeer::start(&[]).await;
    let alerting = start(folder.path(), vec![slack(broken.port), slack(silent.port), webhook(fine.port)]);
    alerting.post(vec![alert(600_000)]);
    until("the webhook", || fine.heard().len() == 1).await;
    until("the third attempt", || delivered(&alerting) == 2).await;
    assert_eq!(broken.heard().len(), 3);
    let ids: Vec<String> = broken.heard().iter().map(|heard| heard.header("x-promlet-notification-id").to_owned()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "one id for every attempt: {ids:?}");
    let open = alerting.deliveries(10).unwrap().into_iter().find(|delivery| delivery.integration == "slack[1]").unwrap();
    assert_eq!(open.outcome, DeliveryOutcome::Retrying);
    let told = alerting.deliveries(10).unwrap().into_iter().find(|delivery| delivery.integration == "slack[0]").unwrap();
    assert_eq!((told.attempts, told.outcome), (3, DeliveryOutcome::Delivered));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silence_is_kept_over_a_restart_and_shows_why_nothing_was_heard() {
    let folder = tempfile::tempdir().unwrap();
    let http = HttpPeer::start(&[]).await;
    let alerting = start(folder.path(), vec![webhook(http.port)]);
    let now = Clock::system().now();
    let request = SilenceRequest {
        id: None,
        matchers: vec![Matcher::equal("alertname", "AllUp")],
        starts_at: now,
        ends_at: now + DurationMs::seconds(600),
        created_by: "me".to_owned(),
        comment: "why".to_owned(),
        annotations: Labels::empty(),
    };
    let id = alerting.set_silence(request).await.unwrap();
    alerting.stop().await;
    drop(alerting);
    let alerting = start(folder.path(), vec![webhook(http.port)]);
    alerting.post(vec![alert(600_000)]);
    let view = alerting.alerts(&AlertFilter::default()).remove(0);
    assert_eq!(view.silenced_by, std::slice::from_ref(&id));
    let trail = || alerting.trail(&view.fingerprint, 10).unwrap();
    until("the reason", || trail().iter().any(|line| line.decision == "silenced" && line.detail.contains(&id))).await;
    assert!(http.heard().is_empty());
    alerting.expire_silence(&id).await.unwrap();
    until("the message", || !http.heard().is_empty()).await;
    until("the end of the story", || trail().first().is_some_and(|line| line.decision == "notified")).await;
    let decisions: Vec<String> = trail().into_iter().rev().map(|line| line.decision).collect();
    assert_eq!(decisions, ["firing", "silenced", "released", "notified"]);
    alerting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_tells_each_step_and_the_reason_of_a_failure() {
    let http = HttpPeer::start(&["404 Not Found"]).await;
    let mail = MailPeer::start(MailScript { starttls: Some(tls_acceptor()), ..MailScript::default() }).await;
    let options = receivers(vec![webhook(http.port), email(mail.port)]);
    let mut steps = trial("all", &options, "http://promlet:9090", &Clock::system(), &Registry::default()).unwrap();
    let mut told = Vec::new();
    while let Some(step) = steps.recv().await {
        told.push((step.state, step.text));
    }
    let has =
        |state: StepState, text: &str| assert!(told.iter().any(|(own, said)| *own == state && said.contains(text)), "{text}: {told:#?}");
    has(StepState::Heading, "all webhook[0]");
    has(StepState::Done, "connected to 127.0.0.1");
    has(StepState::Failed, "HTTP 404 Not Found");
    has(StepState::Done, "not encrypted (require_tls: false), although the server offers it");
    has(StepState::Done, "recipient me@localhost accepted");
    has(StepState::Done, "delivered: 250 kept");
    let unknown = trial("nope", &options, "", &Clock::system(), &Registry::default()).unwrap_err().to_string();
    assert!(unknown.contains("names all"), "{unknown}");
}
