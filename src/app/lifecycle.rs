//! Start, reload and stop, each a list of named steps.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::files::{self, Files};
use super::maintenance::Maintenance;
use super::settings::Settings;
use super::{addresses, questions, web};
use crate::alerts::{Alerting, AlertsOptions};
use crate::clock::Clock;
use crate::config::Environment;
use crate::http::server::Server;
use crate::http::state::Readiness;
use crate::model::{DurationMs, Problem, TimestampMs};
use crate::notify;
use crate::promql::Engine;
use crate::rules::{RuleGroups, RulesOptions, RulesParts};
use crate::scrape::ScrapePools;
use crate::state::State;
use crate::telemetry::{Gauge, Registry};
use crate::tsdb::{RealDisk, Tsdb, TsdbOptions};

/// Reload requests that wait; one more is refused.
const RELOADS_MAX: usize = 4;
/// After so many evaluation intervals every rule has had the chance to say again that it fires.
const SETTLE_INTERVALS: i64 = 3;

/// Why the server did not start: a sentence each, for the operator.
#[derive(Debug)]
pub enum StartError {
    Files(Vec<Problem>),
    Other(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(problems) => problems.iter().try_for_each(|problem| writeln!(f, "{problem}")),
            Self::Other(text) => f.write_str(text),
        }
    }
}

fn other(error: impl fmt::Display) -> StartError {
    StartError::Other(error.to_string())
}

/// What the last good reading of the files gave, as the pages show it.
pub struct Loaded {
    pub files: Files,
    pub at: TimestampMs,
    pub succeeded: bool,
}

/// Handles that both the web pages and the lifecycle hold.
#[derive(Clone)]
pub struct Shared {
    pub settings: Arc<Settings>,
    pub clock: Clock,
    pub registry: Registry,
    pub started_at: TimestampMs,
    pub store: Arc<Tsdb>,
    pub engine: Arc<ArcSwap<Engine>>,
    pub scrapes: Arc<ScrapePools>,
    pub rules: RuleGroups,
    pub alerting: Alerting,
    pub loaded: Arc<ArcSwap<Loaded>>,
    pub readiness: Readiness,
    pub requests: mpsc::Sender<Request>,
    pub external_url: String,
    pub listening: SocketAddr,
    /// `15d`, or `15d or 10GiB`.
    pub retention: Arc<str>,
}

/// What the web server may ask of the lifecycle.
pub enum Request {
    Reload(oneshot::Sender<Result<(), String>>),
    Quit,
}

struct ReloadFigures {
    successful: Gauge,
    at: Gauge,
}

impl ReloadFigures {
    fn new(registry: &Registry) -> Self {
        Self {
            successful: registry.gauge(
                "prometheus_config_last_reload_successful",
                "Whether the last configuration reload attempt was successful.",
                &[],
            ),
            at: registry.gauge(
                "prometheus_config_last_reload_success_timestamp_seconds",
                "Timestamp of the last successful configuration reload.",
                &[],
            ),
        }
    }
}

/// The running server.
pub struct App {
    shared: Shared,
    environment: Environment,
    figures: ReloadFigures,
    maintenance: Maintenance,
    state: State,
    requests: mpsc::Receiver<Request>,
    servers: Vec<JoinHandle<()>>,
    stop_servers: watch::Sender<bool>,
}

/// The store's options: flags first, then the configuration, then defaults.
fn store_options(settings: &Settings, files: &Files) -> TsdbOptions {
    let mut options = TsdbOptions::new(&settings.storage.path);
    let configured = &files.prometheus.storage;
    if let Some(time) = configured.retention_time.or(settings.storage.retention_time) {
        options.retention_time = time;
    }
    options.retention_bytes = configured.retention_bytes.or(settings.storage.retention_bytes).unwrap_or(0);
    options.out_of_order_window = configured.out_of_order_window.unwrap_or(DurationMs::ZERO);
    options.sync_interval = settings.storage.sync_interval;
    options.no_lockfile = settings.storage.no_lockfile;
    options
}

fn retention(options: &TsdbOptions) -> String {
    let time = options.retention_time.to_string();
    if options.retention_bytes == 0 { time } else { format!("{time} or {}B", options.retention_bytes) }
}

fn rules_options(settings: &Settings, files: &Files, external_url: &str) -> RulesOptions {
    RulesOptions {
        groups: files.rules.clone(),
        external_labels: files.prometheus.external_labels.clone(),
        external_url: external_url.to_owned(),
        limits: settings.rule_timings,
    }
}

