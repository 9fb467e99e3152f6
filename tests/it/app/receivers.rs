//! Receivers that fail, each in its own way, at the same time: those that work hear at once, and everything else goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::running::{Running, until, write};
use crate::notify::peers::{HttpPeer, MailPeer, MailScript};
use crate::scrape::target::{Server, page};

async fn mail(answers: &[(&'static str, &'static str)]) -> MailPeer {
    MailPeer::start(MailScript { answers: answers.to_vec(), ..MailScript::default() }).await
}

/// The newest delivery to a receiver: outcome and detail.
async fn delivery(server: &Running, receiver: &str) -> Option<(String, String)> {
    let data = server.data("/api/v1/promlet/deliveries").await;
    let rows = data.as_array().or_else(|| data["deliveries"].as_array()).cloned().unwrap_or_default();
    let row = rows.iter().find(|row| row["receiver"] == receiver)?;
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    Some((text("outcome"), text("detail")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_fails_delays_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let target = Server::start(|_| page("x 1\n"));
    let (good, failing, hanging) =
        (HttpPeer::start(&[]).await, HttpPeer::start(&["500 Oh no"; 99]).await, HttpPeer::start(&["hang"; 9]).await);
    let busy = HttpPeer::start(&["429 Too Many Requests\r\nRetry-After: 1"]).await;
    let (strict, silent) = (mail(&[("RCPT", "550 5.1.1 nobody of that name")]).await, mail(&[("EHLO", "")]).await);
    let mut routing =
        "global: {smtp_from: p@localhost, smtp_require_tls: false}\nroute: {receiver: good, group_wait: 0s, group_interval: 1s, routes: ["
            .to_owned();
    let names = ["failing", "hanging", "busy", "strict", "silent", "good"];
    routing += &names.map(|name| format!("{{receiver: {name}, continue: true}}")).join(", ");
    routing += "]}\nreceivers:\n";
    for (name, peer) in [("good", &good), ("failing", &failing), ("hanging", &hanging), ("busy", &busy)] {
        routing += &format!("- {{name: {name}, slack_configs: [{{api_url: 'http://127.0.0.1:{}/', channel: '#c'}}]}}\n", peer.port);
    }
    for (name, peer) in [("strict", &strict), ("silent", &silent)] {
        routing += &format!("- {{name: {name}, email_configs: [{{to: you@localhost, smarthost: '127.0.0.1:{}'}}]}}\n", peer.port);
    }
    write(folder.path(), "alertmanager.yml", &routing);
    write(folder.path(), "r.yml", "groups: [{name: g, rules: [{alert: A, expr: x > 0}]}]\n");
    let config = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}\nrule_files: [r.yml]\nscrape_configs: [{{job_name: j, static_configs: [{{targets: ['{}']}}]}}]\n",
        target.address
    );
    write(folder.path(), "prometheus.yml", &config);
    let server = Running::start(folder.path(), &[]).await;

    until("the good one hears", async || (!good.heard().is_empty()).then_some(())).await;
    until("the hanging one was tried", async || (!hanging.heard().is_empty()).then_some(())).await;
    until("the silent one was tried", async || silent.said().contains("EHLO").then_some(())).await;
    until("the failing one was tried again", async || (failing.heard().len() > 1).then_some(())).await;
    let (outcome, detail) =
        until("the failing one", async || delivery(&server, "failing").await.filter(|(_, detail)| !detail.is_empty())).await;
    assert!(outcome == "retrying" && detail.contains("500"), "{outcome}: {detail}");
    let refused = async || delivery(&server, "strict").await.filter(|(outcome, _)| outcome == "failed");
    let (_, detail) = until("the refused recipient", refused).await;
    assert!(detail.contains("you@localhost refused") && detail.contains("nobody of that name"), "{detail}");
    let named = async |name: &str, reason: &str| {
        let problems = server.data("/api/v1/promlet/overview").await["problems"].as_array().cloned().unwrap_or_default();
        let mut texts = problems.iter().filter_map(Value::as_str);
        texts.any(|text| text.starts_with(&format!("Receiver {name} ")) && text.contains(reason)).then_some(())
    };
    until("all pages name the one that fails", async || named("failing", "500").await).await;
    until("all pages name the one that refuses", async || named("strict", "nobody of that name").await).await;
    assert!(named("good", "").await.is_none());
    until("the busy one hears after its pause", async || delivery(&server, "busy").await.filter(|(outcome, _)| outcome == "delivered"))
        .await;
    assert_eq!(busy.heard().len(), 2, "not before it said");
    let ids: Vec<Value> = busy.heard().iter().map(|request| request.header("X-Promlet-Notification-Id").into()).collect();
    assert_eq!(ids[0], ids[1], "a repeated attempt keeps its id");

    // What hangs, hangs still; nothing else noticed.
    let seen = server.values("count_over_time(x[1h])").await;
    until("scraping goes on", async || (server.values("count_over_time(x[1h])").await != seen).then_some(())).await;
    assert_eq!(good.heard().len(), 1);
    server.stop().await;
}

