//! Starting: what is refused and in which words, what is left alone, and what a fresh server says of itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::running::{Running, until, write};
use crate::http::client::get;
use crate::scrape::target::{Server, page};

async fn refusal(folder: &Path, flags: &[&str]) -> String {
    match Running::try_start(folder, flags).await {
        Ok(_) => panic!("{flags:?} started"),
        Err(text) => text,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_is_named_with_a_way_out() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(one.path(), "prometheus.yml", "");
    write(two.path(), "prometheus.yml", "");
    let server = Running::start(one.path(), &[]).await;
    let taken = refusal(two.path(), &[&format!("--web.listen-address={}", server.address)]).await;
    assert!(taken.contains("is in use") && taken.contains("--web.listen-address"), "{taken}");
    let locked = refusal(one.path(), &[]).await;
    assert!(locked.contains("the data folder is in use") && locked.contains("--storage.tsdb.path"), "{locked}");
    assert!(locked.contains(&format!("process {}", std::process::id())), "{locked}");
    server.stop().await;
    Running::start(one.path(), &[]).await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_folder_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "prometheus.yml", "");
    Running::start(folder.path(), &[]).await.stop().await;
    let ledger = folder.path().join("data/promlet/state.db");
    rusqlite::Connection::open(&ledger).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let before = std::fs::read(&ledger).unwrap();
    let text = refusal(folder.path(), &[]).await;
    assert!(text.contains("state.db was written by a newer promlet"), "{text}");
    assert!(std::fs::read(&ledger).unwrap() == before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protection_that_is_asked_for_is_never_left_out_silently() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "prometheus.yml", "");
    let file = folder.path().join("web.yml");
    let flag = format!("--web.config.file={}", file.display());
    for (text, place, reason) in [
        ("basic_auth_users:\n  me: $2y$10$x\n", "web.yml:2:3", "hashedSecret too short"),
        ("tls_server_config: {cert_file: c}\n", "web.yml:1:20", "missing one of key or key_file"),
        ("tls_server_config: {cert_file: c, key_file: k}\n", "--web.config.file ", "failed to read cert_file ("),
    ] {
        write(folder.path(), "web.yml", text);
        let said = refusal(folder.path(), &[&flag]).await;
        assert!(said.contains(place) && said.contains(reason), "{said}");
    }
    // A password before everything, and none any more once the file says so.
    write(folder.path(), "web.yml", "basic_auth_users: {me: $2y$04$ABCDEFGHIJKLMNOPQRSTUu6C6jEMz4jEJoFRTrM10b9xHpc.SH9E6}\n");
    let server = Running::start(folder.path(), &[&flag]).await;
    assert_eq!(get(server.address, "/-/healthy").await.status, 401);
    write(folder.path(), "web.yml", "");
    assert_eq!(get(server.address, "/-/healthy").await.status, 200);
    server.stop().await;
    // As Prometheus's operator writes it where nothing is asked for.
    write(folder.path(), "web.yml", "{}\n");
    Running::start(folder.path(), &[&flag]).await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "prometheus.yml", "");
    for (flag, said) in [
        ("--web.cors.origin=(", "error parsing regexp"),
        ("--web.external-url=::", "http://host:port/path"),
        ("--query.max-concurrency=0", "a whole number from 1"),
        ("--storage.tsdb.retention.time=5q", "unknown unit"),
        ("--dashboards.path=/nonexistent", "the folder of dashboards cannot be read"),
        ("--rules.path=/nonexistent", "the folder of rules cannot be read"),
        ("--web.listen-address=nonsense", "cannot listen on nonsense"),
    ] {
        let text = refusal(folder.path(), &[flag]).await;
        assert!(text.contains(said), "{flag}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retention_of_zero_is_none_and_takes_samples() {
    let folder = tempfile::tempdir().unwrap();
    let target = Server::start(|_| page("x 1\n"));
    let config = format!(
        "scrape_configs: [{{job_name: j, scrape_interval: 100ms, scrape_timeout: 100ms, static_configs: [{{targets: ['{}']}}]}}]\n",
        target.address
    );
    write(folder.path(), "prometheus.yml", &config);
    for (flags, shown) in [(vec!["--storage.tsdb.retention.time=0s"], "15d"), (vec!["--storage.tsdb.retention.size=1GB"], "1073741824B")] {
        let server = Running::start(folder.path(), &flags).await;
        until("a sample", async || (server.values("x").await == ["1"]).then_some(())).await;
        assert_eq!(server.data("/api/v1/status/runtimeinfo").await["storageRetention"], shown);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_external_path_moves_every_page() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "prometheus.yml", "");
    let server = Running::start(folder.path(), &["--web.external-url=/prom/"]).await;
    assert_eq!(get(server.address, "/prom/-/ready").await.status, 200);
    server.stop().await;
}

fn all_files(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all_files(&path, found);
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_prometheus_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "prometheus.yml", "");
    let foreign = [
        "wal/00000000",
        "wal/checkpoint.00000001/00000000",
        "chunks_head/000001",
        "01HABCDEFGHJKMNPQRSTVWXYZ0/meta.json",
        "queries.active",
    ];
    for name in foreign {
        let path = folder.path().join("data").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, name.repeat(100)).unwrap();
    }
    let mut before = BTreeMap::new();
    all_files(&folder.path().join("data"), &mut before);
    for _ in 0..2 {
        let server = Running::start(folder.path(), &["--web.enable-admin-api"]).await;
        server.data("/api/v1/query?query=up").await;
        server.stop().await;
    }
    let mut after = BTreeMap::new();
    all_files(&folder.path().join("data"), &mut after);
    after.retain(|path, _| before.contains_key(path));
    assert!(after == before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_says_which_build_it_is_and_that_it_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "prometheus.yml", "");
    let server = Running::start(folder.path(), &[]).await;
    assert_eq!(server.figure("prometheus_ready").await, Some(1.0));
    let page = get(server.address, "/metrics").await.text();
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    for name in ["prometheus_build_info{", "promlet_build_info{"] {
        assert!(page.lines().any(|line| line.starts_with(name) && line.contains(&version) && line.ends_with("} 1")), "{name}");
    }
    for name in
        ["process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "process_max_fds", "process_start_time_seconds"]
    {
        assert!(server.figure(name).await.is_some_and(|value| value > 0.0 || name.contains("cpu")), "{name}");
    }
    // What the stock dashboards and alerts of Prometheus ask for without labels.
    for name in [
        "prometheus_config_last_reload_success_timestamp_seconds",
        "prometheus_engine_queries",
        "prometheus_engine_queries_concurrent_max",
        "prometheus_notifications_alertmanagers_discovered",
        "prometheus_target_scrapes_exceeded_sample_limit_total",
        "prometheus_target_scrapes_sample_duplicate_timestamp_total",
        "prometheus_target_scrapes_sample_out_of_order_total",
        "prometheus_tsdb_blocks_loaded",
        "prometheus_tsdb_compactions_failed_total",
        "prometheus_tsdb_head_chunks",
        "prometheus_tsdb_head_max_time_seconds",
        "prometheus_tsdb_head_min_time_seconds",
        "prometheus_tsdb_head_series",
        "prometheus_tsdb_lowest_timestamp_seconds",
        "prometheus_tsdb_retention_limit_bytes",
        "prometheus_tsdb_retention_limit_seconds",
        "prometheus_tsdb_wal_corruptions_total",
        "prometheus_tsdb_wal_storage_size_bytes",
        "prometheus_http_request_duration_seconds_bucket{handler=\"/metrics\",le=\"+Inf\"}",
    ] {
        assert!(server.figure(name).await.is_some(), "{name}");
    }
    server.stop().await;
}
