//! Alerts that leave for outside Alertmanagers: which, to whom, with which labels, and what becomes of them where nobody listens.

use std::path::Path;

use promlet::client::ClientOptions;
use promlet::clock::Clock;
use promlet::discovery::{DiscoveryOptions, TargetGroup};
use promlet::model::{Alert, DurationMs, Labels, TimestampMs};
use promlet::notifier::{AlertLabels, AlertmanagerOptions, Notifier, NotifierOptions, QueueOptions};
use promlet::telemetry::Registry;
use serde_json::Value;

use super::running::{Running, until, write};
use crate::http::client::get;
use crate::notify::peers::HttpPeer;

/// Every alert that an Alertmanager was told, in order.
fn told(peer: &HttpPeer) -> Vec<Value> {
    let posts = peer.heard();
    posts.iter().flat_map(|post| serde_json::from_str::<Vec<Value>>(&post.body).unwrap()).collect()
}

fn has(peer: &HttpPeer, name: &str) -> Option<Value> {
    told(peer).into_iter().find(|alert| alert["labels"]["alertname"] == name)
}

const RULES: &str = "groups: [{name: g, rules: [{alert: Told, expr: 'vector(1)', labels: {drop_me: x, zone: inner}, annotations: {text: t}}, \
     {alert: Private, expr: vector(1)}, {alert: Dropped, expr: vector(1)}]}]\n";

fn config(first: &HttpPeer, more: &str) -> String {
    format!(
        "global: {{evaluation_interval: 100ms, external_labels: {{site: home, zone: outer}}}}\nrule_files: [r.yml]\nalerting:\n  \
         alert_relabel_configs:\n  - {{regex: drop_me, action: labeldrop}}\n  - {{source_labels: [alertname], regex: Dropped, action: drop}}\n  \
         alertmanagers:\n  - path_prefix: /am/\n    basic_auth: {{username: me, password: secret}}\n    \
         static_configs: [{{targets: ['127.0.0.1:{}', '127.0.0.1:9']}}]\n    \
         relabel_configs: [{{source_labels: [__address__], regex: '.*:9', action: drop}}]\n    \
         alert_relabel_configs: [{{source_labels: [alertname], regex: Private, action: drop}}]\n{more}",
        first.port
    )
}

