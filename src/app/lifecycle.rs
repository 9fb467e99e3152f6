//! Start, reload and stop, each a list of named steps.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::blind::Blind;
use super::figures::Figures;
use super::files::{self, Files};
use super::history::{History, Upkeep};
use super::maintenance::Maintenance;
use super::parts::{open_store, protection, retention, routing, rules_options, serve, start_alerting, start_rules, store_options};
use super::settings::Settings;
use super::settling::{self, Standing};
use super::{addresses, courses, pulse, questions, signals, store_figures, web};
use crate::alerts::Alerting;
use crate::clock::Clock;
use crate::config::Environment;
use crate::heartbeat::Heartbeats;
use crate::http::Protection;
use crate::http::state::Readiness;
use crate::model::{Problem, TimestampMs};
use crate::notifier::Notifier;
use crate::promql::Engine;
use crate::rules::RuleGroups;
use crate::scrape::ScrapePools;
use crate::state::State;
use crate::telemetry::Registry;
use crate::tsdb::Tsdb;

/// Reload requests that wait; one more is refused.
const RELOADS_MAX: usize = 4;
/// How often alerts from before the start are held against what the rules say by now.
const SETTLE_EVERY: Duration = Duration::from_millis(250);

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

pub(super) fn other(error: impl fmt::Display) -> StartError {
    StartError::Other(error.to_string())
}

/// What the last good reading of the files gave, as the pages show it.
pub struct Loaded {
    pub files: Files,
    pub at: TimestampMs,
    /// Why the last attempt to read them again was refused, if it was.
    pub failure: Option<String>,
}

/// Handles that both the web pages and the lifecycle hold.
#[derive(Clone)]
pub struct Shared {
    pub settings: Arc<Settings>,
    pub clock: Clock,
    pub registry: Registry,
    pub started_at: TimestampMs,
    /// For how long nobody watched before.
    pub blind: Option<Blind>,
    pub store: Arc<Tsdb>,
    /// The store, and what a Prometheus left beside it.
    pub history: History,
    pub engine: Arc<ArcSwap<Engine>>,
    pub scrapes: Arc<ScrapePools>,
    pub rules: RuleGroups,
    pub alerting: Alerting,
    pub notifier: Notifier,
    pub heartbeats: Heartbeats,
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

/// The running server.
pub struct App {
    shared: Shared,
    environment: Environment,
    figures: Figures,
    maintenance: Maintenance,
    state: State,
    requests: mpsc::Receiver<Request>,
    servers: Vec<JoinHandle<()>>,
    stop_servers: watch::Sender<bool>,
    settling: Option<JoinHandle<()>>,
}

impl App {
    /// Reads, opens and starts everything in the order in which data flows out of it; ready when this returns.
    pub async fn start(settings: Settings, environment: Environment, clock: Clock, registry: Registry) -> Result<Self, StartError> {
        let listeners = addresses::listen(&settings.web.listen_addresses).await.map_err(StartError::Other)?;
        Self::start_on(listeners, settings, environment, clock, registry).await
    }

