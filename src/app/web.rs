//! Hands each handler of the web server its part of the rooms: shared handles, and closures that read or ask.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use tokio::sync::oneshot;

use super::addresses::{host_name, route_prefix};
use super::admin;
use super::lifecycle::{Loaded, Request, Shared};
use super::settings::Mode;
use super::store_figures::{self, StoreFigures};
use super::{dashboards, overview};
use crate::exposition::{Format, write_page};
use crate::http::cors::Cors;
use crate::http::pool::{Pool, Size};
use crate::http::state::{Addresses, AlertmanagersView, BuildInfo, DashboardView, HeadFacts, RuntimeInfo, ask};
use crate::http::{
    self, AlertState, Asset, ExemplarState, FederateState, ManageState, PageState, Parts, PromletState, QueryState, RuleState, StatusState,
    TargetState, WriteState,
};
use crate::model::TimestampMs;
use crate::notifier::Found;
use crate::remote::Receiver;
use crate::telemetry::process::ProcessFigures;
use crate::ui;

/// The whole web server as one service.
pub fn router(shared: &Shared) -> std::io::Result<Router> {
    let prefix = route_prefix(shared.settings.web.route_prefix.as_deref(), &shared.external_url);
    // The pattern was checked with the flags; one that does not compile allows no foreign origin.
    let cors =
        Cors::new(&shared.settings.web.cors_origin).or_else(|_| Cors::new("$^")).unwrap_or_else(|_| unreachable!("a literal pattern"));
    let (store, exemplars, labels, query) = (shared.store.clone(), shared.history.clone(), shared.loaded.clone(), query(shared)?);
    Ok(http::router(Parts {
        registry: shared.registry.clone(),
        clock: shared.clock.clone(),
        cors,
        exemplars: ExemplarState { query: query.clone(), find: Arc::new(move |matchers, range| exemplars.exemplars(matchers, range)) },
        federate: FederateState {
            query: query.clone(),
            external_labels: Arc::new(move || labels.load().files.prometheus.external_labels.clone()),
        },
        query,
        head: Arc::new(move || {
            let extent = store.extent();
            let time = |at: Option<i64>| TimestampMs(at.unwrap_or(0));
            HeadFacts { chunks: extent.groups as u64, min_time: time(extent.min_time), max_time: time(extent.max_time) }
        }),
        targets: targets(shared),
        rules: rules(shared),
        status: status(shared),
        admin: admin::state(shared),
        manage: manage(shared),
        promlet: promlet(shared),
        pages: pages(shared, &prefix),
        write: write(shared),
        alerts: AlertState {
            alerting: shared.alerting.clone(),
            clock: shared.clock.clone(),
            build: Arc::new(build_info),
            started_at: shared.started_at,
        },
        prefix,
    }))
}

/// The files as they were, with word that reading them again failed.
pub fn mark_failed(loaded: &ArcSwap<Loaded>, why: &str) {
    loaded.rcu(|before| Loaded { files: before.files.clone(), at: before.at, failure: Some(why.trim_end().to_owned()) });
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn query(shared: &Shared) -> std::io::Result<QueryState> {
    let engine = shared.engine.clone();
    Ok(QueryState {
        select: shared.history.select.clone(),
        engine: Arc::new(move || engine.load_full()),
        pool: Pool::new(Size { starts: cores(), jobs: shared.settings.query.max_concurrency }, shared.clock.clone(), &shared.registry)?,
        clock: shared.clock.clone(),
        timeout: shared.settings.query.timeout.to_std(),
    })
}

fn targets(shared: &Shared) -> TargetState {
    let (active, dropped, pools) = (shared.scrapes.clone(), shared.scrapes.clone(), shared.scrapes.clone());
    TargetState {
        active: Arc::new(move || active.targets()),
        dropped: Arc::new(move || dropped.dropped()),
        pools: Arc::new(move || pools.dropped_counts().into_iter().map(|(name, count)| (name, count as u64)).collect()),
        addresses: Addresses { external_url: shared.external_url.clone(), listen: shared.listening.to_string() },
    }
}

fn rules(shared: &Shared) -> RuleState {
    let (rules, notifier) = (shared.rules.clone(), shared.notifier.clone());
    let alertmanagers = move || {
        let Found { active, dropped } = notifier.found();
        AlertmanagersView { active, dropped }
    };
    RuleState { groups: Arc::new(move || rules.view()), alertmanagers: Arc::new(alertmanagers) }
}

fn build_info() -> BuildInfo {
    BuildInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        compiler: format!("rust {}", env!("CARGO_PKG_RUST_VERSION")),
        ..BuildInfo::default()
    }
}

