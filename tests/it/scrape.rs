//! Scraping over real connections: good pages, bad targets, reloads.

mod recorder;
pub mod target;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use promlet::client::{BasicAuth, ClientOptions, SecretSource};
use promlet::clock::Clock;
use promlet::discovery::{DiscoveryOptions, TargetGroup};
use promlet::model::{DurationMs, Labels, Secret};
use promlet::relabel::{Action, Step};
use promlet::scrape::{JobOptions, ScrapeLimits, ScrapePools, ScrapeProtocol, TargetHealth, TargetView};
use promlet::telemetry::Registry;

use recorder::Recorder;
use target::{Answer, Server, ok, page, status};

const INTERVAL: DurationMs = DurationMs(100);

fn fixed(targets: &[String]) -> Vec<DiscoveryOptions> {
    vec![DiscoveryOptions::Static(vec![TargetGroup { targets: targets.to_vec(), labels: Labels::empty(), source: "static/0".into() }])]
}

fn job(name: &str, targets: &[String]) -> JobOptions {
    JobOptions {
        job_name: name.into(),
        scrape_interval: INTERVAL,
        scrape_timeout: INTERVAL,
        metrics_path: "/metrics".into(),
        scheme: "http".into(),
        params: Vec::new(),
        honor_labels: false,
        honor_timestamps: true,
        track_timestamps_staleness: false,
        enable_compression: true,
        extra_scrape_metrics: false,
        protocols: vec![ScrapeProtocol::OpenMetrics1, ScrapeProtocol::Text0],
        fallback_protocol: None,
        limits: ScrapeLimits::default(),
        client: ClientOptions::default(),
        discovery: fixed(targets),
        relabel: Vec::new(),
        metric_relabel: Vec::new(),
        legacy_names: false,
    }
}

/// Pools with a store that records, and a runtime for them.
struct World {
    recorder: Recorder,
    registry: Registry,
    pools: ScrapePools,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn new() -> Self {
        let (recorder, registry) = (Recorder::default(), Registry::default());
        let pools = ScrapePools::new(Arc::new(recorder.clone()), Clock::system(), &registry).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { recorder, registry, pools, runtime }
    }

    fn with(jobs: Vec<JobOptions>) -> Self {
        let world = Self::new();
        world.apply(jobs);
        world
    }

    fn apply(&self, jobs: Vec<JobOptions>) {
        let _inside = self.runtime.enter();
        self.pools.apply(jobs);
    }

    fn only_target(&self) -> TargetView {
        let mut targets = self.pools.targets();
        assert_eq!(targets.len(), 1);
        targets.remove(0)
    }

    /// The error of a target that has failed once.
    fn error(&self, job: &str) -> String {
        self.recorder.wait_for(&format!("up{{job=\"{job}\"}}"), "0");
        // The status follows the row; the next row follows the status.
        let seen = self.recorder.rows().len();
        self.recorder.wait("one more row", |rows| rows.len() > seen + 1);
        self.only_target().last_error
    }
}

