//! A whole server with small, fixed contents.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use promlet::alerts::{Alerting, AlertsOptions};
use promlet::clock::Clock;
use promlet::http::cors::Cors;
use promlet::http::pool::{Pool, Size};
use promlet::http::state::{
    Addresses, AlertmanagersView, BuildInfo, DashboardView, HeadFacts, Overview, OverviewNote, Readiness, RuntimeInfo, ask,
};
use promlet::http::{
    AdminState, AlertState, Asset, Deletion, ExemplarState, FederateState, ManageState, PageState, Parts, PromletState, QueryState,
    RuleState, Server, StatusState, TargetState, WriteState, router,
};
use promlet::model::{DurationMs, Exemplar, Labels, Matcher, Metadata, MetricType, TimeRange, TimestampMs};
use promlet::promql::{Engine, EngineOptions};
use promlet::remote::Receiver;
use promlet::rules::view::{ActiveAlert, AlertState as Firing, AlertingView, GroupView, RuleHealth, RuleView};
use promlet::scrape::{DroppedTarget, TargetHealth, TargetView};
use promlet::state::State;
use promlet::storage::memory::MemoryStore;
use promlet::storage::{Append, GroupKey, GroupSource, Row};
use promlet::telemetry::Registry;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// 2023-11-14T22:13:20Z.
pub const START: i64 = 1_700_000_000_000;

pub struct Fixture {
    pub address: SocketAddr,
    pub readiness: Readiness,
    pub quits: Arc<Mutex<u32>>,
    pub registry: Registry,
    /// Lets the dashboard `slow` be answered.
    pub release: Arc<Notify>,
    pub stop: Arc<Notify>,
    pub running: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

/// What differs between tests.
pub struct Wishes {
    pub lifecycle: bool,
    pub admin: bool,
    pub remote_write: bool,
    pub prefix: String,
    pub connections: usize,
    pub timeout: Duration,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            lifecycle: false,
            admin: false,
            remote_write: false,
            prefix: String::new(),
            connections: 0,
            timeout: Duration::from_secs(120),
        }
    }
}

type Series<'s> = (&'s [(&'s str, &'s str)], [f64; 5]);

/// The series that the recorded answers are about.
pub fn fill(store: &MemoryStore) {
    let key = GroupKey { source: GroupSource::Push, name: "fixture".to_owned(), labels: Labels::empty() };
    let mut writer = store.writer(&key).unwrap();
    let series: [Series; 7] = [
        (&[("__name__", "up"), ("instance", "a:1"), ("job", "x")], [1.0, 1.0, 1.0, 0.0, 1.0]),
        (&[("__name__", "up"), ("html", "<&>\"\\"), ("instance", "b:1"), ("job", "x")], [1.0; 5]),
        (&[("__name__", "http_requests_total"), ("code", "200"), ("instance", "a:1"), ("job", "x")], [0.0, 10.0, 20.0, 30.0, 40.0]),
        (&[("__name__", "http_requests_total"), ("code", "500"), ("instance", "a:1"), ("job", "x")], [0.0, 0.5, 1.5, 1.5, 2.25]),
        (&[("__name__", "odd"), ("n", "1")], [0.1, 1e-7, 1e21, f64::NAN, f64::INFINITY]),
        (&[("__name__", "odd"), ("n", "2")], [-0.0, 123_456_789.125, -5e-324, f64::MAX, f64::NEG_INFINITY]),
        (&[("__name__", "name.with dots"), ("a-b", "c d")], [1.0, 2.0, 3.0, 4.0, 5.0]),
    ];
    let columns: Vec<_> = series.iter().map(|(labels, _)| writer.column(&Labels::from_pairs(labels.iter().copied())).unwrap()).collect();
    for step in 0..5usize {
        let mut row = Row::new(TimestampMs(START + 250 + 15_000 * step as i64));
        for (column, (_, values)) in columns.iter().zip(&series) {
            row.push(*column, values[step]);
        }
        assert!(writer.commit(&row).unwrap().rejected.is_empty());
    }
}

impl Fixture {
    pub async fn start() -> Self {
        Self::with(Wishes::default()).await
    }

