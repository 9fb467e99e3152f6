//! Every receiver against what Alertmanager 0.33.1 sent: `tests/notify/receivers.json` holds the receivers, the requests that were heard and
//! what was answered (`.ci/receivers.py --record` makes it). The same three notifications must make the same requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use promlet::alerts::notification::{Measured, Notification, NotifiedAlert, Reason, Status};
use promlet::alerts::{Integration, fingerprint};
use promlet::clock::Clock;
use promlet::config::{Checkers, load_alertmanager};
use promlet::model::{Alert, DurationMs, Labels, TimestampMs};
use promlet::notify::build;
use promlet::telemetry::Registry;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::mail::tls_acceptor;

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_767_225_600_000;
pub const RECORDED: &str = include_str!("../../notify/receivers.json");
/// The headers that mean something to a receiver.
const HEADERS: [&str; 5] = ["authorization", "content-type", "x-auth-token", "x-user-id", "x-amz-date"];

trait Both: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Both for T {}

pub type Heard = Arc<Mutex<Vec<Value>>>;

/// Answers as was recorded, in order; a proxy for what lies elsewhere.
pub async fn listen(name: &str, requests: &[Value]) -> (u16, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard: Heard = Arc::default();
    let (prefix, known, requests) = (format!("/{name}"), heard.clone(), requests.to_vec());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, prefix.clone(), known.clone(), requests.clone()));
        }
    });
    (port, heard)
}