/// A dead receiver, another one in its place, and a restart while it is dead: heard once, told why, and the end as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_receiver_is_told_while_one_is_dead() {
    let folder = tempfile::tempdir().unwrap();
    let level = Arc::new(AtomicU64::new(1));
    let shown = level.clone();
    let target = Server::start(move |_| page(&format!("x {}\n", shown.load(Ordering::Relaxed))));
    let instead = HttpPeer::start(&[]).await;
    let routing = format!(
        "route: {{receiver: dead, group_wait: 0s, group_interval: 1s}}\nreceivers:\n- {{name: dead, slack_configs: [{{api_url: 'http://127.0.0.1:1/', channel: '#c', send_resolved: true}}]}}\n- {{name: spare, webhook_configs: [{{url: 'http://127.0.0.1:{}/'}}]}}\n",
        instead.port
    );
    write(folder.path(), "alertmanager.yml", &routing);
    write(folder.path(), "promlet.yml", "receivers: [{name: dead, fallback: {receiver: spare, after: 1s}}]\n");
    write(folder.path(), "r.yml", "groups: [{name: g, rules: [{alert: A, expr: x > 0}]}]\n");
    let config = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}\nrule_files: [r.yml]\nscrape_configs: [{{job_name: j, static_configs: [{{targets: ['{}']}}]}}]\n",
        target.address
    );
    write(folder.path(), "prometheus.yml", &config);
    let server = Running::start(folder.path(), &[]).await;
    let statuses = || -> Vec<String> {
        let body = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        instead.heard().iter().map(|request| body(&request.body)["status"].as_str().unwrap().to_owned()).collect()
    };
    until("the other one hears", async || (statuses() == ["firing"]).then_some(())).await;
    let body: Value = serde_json::from_str(&instead.heard()[0].body).unwrap();
    let why = body["commonAnnotations"]["in_place_of"].as_str().unwrap();
    assert!(body["receiver"] == "spare" && why.starts_with("dead/slack[0] has not taken this since 2"), "{body}");
    let story = async || server.data("/api/v1/alerts/explain?match[]=%7Balertname=%22A%22%7D").await.to_string();
    until("the ledger says it", async || story().await.contains("in place of dead").then_some(())).await;
    let said = story().await;
    assert!(said.contains("\"stands_in\"") && said.contains("spare is told instead: dead/slack[0] has not taken this since"), "{said}");
    let problems = server.data("/api/v1/promlet/overview").await["problems"].to_string();
    assert!(problems.contains("Receiver spare is told in its place."), "{problems}");
    assert_eq!(server.figure("promlet_alerts_fallback_notifications_total{integration=\"webhook\",receiver=\"spare\"}").await, Some(1.0));
    server.stop().await;

    let server = Running::start(folder.path(), &[]).await;
    let again = async || server.data("/api/v1/promlet/overview").await["problems"].to_string();
    until("it is dead still", async || again().await.contains("Receiver dead (slack[0])").then_some(())).await;
    assert_eq!(statuses(), ["firing"], "nothing is said twice");
    level.store(0, Ordering::Relaxed);
    until("the end is told", async || (statuses() == ["firing", "resolved"]).then_some(())).await;
    server.stop().await;
}