/// What a single misbehaving target is said to have done.
fn error_of(change: impl Fn(&mut JobOptions), answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> String {
    let server = Server::start(answer);
    let mut options = job("bad", &[server.address.to_string()]);
    change(&mut options);
    World::with(vec![options]).error("bad").replace(&server.address.to_string(), "ADDRESS")
}

#[test]
fn a_good_target_is_scraped_over_one_connection() {
    let server = Server::start(|_| page("# TYPE a counter\n# HELP a what it is\na 1\n"));
    let mut options = job("good", &[server.address.to_string()]);
    let secret = |text: &str| SecretSource::Inline(Secret::new(text));
    options.client.basic_auth = Some(BasicAuth { username: secret("me"), password: Some(secret("pass")) });
    options.client.headers = vec![("X-Key".into(), secret("k"))];
    options.params = vec![("match[]".into(), vec!["a b".into(), "c".into()])];
    let world = World::with(vec![options]);
    let rows = world.recorder.wait("five scrapes", |rows| rows.len() >= 5);
    assert_eq!(rows[4].values["a{job=\"good\"}"], "1");
    assert_eq!(rows[4].values["up{job=\"good\"}"], "1");
    assert!(rows.windows(2).all(|pair| pair[0].at < pair[1].at));
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    let request = server.first_request();
    for line in [
        "GET /metrics?match%5B%5D=a+b&match%5B%5D=c HTTP/1.1\r\n".to_owned(),
        format!("host: {}\r\n", server.address),
        "accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.4\r\n".into(),
        "x-prometheus-scrape-timeout-seconds: 0.1\r\n".into(),
        "authorization: Basic bWU6cGFzcw==\r\n".into(),
        "x-key: k\r\n".into(),
        "accept-encoding: identity\r\n".into(),
    ] {
        assert!(request.contains(&line), "{line} not in {request}");
    }
    let view = world.only_target();
    assert_eq!((view.health, view.last_samples, view.last_error.as_str()), (TargetHealth::Up, 1, ""));
    assert_eq!(view.metadata[0].1.help, "what it is");
    assert_eq!(view.labels, Labels::from_pairs([("instance", server.address.to_string()), ("job", "good".into())]));
    world.runtime.block_on(world.pools.stop());
    let stopped = world.recorder.rows();
    assert!(!stopped.last().unwrap().values.values().any(|value| value == "stale"), "a stop writes no stale markers");
}

#[test]
fn bad_targets_are_down_and_say_why() {
    let none = |_: &mut JobOptions| {};
    assert_eq!(error_of(none, |_| status("404 Not Found", "")), "server returned HTTP status 404 Not Found");
    assert_eq!(error_of(none, |_| Answer::Silence), "Get \"http://ADDRESS/metrics\": context deadline exceeded");
    let malformed = error_of(none, |_| page("a 1\nb{ 2\n"));
    assert_eq!(malformed, "line 2: expected a label name or \"}\", found \"2\" in \"b{ 2\"");
    let promise = error_of(none, |_| page("[object Promise]"));
    assert!(promise.ends_with("metrics() of prom-client is async, write res.end(await register.metrics())"), "{promise}");
    let html = error_of(none, |_| ok("Content-Type: text/html\r\n", b"a 1\n"));
    assert_eq!(html, "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for target");
    let endless = || Answer::Endless(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\na 1\n".to_vec());
    assert_eq!(error_of(|job| job.limits.body_size_bytes = 1000, move |_| endless()), "body size limit exceeded");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = World::with(vec![job("none", &[closed.to_string()])]).error("none");
    assert_eq!(refused, format!("Get \"http://{closed}/metrics\": dial tcp {closed}: connect: connection refused"));
    let broken = error_of(none, |_| {
        Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc".to_vec())
    });
    assert!(broken.starts_with("gzip: "), "{broken}");
}

#[test]
fn gzip_and_chunks_are_undone_and_bombs_are_cut() {
    let zip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let body = zip("a 1\n");
    let server = Server::start(move |_| ok("Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", &body));
    let chunks = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nb \r\n3;x=y\r\n12\n\r\n0\r\n\r\n";
    let chunked = Server::start(move |_| Answer::Raw(chunks.into()));
    let mut options = job("good", &[server.address.to_string(), chunked.address.to_string()]);
    options.limits.body_size_bytes = 1000;
    let world = World::with(vec![options]);
    world.recorder.wait_for("a{job=\"good\"}", "1");
    world.recorder.wait_for("b{job=\"good\"}", "12");
    let bomb = zip(&"a".repeat(100_000));
    let error =
        error_of(|job| job.limits.body_size_bytes = 1000, move |_| ok("Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", &bomb));
    assert_eq!(error, "body size limit exceeded");
}

#[test]
fn redirects_are_followed_without_taking_credentials_elsewhere() {
    let other = Server::start(|_| page("b 2\n"));
    let port = other.address.port();
    let first = Server::start(move |request| {
        if request.starts_with("GET /metrics") {
            status("302 Found", "Location: /next\r\n")
        } else {
            status("307 Temporary Redirect", &format!("Location: http://localhost:{port}/there\r\n"))
        }
    });
    let mut options = job("moved", &[first.address.to_string()]);
    options.scrape_interval = DurationMs(1_000);
    options.scrape_timeout = DurationMs(1_000);
    options.client.headers = vec![("X-Key".into(), SecretSource::Inline(Secret::new("k")))];
    let world = World::with(vec![options.clone()]);
    world.recorder.wait_for("b{job=\"moved\"}", "2");
    assert!(first.requests.lock().unwrap()[1].starts_with("GET /next ") && first.requests.lock().unwrap()[1].contains("x-key: k"));
    assert!(other.first_request().starts_with("GET /there ") && !other.first_request().contains("x-key"));
    options.client.follow_redirects = false;
    assert_eq!(World::with(vec![options]).error("moved"), "server returned HTTP status 302 Found");
}

#[test]
fn a_reload_touches_only_what_changed() {
    let (a, b) = (Server::start(|_| page("a 1\n")), Server::start(|_| page("b 1\n")));
    let (job_a, job_b) = (job("a", &[a.address.to_string()]), job("b", &[b.address.to_string()]));
    let world = World::with(vec![job_a.clone(), job_b.clone()]);
    world.recorder.wait_for("a{job=\"a\"}", "1");
    world.recorder.wait_for("b{job=\"b\"}", "1");
    let mut changed = job_a;
    changed.metric_relabel = vec![Step { target_label: "new".into(), replacement: "yes".into(), ..Step::default() }];
    world.apply(vec![changed, job_b.clone()]);
    let row = world.recorder.wait_for("a{job=\"a\", new=\"yes\"}", "1");
    assert_eq!(row.values["a{job=\"a\"}"], "stale", "the series under its old labels ends");
    assert_eq!(b.connections.load(Ordering::SeqCst), 1, "the other job went on");
    world.apply(vec![job_b]);
    let row = world.recorder.wait_for("up{job=\"a\"}", "stale");
    assert_eq!(row.values["a{job=\"a\", new=\"yes\"}"], "stale");
    assert_eq!(world.pools.targets().len(), 1);
    assert_eq!(world.recorder.writers(), 2, "a reload opens no second writer");
}

#[test]
fn series_that_a_page_lost_are_given_back() {
    let scrapes = AtomicUsize::new(0);
    let server = Server::start(move |_| match scrapes.fetch_add(1, Ordering::SeqCst) % 3 {
        0 => page("a 1\nb 1\nc 1 1000\n"),
        1 => page("a 1\n"),
        _ => page("b 1\na 1\nc 1 1000\n"),
    });
    let world = World::with(vec![job("j", &[server.address.to_string()])]);
    // The recorder refuses rows with a column that was given back and not asked for again.
    let mut retired = world.recorder.wait_retired(4);
    retired.sort();
    assert_eq!(retired[..4], ["b{job=\"j\"}", "b{job=\"j\"}", "c{job=\"j\"}", "c{job=\"j\"}"]);
    let row = world.recorder.wait_for("b{job=\"j\"}", "stale");
    assert_eq!(row.values["a{job=\"j\"}"], "1");
}

#[test]
fn a_target_that_comes_back_in_time_gets_no_stale_markers() {
    let server = Server::start(|_| page("a 1\n"));
    let options = job("a", &[server.address.to_string()]);
    let world = World::with(vec![options.clone()]);
    world.recorder.wait_for("a{job=\"a\"}", "1");
    world.apply(Vec::new());
    world.apply(vec![options]);
    let seen = world.recorder.rows().len();
    let rows = world.recorder.wait("six more scrapes", |rows| rows.len() >= seen + 6);
    assert!(!rows.iter().any(|row| row.values.values().any(|value| value == "stale")));
}

#[test]
fn relabeling_drops_targets_and_limits_fail_them() {
    let server = Server::start(|_| page("a 1\n"));
    let address = server.address.to_string();
    let mut options = job("j", &[address.clone(), "localhost:1".into(), address.clone(), "bad/address:1".into()]);
    options.relabel = vec![Step {
        action: Action::Drop,
        source_labels: vec!["__address__".into()],
        regex: promlet::model::regex::AnchoredRegex::new("localhost:.*").unwrap(),
        ..Step::default()
    }];
    let world = World::with(vec![options.clone()]);
    world.recorder.wait_for("a{job=\"j\"}", "1");
    assert_eq!(world.only_target().url, format!("http://{address}/metrics"));
    assert_eq!(world.pools.dropped()[0].discovered_labels.get("__address__"), Some("localhost:1"));
    assert_eq!(world.pools.dropped_counts(), [("j".to_owned(), 1)]);
    let figure = |name: &str| world.registry.gather().iter().find(|f| f.name == name).map(|f| f.samples[0].2);
    assert_eq!(figure("prometheus_target_sync_failed_total"), Some(1.0));
    options.discovery = fixed(&[address, "localhost:2".into(), "other:1".into()]);
    options.limits.targets = 1;
    world.apply(vec![options]);
    let row = world.recorder.wait_for("up{job=\"j\"}", "0");
    assert!(row.values.len() >= 5);
    world.recorder.wait("an end", |rows| rows.iter().any(|row| row.values.get("a{job=\"j\"}").is_some_and(|value| value == "stale")));
    assert!(world.pools.targets().iter().any(|target| target.last_error == "target_limit exceeded (number of targets: 2, limit: 1)"));
}

#[test]
fn targets_come_from_files_and_from_loopback_ports() {
    let (a, b) = (Server::start(|_| page("a 1\n")), Server::start(|_| page("b 1\n")));
    let no_metrics = Server::start(|_| ok("Content-Type: text/plain\r\n", b"hello"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.json"), format!("[{{\"targets\":[\"{}\"],\"labels\":{{\"from\":\"file\"}}}}]", a.address))
        .unwrap();
    let mut options = job("found", &[]);
    options.discovery = vec![
        DiscoveryOptions::File { patterns: vec![folder.path().join("*.json")], refresh_interval: DurationMs(50) },
        DiscoveryOptions::Loopback { ports: vec![b.address.port(), no_metrics.address.port()], refresh_interval: DurationMs(50) },
    ];
    let world = World::with(vec![options]);
    world.recorder.wait_for("a{from=\"file\", job=\"found\"}", "1");
    world.recorder.wait_for("b{job=\"found\"}", "1");
    let targets = world.pools.targets();
    assert_eq!(targets.len(), 2);
    assert!(targets.iter().any(|t| t.discovered_labels.get("__meta_filepath").is_some_and(|path| path.ends_with("t.json"))));
    std::fs::write(folder.path().join("t.json"), "[]").unwrap();
    world.recorder.wait_for("up{from=\"file\", job=\"found\"}", "stale");
    assert_eq!(world.pools.targets().len(), 1);
}