    /// [`App::start`] on sockets that listen already, instead of at the settings' addresses.
    pub async fn start_on(
        listeners: Vec<TcpListener>,
        settings: Settings,
        environment: Environment,
        clock: Clock,
        registry: Registry,
    ) -> Result<Self, StartError> {
        let started_at = clock.now();
        let first = listeners.first().ok_or_else(|| other("no --web.listen-address"))?;
        let listening = first.local_addr().map_err(other)?;
        let protection = protection(&settings, &clock, &registry)?;
        let encrypts = protection.as_ref().is_some_and(Protection::encrypts);
        let external_url = addresses::external_url(settings.web.external_url.as_deref(), listening, encrypts);
        let files = files::load(&settings, &addresses::own(listening), &external_url, &environment).map_err(StartError::Files)?;
        say_notes(&files);
        let options = store_options(&settings, &files);
        let history = open_store(&settings, options.clone(), &clock, &registry).await?;
        let store = history.store.clone();
        let blind = Blind::before(started_at, store.newest_time()).inspect(|blind| blind.say(&registry));
        let state = State::open(&settings.storage.path.join("promlet"), &registry).map_err(other)?;
        let engine = Arc::new(ArcSwap::from_pointee(questions::engine(&settings, files.prometheus.evaluation_interval, &clock, &registry)));
        let evidence = courses::evidence(engine.clone(), history.select.clone(), questions::features(&settings.features));
        let alerting = start_alerting(&files, &external_url, evidence, &state, &clock, &registry)?;
        blind.inspect(|blind| blind.note(&alerting));
        let notifier = Notifier::new(settings.alert_queue, clock.clone(), &registry);
        notifier.apply(files.prometheus.notifier.clone()).map_err(other)?;
        let rules = start_rules(&history, &engine, (&notifier, &alerting), &settings, &clock, &registry);
        let scrapes = Arc::new(ScrapePools::new(store.clone(), clock.clone(), &registry).map_err(other)?);
        let heartbeats = Heartbeats::new(pulse::feel(store.clone(), rules.clone(), scrapes.clone()), clock.clone(), &registry);
        let (requests, received) = mpsc::channel(RELOADS_MAX);
        let loaded = Arc::new(ArcSwap::from_pointee(Loaded { files, at: started_at, failure: None }));
        let settings = Arc::new(settings);
        let readiness = Readiness::default();
        let maintenance =
            Maintenance::start(store.clone(), Upkeep::new(history.clone(), options.retention_time), clock.clone()).map_err(other)?;
        let shared = Shared {
            settings,
            clock,
            registry,
            started_at,
            blind,
            store,
            history,
            engine,
            scrapes,
            rules,
            alerting,
            notifier,
            heartbeats,
            loaded,
            readiness,
            requests,
            external_url,
            listening,
            retention: Arc::from(retention(&options)),
        };
        let (stop_servers, _) = watch::channel(false);
        let servers = serve(&shared, protection, listeners, &stop_servers).map_err(other)?;
        let figures = Figures::new(&shared.registry);
        store_figures::show_limits(&shared.registry, &options);
        let mut app = Self { shared, environment, figures, maintenance, state, requests: received, servers, stop_servers, settling: None };
        app.put_in_force().await;
        app.shared.heartbeats.apply(&app.shared.loaded.load().files.heartbeats).map_err(other)?;
        app.settling = Some(tokio::spawn(settle(app.shared.clone())));
        app.shared.readiness.set_ready();
        app.figures.ready(true);
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
        self.shared.notifier.count_our_own(loaded.files.alerting.is_some());
        self.figures.reloaded(loaded.at);
    }

    /// Runs until SIGINT, SIGTERM or a request to quit, then stops everything in order.
    pub async fn run(self) -> Result<(), StartError> {
        let forwarding = signals::forward(self.shared.requests.clone()).map_err(other)?;
        self.run_until_told().await;
        forwarding.abort();
        Ok(())
    }

    /// Runs until a request to quit, then stops everything in order.
    pub async fn run_until_told(mut self) {
        while let Some(request) = self.requests.recv().await {
            match request {
                Request::Reload(reply) => {
                    let outcome = self.reload().await;
                    // Who asked may have gone; what went wrong is in the log and in the metrics.
                    let _gone = reply.send(outcome);
                }
                Request::Quit => break,
            }
        }
        self.stop().await;
    }