fn found(folder: &Path, peer: &HttpPeer) {
    write(folder, "found.json", &format!("[{{\"targets\": [\"127.0.0.1:{}\"]}}]", peer.port));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_alertmanager_hears_what_its_section_says() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (HttpPeer::start(&[]).await, HttpPeer::start(&["500 Oh no"]).await);
    found(folder.path(), &second);
    write(folder.path(), "r.yml", RULES);
    write(folder.path(), "prometheus.yml", &config(&first, "  - file_sd_configs: [{files: [found.json]}]\n"));
    let server =
        Running::start(folder.path(), &["--rules.alert.resend-delay=100ms", "--web.external-url=http://here/", "--web.enable-lifecycle"])
            .await;
    until("both to hear", async || has(&second, "Private").and(has(&first, "Told"))).await;

    let alert = has(&first, "Told").unwrap();
    assert_eq!(alert["labels"].to_string(), r#"{"alertname":"Told","site":"home","zone":"inner"}"#);
    assert_eq!(
        (&alert["annotations"]["text"], &alert["generatorURL"]),
        (&Value::from("t"), &Value::from("http://here/graph?g0.expr=vector%281%29&g0.tab=1"))
    );
    let request = &first.heard()[0];
    assert_eq!((request.path.as_str(), request.header("content-type")), ("/am/api/v2/alerts", "application/json"));
    assert_eq!(request.header("authorization"), "Basic bWU6c2VjcmV0");
    assert_eq!(second.heard()[0].path, "/api/v2/alerts");
    assert_eq!(has(&second, "Private").unwrap()["labels"]["zone"], "outer");
    assert!(has(&first, "Private").is_none(), "its own relabeling drops it");
    assert!(has(&first, "Dropped").or(has(&second, "Dropped")).is_none());

    // Our own routing gets what an outside one would.
    let held: Vec<Value> = serde_json::from_str(&get(server.address, "/api/v2/alerts").await.text()).unwrap();
    let mut labels: Vec<String> = held.iter().map(|alert| alert["labels"].to_string()).collect();
    labels.sort();
    assert_eq!(labels, [r#"{"alertname":"Private","site":"home","zone":"outer"}"#, r#"{"alertname":"Told","site":"home","zone":"inner"}"#]);

    let urls = [format!("http://127.0.0.1:{}/am/api/v2/alerts", first.port), format!("http://127.0.0.1:{}/api/v2/alerts", second.port)];
    let data = server.data("/api/v1/alertmanagers").await;
    assert_eq!(data["activeAlertmanagers"], serde_json::json!([{ "url": urls[0] }, { "url": urls[1] }]));
    assert_eq!(data["droppedAlertmanagers"], serde_json::json!([{ "url": "http://127.0.0.1:9/am/api/v2/alerts" }]));
    let figure = async |name: &str, url: &str| server.figure(&format!("prometheus_notifications_{name}{{alertmanager=\"{url}\"}}")).await;
    assert_eq!(server.figure("prometheus_notifications_alertmanagers_discovered").await, Some(2.0));
    let failed = (figure("errors_total", &urls[1]).await, figure("dropped_total", &urls[1]).await);
    assert!(failed.0 >= Some(1.0) && failed.0 == failed.1, "the 500: {failed:?}");
    assert_eq!((figure("errors_total", &urls[0]).await, figure("queue_capacity", &urls[0]).await), (Some(0.0), Some(10_000.0)));

    // The second section goes, the first stays as it is.
    write(folder.path(), "prometheus.yml", &config(&first, ""));
    assert_eq!(server.reload().await.0, 200);
    assert_eq!(server.data("/api/v1/alertmanagers").await["activeAlertmanagers"].as_array().map(Vec::len), Some(1));
    until("its figures to go", async || figure("sent_total", &urls[1]).await.is_none().then_some(())).await;
    assert!(figure("sent_total", &urls[0]).await.is_some());
    let heard = first.heard().len();
    until("the first to hear more", async || (first.heard().len() > heard + 1).then_some(())).await;
    // A section that cannot be used leaves everything as it was.
    write(folder.path(), "prometheus.yml", &config(&first, "  - {tls_config: {ca_file: absent.pem}, static_configs: [{targets: [x]}]}\n"));
    let (status, text) = server.reload().await;
    assert!(status == 500 && text.contains("absent.pem"), "{status} {text}");
    assert_eq!(server.data("/api/v1/alertmanagers").await["activeAlertmanagers"].as_array().map(Vec::len), Some(1));
    server.stop().await;
}

fn section(port: u16) -> AlertmanagerOptions {
    let group = TargetGroup { targets: vec![format!("127.0.0.1:{port}")], ..TargetGroup::default() };
    AlertmanagerOptions {
        scheme: "http".to_owned(),
        path_prefix: String::new(),
        timeout: DurationMs::seconds(60),
        client: ClientOptions::default(),
        discovery: vec![DiscoveryOptions::Static(vec![group])],
        relabel: Vec::new(),
        alert_relabel: Vec::new(),
    }
}

fn alert(number: usize) -> Alert {
    Alert {
        labels: Labels::from_pairs([("alertname", format!("A{number}"))]),
        annotations: Labels::empty(),
        starts_at: TimestampMs(0),
        ends_at: TimestampMs(1),
        generator_url: String::new(),
        value: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_hangs_costs_the_others_nothing_and_a_stop_empties_the_queues() {
    promlet::commands::install_tls();
    let (hanging, good) = (HttpPeer::start(&["hang"; 9]).await, HttpPeer::start(&[]).await);
    let registry = Registry::default();
    let notifier = Notifier::new(QueueOptions { capacity: 10, batch: 4, drain: true }, Clock::system(), &registry);
    let alertmanagers = vec![section(hanging.port), section(good.port)];
    notifier.apply(NotifierOptions { labels: AlertLabels::default(), alertmanagers }).unwrap();
    notifier.send(vec![alert(0)]);
    until("the first request to hang", async || (hanging.heard().len() == 1).then_some(())).await;
    let dropped = |port: u16| {
        let url = format!("http://127.0.0.1:{port}/api/v2/alerts");
        let families = registry.gather();
        let family = families.iter().find(|family| family.name == "prometheus_notifications_dropped_total").unwrap();
        family.samples.iter().find(|(_, labels, _)| labels[0].1 == url).unwrap().2
    };
    notifier.send((1..=8).map(alert).collect());
    until("the good one to hear nine", async || (told(&good).len() == 9).then_some(())).await;
    notifier.send((9..=14).map(alert).collect());
    assert_eq!(dropped(hanging.port), 4.0, "ten wait, the oldest have gone");
    // What waits for the good one is sent before the end; the other one keeps us for a bounded time only.
    notifier.apply(NotifierOptions { labels: AlertLabels::default(), alertmanagers: vec![section(good.port)] }).unwrap();
    notifier.stop().await;
    let names: Vec<Value> = told(&good).iter().map(|alert| alert["labels"]["alertname"].clone()).collect();
    assert_eq!(names, (0..=14).map(|n| Value::from(format!("A{n}"))).collect::<Vec<_>>());
    let sizes: Vec<usize> = good.heard().iter().map(|post| serde_json::from_str::<Vec<Value>>(&post.body).unwrap().len()).collect();
    assert!(sizes.iter().all(|size| *size <= 4), "{sizes:?}");
}
