//! The parts of a server, each started from settings, files and what came before it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::files::Files;
use super::history::History;
use super::lifecycle::{Shared, StartError, other};
use super::settings::Settings;
use super::{questions, web, web_file};
use crate::alerts::{Alerting, AlertsOptions};
use crate::clock::Clock;
use crate::http::Protection;
use crate::http::server::Server;
use crate::model::{DurationMs, TimestampMs};
use crate::notifier::Notifier;
use crate::notify::{self, Evidence};
use crate::promql::Engine;
use crate::rules::{Concurrency, RuleGroups, RulesOptions, RulesParts};
use crate::state::State;
use crate::telemetry::{Registry, process};
use crate::tsdb::{RealDisk, Tsdb, TsdbOptions};

/// A hundred years.
const RETENTION_UNLIMITED: DurationMs = DurationMs(100 * 365 * 86_400_000);
/// As in Prometheus: what is more than half a block behind the newest sample belongs to a block that is written already.
const BOUNDS: DurationMs = DurationMs(3_600_000);

/// The store's options: flags first, then the configuration, then defaults.
pub(super) fn store_options(settings: &Settings, files: &Files) -> TsdbOptions {
    let mut options = TsdbOptions::new(&settings.storage.path);
    let configured = &files.prometheus.storage;
    options.retention_bytes = configured.retention_bytes.or(settings.storage.retention_bytes).unwrap_or(0);
    // As in Prometheus 0 is no setting at all, and a size alone means that time does not matter.
    let time = configured.retention_time.or(settings.storage.retention_time).filter(|time| time.0 > 0);
    if let Some(time) = time.or((options.retention_bytes > 0).then_some(RETENTION_UNLIMITED)) {
        options.retention_time = time;
    }
    options.out_of_order_window = configured.out_of_order_window.unwrap_or(DurationMs::ZERO);
    options.bounds = Some(BOUNDS);
    options.sync_interval = settings.storage.sync_interval;
    options.no_lockfile = settings.storage.no_lockfile;
    options
}

pub(super) fn retention(options: &TsdbOptions) -> String {
    match (options.retention_time, options.retention_bytes) {
        (time, 0) => time.to_string(),
        (RETENTION_UNLIMITED, bytes) => format!("{bytes}B"),
        (time, bytes) => format!("{time} or {bytes}B"),
    }
}

pub(super) fn rules_options(settings: &Settings, files: &Files, external_url: &str) -> RulesOptions {
    RulesOptions {
        groups: files.rules.clone(),
        external_labels: files.prometheus.external_labels.clone(),
        external_url: external_url.to_owned(),
        limits: settings.rule_timings,
    }
}

/// Opens the store, and whatever a Prometheus left in its folder. The head of it is read at once, but nobody waits for that.
pub(super) async fn open_store(
    settings: &Settings,
    options: TsdbOptions,
    clock: &Clock,
    registry: &Registry,
) -> Result<History, StartError> {
    let (clock, registry) = (clock.clone(), registry.clone());
    let budget = settings.storage.memory_budget_bytes();
    let open = move || {
        let folder = options.folder.clone();
        let store = Tsdb::open(options, Arc::new(RealDisk), clock.clone(), &registry).map_err(|error| error.to_string())?;
        if budget > 0 {
            store.set_memory_budget(budget, Arc::new(process::resident_bytes), &registry);
        }
        History::open(Arc::new(store), &folder, &clock)
    };
    let history = tokio::task::spawn_blocking(open).await.map_err(other)?.map_err(StartError::Other)?;
    let warmed = history.clone();
    drop(tokio::task::spawn_blocking(move || warmed.warm()));
    Ok(history)
}

pub(super) type Routing = (AlertsOptions, Vec<crate::alerts::Receiver>);

pub(super) fn routing(
    files: &Files,
    external_url: &str,
    evidence: Evidence,
    clock: &Clock,
    registry: &Registry,
) -> Result<Routing, String> {
    match &files.alerting {
        None => Ok((AlertsOptions::nobody(external_url), Vec::new())),
        Some((options, notify)) => {
            let receivers = notify::build_with(notify, Some(evidence), clock, registry).map_err(|error| error.to_string())?;
            Ok((options.clone(), receivers))
        }
    }
}

pub(super) fn start_alerting(
    files: &Files,
    external_url: &str,
    evidence: Evidence,
    state: &State,
    clock: &Clock,
    registry: &Registry,
) -> Result<Alerting, StartError> {
    let (options, receivers) = routing(files, external_url, evidence, clock, registry).map_err(StartError::Other)?;
    Alerting::start(options, receivers, state.clone(), clock.clone(), registry).map_err(other)
}

pub(super) fn start_rules(
    history: &History,
    engine: &Arc<ArcSwap<Engine>>,
    (notifier, alerting): (&Notifier, &Alerting),
    settings: &Settings,
    clock: &Clock,
    registry: &Registry,
) -> RuleGroups {
    let (notifier, alerting, stopped) = (notifier.clone(), alerting.clone(), history.store.clone());
    let standstill = move || stopped.read_only().and_then(|_| stopped.extent().max_time).map(TimestampMs);
    let mut rules = RuleGroups::new(RulesParts {
        clock: clock.clone(),
        registry: registry.clone(),
        query: questions::for_rules(engine.clone(), history.select_for_rules.clone(), Arc::new(standstill)),
        append: history.store.clone(),
        select: history.select_for_rules.clone(),
        // Our own routing gets what an outside one would.
        alerts: Arc::new(move |alerts| alerting.post(notifier.send(alerts))),
    });
    if settings.has_feature("concurrent-rule-eval") {
        let reads = questions::selectors(questions::features(&settings.features));
        rules = rules.with_concurrency(Concurrency::new(reads, settings.max_concurrent_evals));
    }
    rules.start(&Handle::current());
    rules
}

/// Read before anything else: what was to be protected is never served openly.
pub(super) fn protection(settings: &Settings, clock: &Clock, registry: &Registry) -> Result<Option<Protection>, StartError> {
    let Some(file) = &settings.web.config_file else { return Ok(None) };
    crate::config::load_web(file).map_err(StartError::Files)?;
    let wrong = |reason: String| StartError::Other(format!("--web.config.file {}: {reason}", file.display()));
    Protection::new(web_file::reader(file), clock.clone(), registry).map(Some).map_err(wrong)
}

pub(super) fn serve(
    shared: &Shared,
    protection: Option<Protection>,
    listeners: Vec<TcpListener>,
    stop: &watch::Sender<bool>,
) -> std::io::Result<Vec<JoinHandle<()>>> {
    let server = Server::new(web::router(shared)?, shared.settings.web.max_connections, &shared.registry);
    let server = match protection {
        Some(protection) => server.protected(protection),
        None => server,
    };
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
