//! A restart in the middle of alerts: what goes on is not said again, what waits anew is not called resolved, what ended is said.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::running::{Running, until, write};
use crate::notify::peers::HttpPeer;
use crate::scrape::target::{Server, page};

const RULES: &str = "groups:
- name: g
  rules:
  - {alert: AtOnce, expr: level > 0}
  - {alert: Patient, expr: level > 1, for: 1500ms}
";

/// A target whose one sample a test can set.
fn target() -> (Server, Arc<AtomicU64>) {
    let level = Arc::new(AtomicU64::new(2));
    let shown = level.clone();
    (Server::start(move |_| page(&format!("level {}\n", shown.load(Ordering::Relaxed)))), level)
}

fn write_files(folder: &Path, target: &Server, hook: &HttpPeer) {
    let config = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms, external_labels: {{site: here}}}}\nrule_files: [r.yml]\nscrape_configs: [{{job_name: j, static_configs: [{{targets: ['{}']}}]}}]\n",
        target.address
    );
    write(folder, "prometheus.yml", &config);
    write(folder, "r.yml", RULES);
    let alertmanager = format!(
        "route: {{receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 200ms}}\nreceivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{}/'}}]}}]\n",
        hook.port
    );
    write(folder, "alertmanager.yml", &alertmanager);
}

/// `Patient firing` and so on, in the order heard.
fn heard(hook: &HttpPeer) -> Vec<String> {
    let said = |text: &str| {
        let body: Value = serde_json::from_str(text).unwrap();
        format!("{} {}", body["groupLabels"]["alertname"].as_str().unwrap(), body["status"].as_str().unwrap())
    };
    let mut heard: Vec<String> = hook.heard().iter().map(|request| said(&request.body)).collect();
    heard.sort();
    heard
}

async fn is_firing(server: &Running, alert: &str) -> Option<()> {
    let data = server.data("/api/v1/alerts").await;
    data["alerts"].as_array()?.iter().find(|one| one["labels"]["alertname"] == alert && one["state"] == "firing").map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_resolves_only_what_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (target, level) = target();
    let hook = HttpPeer::start(&[]).await;
    write_files(folder.path(), &target, &hook);
    let server = Running::start(folder.path(), &[]).await;
    let both = ["AtOnce firing", "Patient firing"];
    until("both are told", async || (heard(&hook) == both).then_some(())).await;
    server.stop().await;

    // Patient is pending for longer than it takes to look at everything three times.
    let server = Running::start(folder.path(), &[]).await;
    until("Patient fires again", async || is_firing(&server, "Patient").await).await;
    assert_eq!(heard(&hook), both, "nothing was repeated, nothing was called resolved");
    server.stop().await;

    // While nobody looks, one of them ends.
    level.store(1, Ordering::Relaxed);
    let server = Running::start(folder.path(), &[]).await;
    let after = ["AtOnce firing", "Patient firing", "Patient resolved"];
    until("what ended meanwhile is told", async || (heard(&hook) == after).then_some(())).await;
    until("the other one goes on", async || is_firing(&server, "AtOnce").await).await;
    assert_eq!(heard(&hook), after);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_says_for_how_long_nothing_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (target, _) = target();
    let hook = HttpPeer::start(&[]).await;
    write_files(folder.path(), &target, &hook);
    let figure = "promlet_blind_before_start_seconds";
    let server = Running::start(folder.path(), &[]).await;
    assert_eq!(server.figure(figure).await, None, "there was nothing before");
    until("a sample", async || (!server.values("level").await.is_empty()).then_some(())).await;
    until("an alert", async || is_firing(&server, "AtOnce").await).await;
    server.stop().await;
    let server = Running::start(folder.path(), &[]).await;
    assert!(server.figure(figure).await.is_some_and(|seconds| seconds > 0.0 && seconds < 300.0));
    // "Why did I not hear of this?": because nobody watched.
    let story = async || server.data("/api/v1/alerts/explain?match[]=%7Balertname=%22AtOnce%22%7D").await["alerts"].to_string();
    let said = async || story().await.contains("promlet was not running from 2").then_some(());
    until("the ledger has it in the alert's trail", said).await;
    assert_eq!(story().await.matches("\"blind\"").count(), 1);
    server.stop().await;
}