fn status(shared: &Shared) -> StatusState {
    let (config, runtime, settings) = (shared.loaded.clone(), shared.clone(), shared.settings.clone());
    StatusState {
        build: Arc::new(build_info),
        runtime: Arc::new(move || runtime_info(&runtime)),
        config: Arc::new(move || config.load().files.prometheus.original_yaml.clone()),
        flags: Arc::new(move || settings.flags.clone()),
        clock: shared.clock.clone(),
        remote_write: shared.settings.web.enable_remote_write_receiver,
        lifecycle: shared.settings.web.enable_lifecycle,
        admin: shared.settings.web.enable_admin_api,
    }
}

fn runtime_info(shared: &Shared) -> RuntimeInfo {
    let loaded = shared.loaded.load();
    RuntimeInfo {
        started_at: shared.started_at,
        working_directory: std::env::current_dir().map_or(String::new(), |path| path.display().to_string()),
        host_name: host_name(),
        reload_succeeded: loaded.failure.is_none(),
        last_config_at: loaded.at,
        corruptions: store_figures::damaged(&shared.registry),
        threads: std::fs::read_dir("/proc/self/task").map_or(0, |tasks| tasks.count() as u64),
        cores: cores() as u64,
        memory_limit_bytes: shared.settings.storage.memory_budget_bytes(),
        storage_retention: shared.retention.to_string(),
    }
}

fn manage(shared: &Shared) -> ManageState {
    let (reloads, quits) = (shared.requests.clone(), shared.requests.clone());
    let process = ProcessFigures::new(&shared.registry, shared.started_at);
    let store = StoreFigures::new(shared.store.clone(), &shared.registry);
    let registry = shared.registry.clone();
    ManageState {
        readiness: shared.readiness.clone(),
        lifecycle: shared.settings.web.enable_lifecycle,
        reload: ask(move |()| {
            let reloads = reloads.clone();
            async move {
                let (reply, outcome) = oneshot::channel();
                reloads.try_send(Request::Reload(reply)).map_err(|_| "several reloads are under way already".to_owned())?;
                outcome.await.map_err(|_| "promlet is stopping".to_owned())?
            }
        }),
        quit: Arc::new(move || {
            if quits.try_send(Request::Quit).is_err() {
                tracing::warn!("asked to quit while stopping or reloading");
            }
        }),
        build: Arc::new(build_info),
        metrics: Arc::new(move || {
            process.refresh();
            store.refresh();
            write_page(Format::Text, &registry.gather()).into_bytes()
        }),
    }
}

fn promlet(shared: &Shared) -> PromletState {
    let (seen, listed, read) = (shared.clone(), shared.loaded.clone(), shared.loaded.clone());
    let alerting = shared.alerting.clone();
    PromletState {
        overview: Arc::new(move || overview::of(&seen)),
        dashboards: Arc::new(move || listed.load().files.dashboards.list().into_iter().map(dashboard_view).collect()),
        dashboard: ask(move |name: String| {
            let source = read.load().files.dashboards.clone();
            async move {
                let read = tokio::task::spawn_blocking(move || source.read(&name)).await.ok()??;
                serde_json::to_vec(&read.ok()?).ok()
            }
        }),
        deliveries: ask(move |limit: usize| {
            let alerting = alerting.clone();
            async move { tokio::task::spawn_blocking(move || alerting.deliveries(limit)).await.map_err(|error| error.to_string())? }
        }),
    }
}

fn dashboard_view(listed: dashboards::Listed) -> DashboardView {
    let dashboards::Listed { name, file, title, tags, error } = listed;
    DashboardView { name, title, tags, file, error }
}

fn pages(shared: &Shared, prefix: &str) -> PageState {
    let asset = |path: &str| {
        let found = ui::asset(&format!("/{path}"))?;
        Some(Asset {
            gzip: found.bytes_gzip.into(),
            content_type: found.content_type.into(),
            etag: found.etag.into(),
            immutable: found.immutable,
        })
    };
    PageState {
        asset: Arc::new(asset),
        is_page: Arc::new(|path| ui::is_page(&format!("/{path}"))),
        prefix: Arc::from(prefix),
        external_path: Arc::from(route_prefix(None, &shared.external_url)),
        start: if matches!(shared.settings.mode, Mode::Demo { .. }) { "dashboards" } else { "query" },
    }
}

fn write(shared: &Shared) -> WriteState {
    let enabled = shared.settings.web.enable_remote_write_receiver;
    let receiver = enabled.then(|| Arc::new(Receiver::new(shared.store.clone(), shared.clock.clone(), &shared.registry)));
    WriteState::new(receiver, cores(), &shared.registry)
}