    /// All or nothing: on an error everything stays as it was, and the error is said.
    async fn reload(&mut self) -> Result<(), String> {
        match self.read_again() {
            Ok(files) => {
                say_notes(&files);
                let mut before = store_options(&self.shared.settings, &self.shared.loaded.load().files);
                let options = store_options(&self.shared.settings, &files);
                self.shared.store.set_out_of_order_window(options.out_of_order_window);
                before.out_of_order_window = options.out_of_order_window;
                if options != before {
                    tracing::warn!("the storage settings of the configuration have changed: they hold from the next start on");
                }
                self.renew_engine(&files);
                self.shared.loaded.store(Arc::new(Loaded { files, at: self.shared.clock.now(), failure: None }));
                self.put_in_force().await;
                tracing::info!("configuration reloaded");
                Ok(())
            }
            Err(error) => {
                say_errors(&error);
                self.figures.not_reloaded();
                let text = error.to_string();
                web::mark_failed(&self.shared.loaded, &text);
                Err(text)
            }
        }
    }

    /// The default step of subqueries is the evaluation interval.
    fn renew_engine(&self, files: &Files) {
        let shared = &self.shared;
        let interval = files.prometheus.evaluation_interval;
        if shared.engine.load().options().default_subquery_step != interval {
            let options = questions::engine_options(&shared.settings, interval);
            shared.engine.store(Arc::new(shared.engine.load().renewed(options, &shared.registry)));
        }
    }

    fn read_again(&self) -> Result<Files, StartError> {
        let shared = &self.shared;
        let own = addresses::own(shared.listening);
        let files = files::load(&shared.settings, &own, &shared.external_url, &self.environment).map_err(StartError::Files)?;
        let features = questions::features(&shared.settings.features);
        let evidence = courses::evidence(shared.engine.clone(), shared.history.select.clone(), features);
        let (options, receivers) =
            routing(&files, &shared.external_url, evidence, &shared.clock, &shared.registry).map_err(StartError::Other)?;
        shared.heartbeats.apply(&files.heartbeats).map_err(other)?;
        shared.notifier.apply(files.prometheus.notifier.clone()).map_err(other)?;
        shared.alerting.reload(options, receivers);
        Ok(files)
    }

    /// In reverse order of the start.
    async fn stop(self) {
        tracing::info!("stopping");
        self.shared.readiness.set_stopping();
        self.figures.ready(false);
        self.shared.heartbeats.stop();
        self.settling.iter().for_each(JoinHandle::abort);
        self.shared.scrapes.stop().await;
        let rules = self.shared.rules.clone();
        let stopped = tokio::task::spawn_blocking(move || rules.stop()).await;
        tokio::join!(self.shared.notifier.stop(), self.shared.alerting.stop());
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

/// Ends alerts that fired before the start once their rules had every chance to say that they go on.
async fn settle(shared: Shared) {
    let jobs = |loaded: &Loaded| loaded.files.prometheus.scrape.iter().map(|job| job.scrape_interval).collect::<Vec<_>>();
    let scraped_by = settling::scraped_by(shared.started_at, jobs(&shared.loaded.load()).into_iter());
    let (started, longest) = (shared.clock.monotonic(), shared.settings.rule_timings.for_outage_tolerance.to_std());
    while shared.alerting.settle(&|_| true) > 0 {
        tokio::time::sleep(SETTLE_EVERY).await;
        let (labels, groups) = (shared.notifier.labels(), shared.rules.view());
        let standing = Standing { groups: &groups, labels: &labels, scraped_by };
        let is_in_time = shared.clock.monotonic().saturating_sub(started) < longest;
        shared.alerting.settle(&|labels| is_in_time && standing.awaits(labels));
    }
}

fn say_notes(files: &Files) {
    for note in &files.notes {
        tracing::warn!(at = %format!("{}:{}:{}", note.file, note.line, note.column), "{}", note.message);
    }
}

/// One line a problem, in the log's own form.
fn say_errors(error: &StartError) {
    tracing::error!("configuration not reloaded: the one before stays in force");
    match error {
        StartError::Files(problems) => {
            for problem in problems {
                let help = problem.suggestion.as_deref().unwrap_or_default();
                tracing::error!(at = %format!("{}:{}:{}", problem.file, problem.line, problem.column), help, "{}", problem.message);
            }
        }
        StartError::Other(text) => tracing::error!("{text}"),
    }
}
