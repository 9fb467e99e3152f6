//! Queries that would take for ever: they are listed, they can be ended, and scrapes and rules go on meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::running::{Running, until, write};
use crate::http::client::{ask, escape};
use crate::scrape::target::{Server, page};

/// Billions of steps over a handful of samples.
const ENDLESS: &str = "sum_over_time(stddev_over_time(vector(1)[1d:1s])[1d:1s])";
const RULES: &str = "groups: [{name: g, rules: [{record: twice, expr: x * 2}]}]\n";

async fn active(server: &Running) -> Vec<Value> {
    server.data("/api/v1/status/active_queries").await.as_array().cloned().unwrap_or_default()
}

async fn none_active(server: &Running) {
    until("the list to be empty", async || {
        let listed = active(server).await;
        // Rules come and go.
        listed.iter().all(|query| query["client"] == "rules").then_some(())
    })
    .await;
}

/// The listed query of a text, once it runs.
async fn running(server: &Running, text: &str) -> Value {
    until(text, async || active(server).await.into_iter().find(|query| query["query"] == text && query["state"] == "running")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scrapes_and_rules_go_on_beside_a_query_that_does_not_end() {
    let folder = tempfile::tempdir().unwrap();
    let scrapes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&scrapes);
    let target = Server::start(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        page("x 1\n")
    });
    let config = format!(
        "global: {{scrape_interval: 100ms, scrape_timeout: 100ms, evaluation_interval: 100ms}}\nrule_files: [r.yml]\n\
         scrape_configs: [{{job_name: j, static_configs: [{{targets: ['{}']}}]}}]\n",
        target.address
    );
    write(folder.path(), "prometheus.yml", &config);
    write(folder.path(), "r.yml", RULES);
    let server = Running::start(folder.path(), &["--query.max-concurrency=1"]).await;
    until("the rule's output", async || (server.values("twice").await == ["2"]).then_some(())).await;

    let address = server.address;
    let endless = format!("/api/v1/query?query={}", escape(ENDLESS));
    let asked = tokio::spawn({
        let endless = endless.clone();
        async move { ask(address, "GET", &endless, &[], b"").await }
    });
    let listed = running(&server, ENDLESS).await;
    assert_eq!((&listed["client"], &listed["step"]), (&Value::from("127.0.0.1"), &Value::Null));
    assert!(listed["age"].as_f64().is_some_and(|age| age >= 0.0) && listed["heldSamples"].as_u64().is_some(), "{listed}");

    // The only thread for queries is taken; a second one waits and is gone when its client goes.
    let mut waiting = TcpStream::connect(address).await.unwrap();
    waiting.write_all(b"GET /api/v1/query?query=1 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    until("the one that waits", async || active(&server).await.into_iter().find(|q| q["query"] == "1" && q["state"] == "waiting")).await;
    drop(waiting);
    until("it to be gone", async || active(&server).await.iter().all(|q| q["query"] != "1").then_some(())).await;

    let begun = (scrapes.load(Ordering::Relaxed), rule_figure(&server).await);
    until("three more scrapes and evaluations", async || {
        let more = rule_figure(&server).await >= begun.1 + 3.0 && scrapes.load(Ordering::Relaxed) >= begun.0 + 3;
        more.then_some(())
    })
    .await;

    let kill = format!("/api/v1/status/active_queries/{}", listed["id"]);
    assert_eq!(ask(address, "DELETE", &kill, &[], b"").await.status, 200);
    let answer = asked.await.unwrap();
    assert!(answer.text().contains("somebody ended it by its number") && answer.text().contains("\"canceled\""), "{}", answer.text());
    none_active(&server).await;
    assert_eq!(ask(address, "DELETE", &kill, &[], b"").await.status, 404);
    assert_eq!(server.values("twice").await, ["2"]);

    // A client that goes away takes its query along.
    let mut gone = TcpStream::connect(address).await.unwrap();
    gone.write_all(format!("GET {endless} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    running(&server, ENDLESS).await;
    drop(gone);
    none_active(&server).await;
    server.stop().await;
}

/// Iterations of all rule groups.
async fn rule_figure(server: &Running) -> f64 {
    let page = crate::http::client::get(server.address, "/metrics").await.text();
    let of = |line: &str| line.strip_prefix("prometheus_rule_group_iterations_total{")?.rsplit_once(' ')?.1.parse::<f64>().ok();
    page.lines().filter_map(of).sum()
}
