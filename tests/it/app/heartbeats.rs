//! Outgoing heartbeats: they come while promlet works, and stop with what they speak for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use promlet::client::{ClientOptions, SecretSource};
use promlet::clock::Clock;
use promlet::heartbeat::options::Method;
use promlet::heartbeat::{GroupPulse, HeartbeatOptions, Heartbeats, Pulse};
use promlet::model::{DurationMs, Secret};
use promlet::telemetry::Registry;

use super::running::{Running, until, write};
use crate::notify::peers::HttpPeer;
use crate::scrape::target::{Server, page};

fn address(peer: &HttpPeer, path: &str) -> SecretSource {
    SecretSource::Inline(Secret::new(format!("http://127.0.0.1:{}{path}", peer.port)))
}

fn options(peer: &HttpPeer) -> HeartbeatOptions {
    HeartbeatOptions {
        name: "outside".to_owned(),
        url: address(peer, "/secret-id"),
        fail_url: Some(address(peer, "/secret-id/fail")),
        method: Method::Post,
        interval: DurationMs(20),
        timeout: DurationMs::seconds(10),
        client: ClientOptions::default(),
    }
}

fn heard(peer: &HttpPeer, path: &str) -> usize {
    peer.heard().iter().filter(|request| request.path == path).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_with_what_it_speaks_for() {
    promlet::commands::install_tls();
    let (peer, registry) = (HttpPeer::start(&["500 Oh no", "500 Oh no"]).await, Registry::default());
    let (evaluations, goes_on) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicBool::new(true)));
    let (counted, asked) = (evaluations.clone(), goes_on.clone());
    let feel = move || {
        if asked.load(Ordering::SeqCst) {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        let evaluations = counted.load(Ordering::SeqCst);
        Pulse { groups: vec![GroupPulse { name: "g".to_owned(), interval: DurationMs(200), evaluations }], ..Pulse::default() }
    };
    let hearts = Heartbeats::new(Arc::new(feel), Clock::system(), &registry);
    hearts.apply(&[options(&peer)]).unwrap();
    let named = async |text: &str| hearts.problems().iter().any(|problem| problem.contains(text)).then_some(());
    until("a failing one is named", async || named("does not arrive since").await.filter(|()| hearts.problems()[0].contains("500"))).await;
    until("it arrives", async || (heard(&peer, "/secret-id") > 4 && hearts.problems().is_empty()).then_some(())).await;

    goes_on.store(false, Ordering::SeqCst);
    until("it is held back", async || named("the rule group g was not evaluated for").await).await;
    let arrived = heard(&peer, "/secret-id");
    until("the address for failures hears", async || (heard(&peer, "/secret-id/fail") > 2).then_some(())).await;
    assert_eq!(heard(&peer, "/secret-id"), arrived, "no heartbeat while rules stand still");
    let why = peer.heard().last().unwrap().body.clone();
    assert!(why.contains("was not evaluated for"), "{why}");
    assert!(!hearts.problems()[0].contains("secret-id"), "no page shows the address");

    goes_on.store(true, Ordering::SeqCst);
    until("it goes on", async || (heard(&peer, "/secret-id") > arrived && hearts.problems().is_empty()).then_some(())).await;
    hearts.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_sends_them_and_a_reload_changes_them() {
    let folder = tempfile::tempdir().unwrap();
    let target = Server::start(|_| page("x 1\n"));
    let (first, second) = (HttpPeer::start(&[]).await, HttpPeer::start(&[]).await);
    let config = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}\nrule_files: [r.yml]\nscrape_configs: [{{job_name: j, static_configs: [{{targets: ['{}']}}]}}]\n",
        target.address
    );
    write(folder.path(), "prometheus.yml", &config);
    write(folder.path(), "r.yml", "groups: [{name: g, rules: [{alert: A, expr: x > 1}]}]\n");
    let heartbeat = |peer: &HttpPeer| format!("heartbeat: {{url: 'http://127.0.0.1:{}/', interval: 1s}}\n", peer.port);
    write(folder.path(), "promlet.yml", &heartbeat(&first));
    let server = Running::start(folder.path(), &["--web.enable-lifecycle"]).await;
    until("two heartbeats", async || (first.heard().len() > 1).then_some(())).await;
    let last = server.figure("promlet_heartbeat_last_success_timestamp_seconds{heartbeat=\"heartbeat[0]\"}").await;
    assert!(last.is_some_and(|at| at > 1.7e9), "{last:?}");
    write(folder.path(), "promlet.yml", &heartbeat(&second));
    assert_eq!(server.reload().await.0, 200);
    let before = first.heard().len();
    until("the new address hears", async || (second.heard().len() > 1).then_some(())).await;
    assert!(first.heard().len() <= before + 1, "the old one hears no more");
    // Rules that all fail are no life.
    write(
        folder.path(),
        "r.yml",
        "groups: [{name: g, rules: [{record: r, expr: 'label_replace(x, \"__name__\", \"y\", \"\", \"\") + on() {__name__=~\"up|x\"}'}]}]\n",
    );
    assert_eq!(server.reload().await.0, 200);
    let problems = async || server.data("/api/v1/promlet/overview").await["problems"].to_string();
    until("all pages say why it is held back", async || problems().await.contains("no rule can be evaluated").then_some(())).await;
    server.stop().await;
}