impl App {
    /// Reads, opens and starts everything in the order in which data flows out of it; ready when this returns.
    pub async fn start(settings: Settings, environment: Environment, clock: Clock, registry: Registry) -> Result<Self, StartError> {
        let started_at = clock.now();
        let listeners = addresses::listen(&settings.web.listen_addresses).await.map_err(StartError::Other)?;
        let first = listeners.first().ok_or_else(|| other("no --web.listen-address"))?;
        let listening = first.local_addr().map_err(other)?;
        let external_url = addresses::external_url(settings.web.external_url.as_deref(), listening);
        let files = files::load(&settings, &addresses::own(listening), &external_url, &environment).map_err(StartError::Files)?;
        say_notes(&files);
        let options = store_options(&settings, &files);
        let store = open_store(options.clone(), &clock, &registry).await?;
        let state = State::open(&settings.storage.path.join("promlet"), &registry).map_err(other)?;
        let alerting = start_alerting(&files, &external_url, &state, &clock, &registry)?;
        let engine = Arc::new(ArcSwap::from_pointee(questions::engine(&settings, files.prometheus.evaluation_interval, &clock, &registry)));
        let rules = start_rules(&store, &engine, &alerting, &clock, &registry);
        let scrapes = Arc::new(ScrapePools::new(store.clone(), clock.clone(), &registry).map_err(other)?);
        let (requests, received) = mpsc::channel(RELOADS_MAX);
        let loaded = Arc::new(ArcSwap::from_pointee(Loaded { files, at: started_at, succeeded: true }));
        let settings = Arc::new(settings);
        let readiness = Readiness::default();
        let maintenance = Maintenance::start(store.clone(), clock.clone()).map_err(other)?;
        let shared = Shared {
            settings,
            clock,
            registry,
            started_at,
            store,
            engine,
            scrapes,
            rules,
            alerting,
            loaded,
            readiness,
            requests,
            external_url,
            listening,
            retention: Arc::from(retention(&options)),
        };
        let (stop_servers, _) = watch::channel(false);
        let servers = serve(&shared, listeners, &stop_servers).map_err(other)?;
        let figures = ReloadFigures::new(&shared.registry);
        let app = Self { shared, environment, figures, maintenance, state, requests: received, servers, stop_servers };
        app.put_in_force().await;
        app.shared.readiness.set_ready();
        app.settle_later();
        Ok(app)
    }

    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Rules and targets of the files that were read last.
    async fn put_in_force(&self) {
        let loaded = self.shared.loaded.load_full();
        let options = rules_options(&self.shared.settings, &loaded.files, &self.shared.external_url);
        let rules = self.shared.rules.clone();
        if tokio::task::spawn_blocking(move || rules.apply(options)).await.is_err() {
            tracing::error!("putting the rules into force panicked");
        }
        self.shared.scrapes.apply(loaded.files.prometheus.scrape.clone());
        self.figures.successful.set(1.0);
        self.figures.at.set(loaded.at.as_seconds());
    }

    /// What fired before the start and does not say so again within some evaluations has ended meanwhile.
    fn settle_later(&self) {
        let loaded = self.shared.loaded.load();
        let slowest = loaded.files.rules.iter().map(|group| group.interval).max().unwrap_or(DurationMs::ZERO);
        let alerting = self.shared.alerting.clone();
        tokio::spawn(async move {
            tokio::time::sleep(DurationMs(slowest.0.saturating_mul(SETTLE_INTERVALS)).to_std()).await;
            alerting.settle();
        });
    }