async fn serve(stream: TcpStream, prefix: String, heard: Heard, requests: Vec<Value>) -> Option<()> {
    let mut stream: BufReader<Box<dyn Both>> = BufReader::new(Box::new(stream));
    let mut host = None;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let (method, path) =
            line.split_once(' ').map(|(method, rest)| (method.to_owned(), rest.split(' ').next().unwrap_or("").to_owned()))?;
        let mut headers = BTreeMap::new();
        loop {
            line.clear();
            stream.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        if method == "CONNECT" {
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
            let inner: Box<dyn Both> = Box::new(tls_acceptor().accept(stream.into_inner()).await.ok()?);
            (stream, host) = (BufReader::new(inner), Some(path));
            continue;
        }
        let mut body = vec![0; headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
        stream.read_exact(&mut body).await.ok()?;
        let path = match &host {
            Some(host) => format!("https://{host}{path}"),
            None => path.strip_prefix(&prefix).unwrap_or(&path).to_owned(),
        };
        let headers: BTreeMap<&str, String> =
            HEADERS.iter().filter_map(|name| headers.get(*name).map(|value| (*name, normal(name, value)))).collect();
        let body = String::from_utf8(body).unwrap();
        let number = heard.lock().unwrap().len();
        heard.lock().unwrap().push(serde_json::json!({"method": method, "path": path, "headers": headers, "body": body}));
        let recorded = requests.get(number).cloned().unwrap_or_default();
        let (status, answer) = (recorded["status"].as_str().unwrap_or("500"), recorded["answer"].as_str().unwrap_or("one too many"));
        let kind = if answer.starts_with('{') { "application/json" } else { "text/plain" };
        let more = recorded["headers"].as_str().unwrap_or("");
        let text = format!("HTTP/1.1 {status} X\r\n{more}Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
        stream.write_all(text.as_bytes()).await.ok()?;
    }
}

/// Without days and signatures.
fn normal(name: &str, value: &str) -> String {
    match name {
        "x-amz-date" => "*".to_owned(),
        "authorization" if value.starts_with("AWS4") => {
            let scope = value.split(", SignedHeaders=").next().unwrap_or("");
            scope.split('/').enumerate().map(|(n, part)| if n == 1 { "DAY" } else { part }).collect::<Vec<_>>().join("/")
        }
        _ => value.to_owned(),
    }
}

fn disk(instance: &str, ends_at: Option<i64>) -> NotifiedAlert {
    let labels = Labels::from_pairs([("alertname", "Disk"), ("instance", instance), ("severity", "critical"), ("job", "node")]);
    let summary = format!("disk of {instance} is full");
    let alert = Alert {
        annotations: Labels::from_pairs([("summary", summary.as_str()), ("description", "90% <used> & \"rising\"")]),
        starts_at: TimestampMs(NEW_YEAR),
        ends_at: TimestampMs(ends_at.unwrap_or(i64::MAX)),
        generator_url: "http://p.example/graph?g0.expr=x+%3E+1&g0.tab=1".to_owned(),
        value: None,
        labels: labels.clone(),
    };
    let status = if ends_at.is_some() { Status::Resolved } else { Status::Firing };
    NotifiedAlert { fingerprint: fingerprint::of(&labels), alert, status, ended_while_down: false, measured: Measured::default() }
}

/// The moments that stand for `START`, `END1` and `END2`.
const MOMENTS: [(&str, &str); 3] = [("START", "2026-01-01T00:00:00Z"), ("END1", "2026-01-01T00:01:02Z"), ("END2", "2026-01-01T00:01:05Z")];

/// Three fire; one of them ends; the others end.
pub fn story() -> [(Reason, Vec<NotifiedAlert>); 3] {
    let (end1, end2) = (Some(NEW_YEAR + 62_000), Some(NEW_YEAR + 65_000));
    [
        (Reason::First, vec![disk("a:9100", None), disk("b:9100", None), disk("c:9100", None)]),
        (Reason::SomeResolved, vec![disk("a:9100", None), disk("b:9100", end1), disk("c:9100", None)]),
        (Reason::AllResolved, vec![disk("a:9100", end2), disk("c:9100", end2)]),
    ]
}

pub fn notification(receiver: &str, reason: Reason, alerts: Vec<NotifiedAlert>, memo: Option<String>) -> Notification {
    let fires = alerts.iter().any(|alert| alert.status == Status::Firing);
    Notification {
        id: "an-id".to_owned(),
        receiver: receiver.to_owned(),
        integration: String::new(),
        status: if fires { Status::Firing } else { Status::Resolved },
        reason,
        alerts,
        group_labels: Labels::from_pairs([("alertname", "Disk")]),
        route_labels: Labels::empty(),
        group_key: "{}/{}:{alertname=\"Disk\"}".to_owned(),
        external_url: "http://am.example/x".to_owned(),
        at: TimestampMs(NEW_YEAR + 65_000),
        may_repeat: false,
        memo,
        in_place_of: Vec::new(),
        deadline: DurationMs::seconds(30),
    }
}

pub fn built(name: &str, body: &str, port: u16, upstream_texts: bool) -> Integration {
    let body = body.replace("BASE", &format!("http://127.0.0.1:PORT/{name}")).replace("PORT", &port.to_string());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alertmanager.yml");
    std::fs::write(&file, format!("route: {{receiver: {name}}}\nreceivers:\n- name: {name}\n  {body}\n")).unwrap();
    let mut options = load_alertmanager(&file, "http://am.example/x", &Checkers::none()).unwrap().notify;
    options.upstream_texts = upstream_texts;
    build(&options, &Clock::system(), &Registry::default()).unwrap()[0].integrations[0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_are_sent_what_alertmanager_sends() {
    let recorded: BTreeMap<String, Value> = serde_json::from_str(RECORDED).unwrap();
    assert!(recorded.len() >= 40);
    let mut wrong = Vec::new();
    for (name, case) in &recorded {
        let requests = case["requests"].as_array().unwrap();
        let (port, heard) = listen(name, requests).await;
        let integration = built(name, case["receiver"].as_str().unwrap(), port, true);
        let mut memo = None;
        for (reason, alerts) in story() {
            let told = integration.notify.notify(&notification(name, reason, alerts, memo.clone())).await;
            match told {
                Ok(delivered) => memo = delivered.memo.or(memo),
                Err(failure) => wrong.push(format!("{name}: {failure}")),
            }
        }
        let heard = heard.lock().unwrap().clone();
        if heard.len() != requests.len() {
            wrong.push(format!("{name}: {} requests instead of {}", heard.len(), requests.len()));
        }
        for (ours, theirs) in heard.iter().zip(requests) {
            for part in ["method", "path", "headers", "body"] {
                let theirs = MOMENTS.iter().fold(theirs[part].to_string(), |text, (word, moment)| text.replace(word, moment));
                let ours = ours[part].to_string();
                if ours != theirs {
                    wrong.push(format!("{name} {part}\n  {ours}\n  {theirs}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What says yes to everybody.
fn yes() -> Vec<Value> {
    let answer = r#"{"ok":true,"success":true,"errcode":0,"access_token":"t","issues":[]}"#;
    vec![serde_json::json!({"status": "200", "answer": answer}); 9]
}

/// All that was heard about the first notification of the story, in one text.
async fn first_heard(name: &str, body: &str) -> String {
    let (port, heard) = listen(name, &yes()).await;
    let [(reason, alerts), ..] = story();
    let integration = built(name, body, port, false);
    integration.notify.notify(&notification(name, reason, alerts, None)).await.unwrap();
    let heard = heard.lock().unwrap().clone();
    heard.iter().map(|one| format!("{} {}\n", one["path"].as_str().unwrap(), one["body"].as_str().unwrap())).collect()
}

fn tells(text: &str) -> bool {
    text.contains("disk of a:9100 is full") || text.contains("disk+of+a%3A9100+is+full")
}

/// Receivers that leave their texts open.
const OPEN: [&str; 12] = [
    "opsgenie-defaults",
    "discord",
    "msteams",
    "msteamsv2",
    "telegram",
    "pushover",
    "victorops",
    "wechat",
    "webex",
    "jira",
    "rocketchat",
    "mattermost",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_templates_every_receiver_says_what_happened() {
    let recorded: BTreeMap<String, Value> = serde_json::from_str(RECORDED).unwrap();
    for name in OPEN {
        let said = first_heard(name, recorded[name]["receiver"].as_str().unwrap()).await;
        assert!(tells(&said) && !said.contains("Alertmanager"), "{name}: {said}");
    }
}

/// One text of each receiver that fails when there are alerts.
const BROKEN: [(&str, &str); 14] = [
    ("pagerduty", "pagerduty_configs: [{routing_key: k, url: BASE/, description: '{{ .Nope }}'}]"),
    ("opsgenie", "opsgenie_configs: [{api_key: k, api_url: BASE/, description: '{{ .Nope }}'}]"),
    ("victorops", "victorops_configs: [{api_key: k, api_url: BASE/, routing_key: r, state_message: '{{ .Nope }}'}]"),
    ("discord", "discord_configs: [{webhook_url: BASE/, message: '{{ .Nope }}'}]"),
    ("msteams", "msteams_configs: [{webhook_url: BASE/, text: '{{ .Nope }}'}]"),
    ("msteamsv2", "msteamsv2_configs: [{webhook_url: BASE/, text: '{{ .Nope }}'}]"),
    ("telegram", "telegram_configs: [{api_url: BASE, bot_token: t, chat_id: 1, message: '<b>{{ .Nope }}</b>'}]"),
    ("telegram-plain", "telegram_configs: [{api_url: BASE, bot_token: t, chat_id: 1, parse_mode: '', message: '{{ .Nope }}'}]"),
    ("wechat", "wechat_configs: [{api_url: BASE/, api_secret: s, corp_id: c, message: '{{ .Nope }}'}]"),
    ("webex", "webex_configs: [{api_url: BASE/, room_id: r, http_config: {authorization: {credentials: c}}, message: '{{ .Nope }}'}]"),
    ("rocketchat", "rocketchat_configs: [{api_url: BASE/, token: t, token_id: i, text: '{{ .Nope }}'}]"),
    ("mattermost", "mattermost_configs: [{webhook_url: BASE/, text: '{{ .Nope }}'}]"),
    ("jira", "jira_configs: [{api_url: BASE/rest/api/2, project: P, issue_type: B, description: '{{ .Nope }}'}]"),
    ("sns", "sns_configs: [{api_url: BASE/, topic_arn: t, sigv4: {region: r, access_key: a, secret_key: s}, message: '{{ .Nope }}'}]"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_that_fails_blanks_nothing_anywhere() {
    for (name, body) in BROKEN {
        let said = first_heard(name, body).await;
        assert!(tells(&said), "{name}: {said}");
        assert!(said.contains("template of") || said.contains("template+of"), "{name} says what failed: {said}");
    }
    let payload = "webhook_configs: [{url: BASE/hook, payload: {title: '{{ .Nope }}'}}]";
    let said = first_heard("webhook", payload).await;
    assert!(tells(&said) && said.contains("\"groupKey\""), "a payload that fails gives way to the standing one: {said}");
}

/// As ntfy's and Gotify's documentation want it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ntfy_and_gotify_stand_in_promlet_yml() {
    let (port, heard) = listen("own", &yes()).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let routes = write("alertmanager.yml", "route: {receiver: phone}\nreceivers: [{name: phone}]\n");
    let ours = write(
        "promlet.yml",
        &format!(
            "receivers:\n- name: phone\n  ntfy_configs: [{{url: 'http://127.0.0.1:{port}/own/', topic: box, token: tk}}]\n  \
             gotify_configs: [{{url: 'http://127.0.0.1:{port}/own', token: app, priority: '7'}}]\n"
        ),
    );
    let loaded = load_alertmanager(&routes, "http://am.example/x", &Checkers::none()).unwrap();
    let (mut alerts, mut options) = (loaded.alerts, loaded.notify);
    promlet::config::load_promlet(&ours).unwrap().add_to(&mut alerts, &mut options).unwrap();
    let integrations = build(&options, &Clock::system(), &Registry::default()).unwrap()[0].integrations.clone();
    assert_eq!(integrations.iter().map(Integration::label).collect::<Vec<_>>(), ["ntfy[0]", "gotify[0]"]);
    for integration in &integrations {
        let one = notification("phone", Reason::First, vec![disk("a:9100", None)], None);
        integration.notify.notify(&one).await.unwrap();
    }
    let heard = heard.lock().unwrap().clone();
    assert_eq!((&heard[0]["path"], &heard[0]["headers"]["authorization"]), (&"/".into(), &"Bearer tk".into()));
    let body = |number: usize| serde_json::from_str::<Value>(heard[number]["body"].as_str().unwrap()).unwrap();
    let expected = serde_json::json!({
        "topic": "box",
        "title": "[FIRING:1] Disk (critical) instance=a:9100 job=node",
        "message": "disk of a:9100 is full\nFiring since 2026-01-01 00:00:00 UTC (1m 5s)",
        "priority": 5,
        "tags": ["rotating_light"],
        "click": "http://am.example/x/alerts",
        "actions": [{"action": "view", "label": "Graph", "url": "http://p.example/graph?g0.expr=x+%3E+1&g0.tab=1"}],
    });
    assert_eq!(body(0), expected);
    assert_eq!((&heard[1]["path"], &body(1)["priority"]), (&"/message".into(), &7.into()));
    assert!(tells(body(1)["message"].as_str().unwrap()), "{}", heard[1]);
    let stranger = write("promlet.yml", "receivers: [{name: nobody, ntfy_configs: [{topic: t}]}]\n");
    let errors = promlet::config::load_promlet(&stranger).unwrap().add_to(&mut alerts, &mut options).unwrap_err();
    assert!(errors[0].to_string().contains("receiver \"nobody\" is not in alertmanager.yml"), "{}", errors[0]);
}
