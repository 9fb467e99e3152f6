//! What each provider's refusals mean, over real requests: which are final, which are worth another try, and when.

use std::collections::BTreeMap;

use promlet::alerts::Integration;
use promlet::alerts::notification::{FailureKind, Outcome};
use promlet::client::SecretSource;
use promlet::clock::Clock;
use promlet::model::Secret;
use promlet::notify::build;
use promlet::notify::options::{GotifyOptions, Integration as Configured, NotifyOptions, NtfyOptions, ReceiverOptions, Sending};
use promlet::telemetry::Registry;
use serde_json::{Value, json};

use super::golden::{RECORDED, built, listen, notification, story};

/// Each provider, and a way to reach it where there are two.
const PROVIDERS: [&str; 22] = [
    "webhook",
    "slack-defaults",
    "slack-bot",
    "pagerduty-defaults",
    "pagerduty-v1",
    "opsgenie-defaults",
    "victorops",
    "pushover",
    "sns",
    "discord",
    "msteams",
    "msteamsv2",
    "telegram",
    "wechat",
    "webex",
    "rocketchat",
    "mattermost",
    "jira",
    "jira-v3",
    "incidentio",
    "ntfy",
    "gotify",
];
const FINAL: [u16; 8] = [400, 401, 403, 404, 405, 410, 413, 422];
const PASSING: [u16; 6] = [408, 429, 500, 502, 503, 504];
/// Where one says it otherwise: the month's quota at Pushover, the rate limit of PagerDuty's first API.
const OTHERWISE: [(&str, u16, &str); 2] = [("pushover", 429, "final"), ("pagerduty-v1", 403, "retry")];

fn word(outcome: &Outcome) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(failure) => match failure.kind {
            FailureKind::GiveUp => "final".to_owned(),
            FailureKind::Retry { after: None } => "retry".to_owned(),
            FailureKind::Retry { after: Some(after) } => format!("retry after {} s", (after.0 + 999) / 1000),
        },
    }
}

/// The provider at this port.
fn reached(name: &str, port: u16) -> Integration {
    let secret = || SecretSource::Inline(Secret::new("t"));
    let url = format!("http://127.0.0.1:{port}/{name}");
    let own = match name {
        "ntfy" => Configured::Ntfy(Box::new(NtfyOptions {
            sending: Sending::default(),
            url,
            topic: "box".to_owned(),
            token: Some(secret()),
            title: None,
            message: None,
            priority: None,
            tags: None,
            click: None,
        })),
        "gotify" => Configured::Gotify(Box::new(GotifyOptions {
            sending: Sending::default(),
            url,
            token: secret(),
            title: None,
            message: None,
            priority: None,
        })),
        _ => {
            let recorded: BTreeMap<String, Value> = serde_json::from_str(RECORDED).unwrap();
            return built(name, recorded[name]["receiver"].as_str().unwrap(), port, false);
        }
    };
    let receiver = ReceiverOptions { name: "own".to_owned(), integrations: vec![own] };
    let options = NotifyOptions { receivers: vec![receiver], ..NotifyOptions::default() };
    build(&options, &Clock::system(), &Registry::default()).unwrap()[0].integrations[0].clone()
}

/// What comes of a notification that is answered so, again and again.
async fn answered(name: &str, status: u16, headers: &str) -> String {
    let answer = json!({"status": status.to_string(), "answer": "no", "headers": headers});
    let (port, heard) = listen(name, &vec![answer; 4]).await;
    let integration = reached(name, port);
    let [(reason, alerts), ..] = story();
    let outcome = integration.notify.notify(&notification(name, reason, alerts, None)).await;
    assert!(!heard.lock().unwrap().is_empty(), "{name} was asked");
    if let Err(failure) = &outcome {
        assert!(failure.detail.contains(&status.to_string()), "{name} {status}: {failure}");
    }
    word(&outcome)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_provider_gives_up_what_is_refused_and_tries_again_what_may_pass() {
    let mut wrong = Vec::new();
    for name in PROVIDERS {
        for status in FINAL.into_iter().chain(PASSING) {
            let usual = if FINAL.contains(&status) { "final" } else { "retry" };
            let special = OTHERWISE.iter().find(|(provider, code, _)| (*provider, *code) == (name, status));
            let expected = special.map_or(usual, |(.., word)| word);
            let said = answered(name, status, "").await;
            if said != expected {
                wrong.push(format!("{name} {status}: {said} instead of {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_provider_is_left_alone_as_long_as_it_says() {
    let at = Clock::system().now().0 + 40_000;
    let date = jiff::Timestamp::from_millisecond(at).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    for name in PROVIDERS.into_iter().filter(|name| *name != "pushover") {
        for status in [429, 503] {
            let said = answered(name, status, "Retry-After: 7\r\n").await;
            assert_eq!(said, "retry after 7 s", "{name} {status}");
        }
        let said = answered(name, 429, &format!("Retry-After: {date}\r\n")).await;
        let seconds: i64 =
            said.trim_start_matches("retry after ").trim_end_matches(" s").parse().unwrap_or_else(|_| panic!("{name}: {said}"));
        assert!((10..=40).contains(&seconds), "{name}: {said}");
    }
}