    pub async fn with(wishes: Wishes) -> Self {
        let (registry, clock) = (Registry::default(), Clock::manual(TimestampMs(START + 60_250)));
        let store = MemoryStore::default();
        fill(&store);
        let folder = tempfile::tempdir().unwrap();
        let readiness = Readiness::default();
        readiness.set_ready();
        let quits = Arc::new(Mutex::new(0));
        let (release, stop) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let state = State::open(folder.path(), &registry).unwrap();
        let mut options = AlertsOptions::nobody("http://box:9090");
        options.original = "route:\n  receiver: d\n".to_owned();
        options.route.receiver = "d".to_owned();
        options.receivers = vec!["d".to_owned()];
        let alerting = Alerting::start(options, Vec::new(), state, clock.clone(), &registry).unwrap();
        let engine = Arc::new(Engine::new(EngineOptions::default(), clock.clone(), &registry));
        let query = QueryState {
            select: Arc::new(store.clone()),
            engine: Arc::new(move || Arc::clone(&engine)),
            // deadlines of the pool are real time, whatever the fixture's clock says
            pool: Pool::new(Size { starts: 2, jobs: 20 }, Clock::system(), &registry).unwrap(),
            clock: clock.clone(),
            timeout: wishes.timeout,
        };
        let receiver = wishes.remote_write.then(|| Arc::new(Receiver::new(Arc::new(store.clone()), clock.clone(), &registry)));
        let parts = Parts {
            registry: registry.clone(),
            clock: clock.clone(),
            cors: Cors::new(".*").unwrap(),
            prefix: wishes.prefix.clone(),
            exemplars: ExemplarState { query: query.clone(), find: Arc::new(exemplars) },
            federate: FederateState { query: query.clone(), external_labels: Arc::new(|| Labels::from_pairs([("box", "a")])) },
            query,
            head: Arc::new(|| HeadFacts { chunks: 7, min_time: TimestampMs(START + 250), max_time: TimestampMs(START + 60_250) }),
            targets: targets(),
            rules: RuleState { groups: Arc::new(groups), alertmanagers: Arc::new(alertmanagers) },
            status: status(&clock, &wishes),
            admin: admin(&wishes),
            manage: manage(&readiness, &wishes, &quits),
            promlet: promlet(&release),
            pages: pages(&wishes.prefix),
            write: WriteState::new(receiver, 2, &registry),
            alerts: AlertState { alerting, clock: clock.clone(), build: Arc::new(build), started_at: TimestampMs(START) },
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(router(parts), wishes.connections, &registry);
        let stopped = Arc::clone(&stop);
        let running = tokio::spawn(async move { server.run(listener, stopped.notified()).await });
        Self { address, readiness, quits, registry, release, stop, running, _folder: folder }
    }
}

/// One exemplar, of whatever has the code 500.
fn exemplars(matchers: &[Matcher], range: TimeRange) -> Vec<(Labels, TimestampMs, Exemplar)> {
    let at = TimestampMs(START + 479);
    let wanted = matchers.iter().any(|matcher| matcher.name == "code" && matcher.matches("500")) && range.contains(at);
    let exemplar = Exemplar { labels: labels(&[("trace_id", "a<b")]), value: 1e-7, at: Some(at) };
    wanted.then(|| (labels(&[("__name__", "http_requests_total"), ("code", "500")]), at, exemplar)).into_iter().collect()
}

fn build() -> BuildInfo {
    let text = |text: &str| text.to_owned();
    BuildInfo {
        version: text("0.1.0"),
        revision: text("r"),
        branch: text("b"),
        build_user: text("u"),
        build_date: text("d"),
        compiler: text("rustc"),
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

fn target(pool: &str, url: &str, health: TargetHealth, error: &str) -> TargetView {
    TargetView {
        pool: pool.to_owned(),
        discovered_labels: labels(&[("__address__", "127.0.0.1:1"), ("html", "a<b>&\"c"), ("job", pool)]),
        labels: labels(&[("html", "a<b>&\"c"), ("instance", "127.0.0.1:1"), ("job", pool)]),
        url: url.to_owned(),
        health,
        last_error: error.to_owned(),
        last_scrape: (health != TargetHealth::Unknown).then_some(TimestampMs(START + 250)),
        last_duration: Duration::from_nanos(796_375),
        last_samples: 3,
        interval: DurationMs::seconds(15),
        timeout: DurationMs::seconds(10),
        metadata: vec![
            ("a_total".to_owned(), Metadata { metric_type: MetricType::Counter, help: "counts <a>".to_owned(), unit: String::new() }),
            ("b_bytes".to_owned(), Metadata { metric_type: MetricType::Gauge, help: format!("b of {pool}"), unit: "bytes".to_owned() }),
        ],
    }
}

fn targets() -> TargetState {
    let active = || {
        vec![
            target("prometheus", "http://127.0.0.1:9090/metrics", TargetHealth::Up, ""),
            target("down", "http://127.0.0.1:1/metrics", TargetHealth::Down, "connection <refused>"),
            target("new", "http://box2:1/metrics", TargetHealth::Unknown, ""),
        ]
    };
    TargetState {
        active: Arc::new(active),
        dropped: Arc::new(|| vec![DroppedTarget { pool: "gone".to_owned(), discovered_labels: labels(&[("__address__", "x:1")]) }]),
        pools: Arc::new(|| {
            [("prometheus", 0), ("down", 0), ("new", 0), ("gone", 1)].map(|(name, count)| (name.to_owned(), count)).to_vec()
        }),
        addresses: Addresses { external_url: "http://box:9090".to_owned(), listen: "0.0.0.0:9090".to_owned() },
    }
}

fn alertmanagers() -> AlertmanagersView {
    AlertmanagersView { active: vec!["http://127.0.0.1:9093/api/v2/alerts".to_owned()], dropped: Vec::new() }
}

fn rule(name: &str, query: &str, alerting: Option<AlertingView>) -> RuleView {
    RuleView {
        name: name.to_owned(),
        query: query.to_owned(),
        labels: Labels::empty(),
        health: RuleHealth::Ok,
        last_error: String::new(),
        evaluation_time: Duration::from_micros(326),
        last_evaluation: Some(TimestampMs(START + 250)),
        alerting,
    }
}

fn groups() -> Vec<GroupView> {
    let summary = labels(&[("summary", "{{ $labels.instance }} is <down>")]);
    let active = ActiveAlert {
        labels: labels(&[("alertname", "Down"), ("instance", "a:1"), ("severity", "page")]),
        annotations: labels(&[("summary", "a:1 is <down>")]),
        state: Firing::Firing,
        active_at: TimestampMs(START + 184),
        keep_firing_since: Some(TimestampMs(START + 1000)),
        value: 0.0,
    };
    let alerting = |state, annotations: Labels, alerts| AlertingView {
        state,
        hold: DurationMs(2500),
        keep_firing_for: DurationMs::seconds(60),
        annotations,
        alerts,
    };
    let mut recording = rule("job:up:sum", "sum by (job) (up)", None);
    recording.labels = labels(&[("x", "y")]);
    let mut down = rule("Down", "up == 0", Some(alerting(Firing::Firing, summary, vec![active])));
    down.labels = labels(&[("severity", "page")]);
    let mut bad = rule("Bad", "vector(0) > 1", Some(alerting(Firing::Unknown, Labels::empty(), Vec::new())));
    (bad.health, bad.last_error, bad.last_evaluation) = (RuleHealth::Err, "many <to> many".to_owned(), None);
    let group = |file: &str, name: &str, rules| GroupView {
        file: file.into(),
        name: name.to_owned(),
        interval: DurationMs::seconds(15),
        limit: 0,
        evaluation_time: Duration::from_micros(1250),
        last_evaluation: Some(TimestampMs(START + 250)),
        evaluations: 1,
        rules,
    };
    vec![group("r.yml", "g", vec![recording, down]), group("s.yml", "h", vec![bad]), group("s.yml", "empty", Vec::new())]
}

fn status(clock: &Clock, wishes: &Wishes) -> StatusState {
    let runtime = || RuntimeInfo {
        started_at: TimestampMs(START),
        working_directory: "/w".to_owned(),
        host_name: "box".to_owned(),
        reload_succeeded: true,
        last_config_at: TimestampMs(START),
        corruptions: 0,
        threads: 9,
        cores: 2,
        memory_limit_bytes: 0,
        storage_retention: "15d".to_owned(),
    };
    StatusState {
        build: Arc::new(build),
        runtime: Arc::new(runtime),
        config: Arc::new(|| "global:\n  external_labels: {box: <a>}\n".to_owned()),
        flags: Arc::new(|| vec![("web.page-title".to_owned(), "a & b".to_owned()), ("query.timeout".to_owned(), "2m".to_owned())]),
        clock: clock.clone(),
        remote_write: wishes.remote_write,
        lifecycle: wishes.lifecycle,
        admin: wishes.admin,
    }
}

/// Deletes and cleans nothing; says what it was asked where that is an error.
fn admin(wishes: &Wishes) -> AdminState {
    AdminState {
        enabled: wishes.admin,
        delete: ask(|deletion: Deletion| async move {
            if deletion.selectors.len() > 1 { Err(format!("{} selectors, {:?}", deletion.selectors.len(), deletion.range)) } else { Ok(()) }
        }),
        clean: ask(|()| async { Ok(()) }),
        compact: ask(|()| async { Err("the disk is full".to_owned()) }),
        snapshot: ask(
            |skip_head| async move { if skip_head { Err("no space".to_owned()) } else { Ok("20171210T211224Z-2be6".to_owned()) } },
        ),
    }
}

fn manage(readiness: &Readiness, wishes: &Wishes, quits: &Arc<Mutex<u32>>) -> ManageState {
    let quits = Arc::clone(quits);
    ManageState {
        readiness: readiness.clone(),
        lifecycle: wishes.lifecycle,
        reload: ask(|()| async { Err("prometheus.yml:3:1: no such key".to_owned()) }),
        quit: Arc::new(move || *quits.lock().unwrap() += 1),
        build: Arc::new(build),
        metrics: Arc::new(|| b"# TYPE a counter\na 1\n".to_vec()),
    }
}

fn promlet(release: &Arc<Notify>) -> PromletState {
    let release = Arc::clone(release);
    let overview = || Overview {
        version: "0.1.0".to_owned(),
        demo_script: vec![(20, "a loss that is not finite fires".to_owned())],
        started_at: TimestampMs(START),
        scrape_interval_seconds: 15.0,
        alerting_hint: "write alertmanager.yml".to_owned(),
        notes: vec![OverviewNote { file: "p.yml".to_owned(), line: 3, column: 5, text: "not acted on".to_owned() }],
        problems: vec!["the disk is full".to_owned()],
        ..Overview::default()
    };
    let dashboards = || {
        vec![
            DashboardView {
                name: "grpo".to_owned(),
                title: "GRPO".to_owned(),
                tags: vec!["ml".to_owned()],
                file: "grpo.json".to_owned(),
                error: None,
            },
            DashboardView {
                name: "bad".to_owned(),
                file: "bad.json".to_owned(),
                error: Some("line 1".to_owned()),
                ..DashboardView::default()
            },
        ]
    };
    PromletState {
        overview: Arc::new(overview),
        dashboards: Arc::new(dashboards),
        dashboard: ask(move |name: String| {
            let release = Arc::clone(&release);
            async move {
                match name.as_str() {
                    "grpo" => Some(b"{\"title\":\"GRPO\"}".to_vec()),
                    "slow" => {
                        release.notified().await;
                        Some(b"{}".to_vec())
                    }
                    "broken" => panic!("on purpose"),
                    _ => None,
                }
            }
        }),
        deliveries: ask(|_| async { Ok(Vec::new()) }),
    }
}

fn pages(prefix: &str) -> PageState {
    let asset = |name: &str| {
        let (text, content_type, immutable) = match name {
            "index.html" => ("<!doctype html><script src=\"/a.js\"></script>", "text/html; charset=utf-8", false),
            "assets/app-1.js" => ("export {}", "text/javascript", true),
            _ => return None,
        };
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        Some(Asset { gzip: encoder.finish().unwrap().into(), content_type: content_type.into(), etag: "\"e1\"".into(), immutable })
    };
    PageState {
        asset: Arc::new(asset),
        is_page: Arc::new(|path| matches!(path, "query" | "alerts")),
        prefix: Arc::from(prefix),
        external_path: Arc::from(prefix),
        start: "dashboards",
    }
}