    /// Runs until SIGINT, SIGTERM or a request to quit, then stops everything in order.
    pub async fn run(mut self) -> Result<(), StartError> {
        let mut hangup = signal(SignalKind::hangup()).map_err(other)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(other)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(other)?;
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => {
                    // What went wrong is in the log and in the metrics.
                    let _said = self.reload().await;
                }
                request = self.requests.recv() => match request {
                    Some(Request::Reload(reply)) => {
                        let outcome = self.reload().await;
                        // The client may have gone.
                        let _gone = reply.send(outcome);
                    }
                    Some(Request::Quit) | None => break,
                },
            }
        }
        self.stop().await;
        Ok(())
    }

    /// All or nothing: on an error everything stays as it was, and the error is said.
    async fn reload(&mut self) -> Result<(), String> {
        match self.read_again() {
            Ok(files) => {
                say_notes(&files);
                self.renew_engine(&files);
                self.shared.loaded.store(Arc::new(Loaded { files, at: self.shared.clock.now(), succeeded: true }));
                self.put_in_force().await;
                tracing::info!("configuration reloaded");
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "configuration not reloaded: the one before stays in force");
                self.figures.successful.set(0.0);
                web::mark_failed(&self.shared.loaded);
                Err(error)
            }
        }
    }

    /// The default step of subqueries is the evaluation interval.
    fn renew_engine(&self, files: &Files) {
        let shared = &self.shared;
        let interval = files.prometheus.evaluation_interval;
        if shared.engine.load().options().default_subquery_step != interval {
            shared.engine.store(Arc::new(questions::engine(&shared.settings, interval, &shared.clock, &shared.registry)));
        }
    }

    fn read_again(&self) -> Result<Files, String> {
        let shared = &self.shared;
        let own = addresses::own(shared.listening);
        let files =
            files::load(&shared.settings, &own, &shared.external_url, &self.environment).map_err(|p| StartError::Files(p).to_string())?;
        let (options, receivers) = routing(&files, &shared.external_url, &shared.clock, &shared.registry)?;
        shared.alerting.reload(options, receivers);
        Ok(files)
    }

    /// In reverse order of the start.
    async fn stop(self) {
        tracing::info!("stopping");
        self.shared.readiness.set_stopping();
        self.shared.scrapes.stop().await;
        let rules = self.shared.rules.clone();
        let stopped = tokio::task::spawn_blocking(move || rules.stop()).await;
        self.shared.alerting.stop().await;
        self.stop_servers.send_replace(true);
        for server in self.servers {
            drop(server.await);
        }
        let (maintenance, store, state) = (self.maintenance, self.shared.store.clone(), self.state);
        let closed = tokio::task::spawn_blocking(move || {
            maintenance.stop();
            drop(state);
            store.close()
        });
        match closed.await {
            Ok(Ok(())) if stopped.is_ok() => tracing::info!("stopped"),
            Ok(Err(error)) => tracing::error!(%error, "the store did not close cleanly; the row log has everything"),
            _ => tracing::error!("a part panicked while stopping; the row log has everything"),
        }
    }
}

fn say_notes(files: &Files) {
    for note in &files.notes {
        tracing::warn!(at = %format!("{}:{}:{}", note.file, note.line, note.column), "{}", note.message);
    }
}

async fn open_store(options: TsdbOptions, clock: &Clock, registry: &Registry) -> Result<Arc<Tsdb>, StartError> {
    let (clock, registry) = (clock.clone(), registry.clone());
    let opened = tokio::task::spawn_blocking(move || Tsdb::open(options, Arc::new(RealDisk), clock, &registry)).await.map_err(other)?;
    opened.map(Arc::new).map_err(other)
}

type Routing = (AlertsOptions, Vec<crate::alerts::Receiver>);

fn routing(files: &Files, external_url: &str, clock: &Clock, registry: &Registry) -> Result<Routing, String> {
    match &files.alerting {
        None => Ok((AlertsOptions::nobody(external_url), Vec::new())),
        Some((options, notify)) => {
            let receivers = notify::build(notify, clock, registry).map_err(|error| error.to_string())?;
            Ok((options.clone(), receivers))
        }
    }
}

fn start_alerting(files: &Files, external_url: &str, state: &State, clock: &Clock, registry: &Registry) -> Result<Alerting, StartError> {
    let (options, receivers) = routing(files, external_url, clock, registry).map_err(StartError::Other)?;
    Alerting::start(options, receivers, state.clone(), clock.clone(), registry).map_err(other)
}

fn start_rules(store: &Arc<Tsdb>, engine: &Arc<ArcSwap<Engine>>, alerting: &Alerting, clock: &Clock, registry: &Registry) -> RuleGroups {
    let alerting = alerting.clone();
    let rules = RuleGroups::new(RulesParts {
        clock: clock.clone(),
        registry: registry.clone(),
        query: questions::for_rules(engine.clone(), store.clone()),
        append: store.clone(),
        select: store.clone(),
        alerts: Arc::new(move |alerts| alerting.post(alerts)),
    });
    rules.start(&Handle::current());
    rules
}

fn serve(shared: &Shared, listeners: Vec<TcpListener>, stop: &watch::Sender<bool>) -> std::io::Result<Vec<JoinHandle<()>>> {
    let server = Server::new(web::router(shared)?, shared.settings.web.max_connections, &shared.registry);
    let mut servers = Vec::new();
    for listener in listeners {
        let (server, mut stopped) = (server.clone(), stop.subscribe());
        servers.push(tokio::spawn(async move {
            let until = async move {
                // The sender is dropped only after the stop.
                let _dropped = stopped.wait_for(|stop| *stop).await;
            };
            server.run(listener, until).await;
        }));
    }
    Ok(servers)
}
