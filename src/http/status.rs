//! `status/…`: what this server is, how it was started, what its configuration says; `features`.

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use super::envelope::Success;
use super::json::{self, Object};
use super::state::{BuildInfo, Lookup, RuntimeInfo};
use crate::clock::Clock;

#[derive(Clone)]
pub struct StatusState {
    pub build: Lookup<BuildInfo>,
    pub runtime: Lookup<RuntimeInfo>,
    /// The configuration as Prometheus would print it, secrets hidden.
    pub config: Lookup<String>,
    /// Every flag and its value, by name.
    pub flags: Lookup<Vec<(String, String)>>,
    pub clock: Clock,
    /// Whether `--web.enable-remote-write-receiver`, `--web.enable-lifecycle` and `--web.enable-admin-api` are set.
    pub remote_write: bool,
    pub lifecycle: bool,
    pub admin: bool,
}

pub fn routes(state: StatusState) -> Router {
    Router::new()
        .route("/status/buildinfo", get(build))
        .route("/status/runtimeinfo", get(runtime))
        .route("/status/config", get(config))
        .route("/status/flags", get(flags))
        .route("/features", get(features))
        .with_state(state)
}

/// What pages ask for while the server starts: these two answer always.
pub fn early_routes() -> Router {
    Router::new()
        .route("/status/walreplay", get(replay))
        .route("/notifications", get(|| async { Success::new(|out| out.extend_from_slice(b"[]")) }))
}

pub fn build_info(out: &mut Vec<u8>, build: &BuildInfo) {
    let mut object = Object::open(out);
    object
        .text("version", &build.version)
        .text("revision", &build.revision)
        .text("branch", &build.branch)
        .text("buildUser", &build.build_user)
        .text("buildDate", &build.build_date)
        .text("goVersion", &build.compiler);
    object.close();
}

async fn build(State(state): State<StatusState>) -> Success {
    Success::new(|out| build_info(out, &(state.build)()))
}

async fn runtime(State(state): State<StatusState>) -> Success {
    let facts = (state.runtime)();
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Success::new(|out| {
        let mut object = Object::open(out);
        object
            .text("startTime", &facts.started_at.rfc3339())
            .text("CWD", &facts.working_directory)
            .text("hostname", &facts.host_name)
            .text("serverTime", &state.clock.now().rfc3339())
            .flag("reloadConfigSuccess", facts.reload_succeeded)
            .text("lastConfigTime", &facts.last_config_at.rfc3339())
            .integer("corruptionCount", count(facts.corruptions))
            .integer("goroutineCount", count(facts.threads))
            .integer("GOMAXPROCS", count(facts.cores))
            .integer("GOMEMLIMIT", if facts.memory_limit_bytes == 0 { i64::MAX } else { count(facts.memory_limit_bytes) })
            .text("GOGC", "")
            .text("GODEBUG", "")
            .text("storageRetention", &facts.storage_retention);
        object.close();
    })
}

async fn config(State(state): State<StatusState>) -> Success {
    Success::new(|out| {
        let mut object = Object::open(out);
        object.text("yaml", &(state.config)());
        object.close();
    })
}

async fn flags(State(state): State<StatusState>) -> Success {
    let mut flags = (state.flags)();
    flags.sort();
    Success::new(|out| {
        let mut object = Object::open(out);
        for (name, value) in &flags {
            json::text(object.any_key(name), value);
        }
        object.close();
    })
}

/// We replay before we listen: there is never anything left.
async fn replay() -> Success {
    Success::new(|out| out.extend_from_slice(br#"{"min":0,"max":0,"current":0}"#))
}

/// Only what clients ask before they use it; a feature that is not named is not there.
async fn features(State(state): State<StatusState>) -> Success {
    Success::new(|out| {
        let mut object = Object::open(out);
        let mut api = Object::open(object.key("api"));
        api.flag("admin", state.admin)
            .flag("exclude_alerts", true)
            .flag("label_values_match", true)
            .flag("lifecycle", state.lifecycle)
            .flag("otlp_write_receiver", false)
            .flag("query_stats", true)
            .flag("query_warnings", true)
            .flag("remote_write_receiver", state.remote_write)
            .flag("time_range_labels", true)
            .flag("time_range_series", true);
        api.close();
        let mut own = Object::open(object.key("promlet"));
        own.flag("alertmanager_api", true).flag("dashboards", true);
        own.close();
        object.close();
    })
}
