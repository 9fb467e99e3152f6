//! Reloading: all or nothing, and what came of it is said where people look.

use std::path::Path;

use serde_json::Value;

use super::running::{Running, until, write};
use crate::scrape::target::{Server, page};

const LIFECYCLE: &[&str] = &["--web.enable-lifecycle"];

fn config(target: &Server, site: &str, more: &str) -> String {
    format!(
        "global: {{scrape_interval: 100ms, scrape_timeout: 100ms, evaluation_interval: 100ms, external_labels: {{site: {site}}}}}\nrule_files: [r.yml]\nscrape_configs:\n- job_name: j\n  static_configs: [{{targets: ['{}']}}]\n{more}",
        target.address
    )
}

const RULES: &str = "groups: [{name: g, rules: [{record: twice, expr: x * 2}]}]\n";
const ROUTING: &str = "route: {receiver: r}\nreceivers: [{name: r}]\n";

async fn stands(server: &Running, site: &str, successful: f64) {
    let text = server.data("/api/v1/status/config").await["yaml"].as_str().unwrap().to_owned();
    assert!(text.contains(&format!("site: {site}")), "{text}");
    for name in ["prometheus_config_last_reload_successful", "alertmanager_config_last_reload_successful"] {
        assert_eq!(server.figure(name).await, Some(successful), "{name}");
    }
    assert_eq!(server.data("/api/v1/status/runtimeinfo").await["reloadConfigSuccess"], successful > 0.0);
}

async fn refused(server: &Running, folder: &Path, file: &str, text: &str, place: &str) {
    let before = std::fs::read_to_string(folder.join(file)).unwrap();
    write(folder, file, text);
    let (status, said) = server.reload().await;
    assert_eq!(status, 500, "{file} was taken");
    assert!(said.contains(place), "{file}: {said}");
    stands(server, "a", 0.0).await;
    let problems = server.data("/api/v1/promlet/overview").await["problems"].to_string();
    assert!(problems.contains("stays in force") && problems.contains(place), "{problems}");
    write(folder, file, &before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let target = Server::start(|_| page("x 1\n"));
    write(folder, "prometheus.yml", &config(&target, "a", ""));
    write(folder, "r.yml", RULES);
    write(folder, "alertmanager.yml", ROUTING);
    let server = Running::start(folder, LIFECYCLE).await;
    until("the rule's output", async || (server.values("twice").await == ["2"]).then_some(())).await;
    stands(&server, "a", 1.0).await;

    // Each time the other files would be fine, and other than before.
    let next = config(&target, "b", "");
    refused(&server, folder, "prometheus.yml", &config(&target, "b", "- job_nam: z\n"), "prometheus.yml:6:3: field job_nam not found")
        .await;
    write(folder, "prometheus.yml", &next);
    refused(&server, folder, "r.yml", &RULES.replace("x * 2", "x * ("), "r.yml:1:").await;
    refused(&server, folder, "alertmanager.yml", &format!("{ROUTING}nonsense: 1\n"), "alertmanager.yml:3:1: field nonsense not found")
        .await;
    let seen = server.values("count_over_time(x[1h])").await;
    until("scraping goes on", async || (server.values("count_over_time(x[1h])").await != seen).then_some(())).await;

    write(folder, "r.yml", &RULES.replace("x * 2", "x * 2 + 1"));
    assert_eq!(server.reload().await, (200, String::new()));
    stands(&server, "b", 1.0).await;
    assert_eq!(server.data("/api/v1/promlet/overview").await["problems"], Value::Array(Vec::new()));
    until("the new rule's output", async || (server.values("twice").await == ["3"]).then_some(())).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lifecycle_is_closed_by_default() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "prometheus.yml", "");
    let server = Running::start(folder.path(), &[]).await;
    assert_eq!(server.reload().await, (403, "Lifecycle API is not enabled.".to_owned()));
    server.stop().await;
}
