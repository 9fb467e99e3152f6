//! The query engine as the closures and checks that other rooms take.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::clock::Clock;
use crate::model::{DurationMs, Span};
use crate::promql::{self, Asked, Engine, EngineOptions, Features, QueryOptions};
use crate::rules::{Query, QueryResult, ResultSample};
use crate::storage::Select;
use crate::telemetry::Registry;
use crate::telemetry::process::memory_bytes;

use super::settings::{QuerySettings, Settings};

/// The parts of the language that `--enable-feature` switches on; names that mean something else are left to their rooms.
pub fn features(names: &[String]) -> Features {
    let on = |name: &str| names.iter().any(|given| given.trim() == name);
    Features {
        experimental_functions: on("promql-experimental-functions"),
        extended_range_selectors: on("promql-extended-range-selectors"),
        fill_modifiers: on("promql-binop-fill-modifiers"),
        delayed_name_removal: on("promql-delayed-name-removal"),
        use_start_timestamps: on("use-start-timestamps"),
        type_and_unit_labels: on("type-and-unit-labels"),
    }
}

/// What is wrong with an expression, for the checks of configuration files.
pub fn check_expression(text: &str) -> Vec<(Span, String)> {
    match promql::parse(text, Features::all()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| (error.span, error.message)).collect(),
    }
}

/// The engine of the whole process.
pub fn engine(settings: &Settings, evaluation_interval: DurationMs, clock: &Clock, registry: &Registry) -> Engine {
    Engine::new(engine_options(settings, evaluation_interval), clock.clone(), registry)
}

/// What the flags and the configuration file say of queries.
pub fn engine_options(settings: &Settings, evaluation_interval: DurationMs) -> EngineOptions {
    let QuerySettings { lookback_delta, timeout, max_samples, max_memory, .. } = settings.query.clone();
    EngineOptions {
        lookback: lookback_delta,
        max_samples: max_samples as u64,
        max_memory: max_memory.unwrap_or_else(default_memory),
        timeout,
        default_subquery_step: evaluation_interval,
        features: features(&settings.features),
        ..EngineOptions::default()
    }
}

/// A quarter of the machine's memory, at most what an engine takes of itself.
fn default_memory() -> u64 {
    const SHARE: u64 = 4;
    let usual = EngineOptions::default().max_memory;
    memory_bytes().map_or(usual, |bytes| (bytes / SHARE).min(usual))
}

/// Instant queries for rules. They are on the list of running queries, too.
pub fn for_rules(engine: Arc<ArcSwap<Engine>>, select: Arc<dyn Select>) -> Query {
    Arc::new(move |text, at| {
        let engine = engine.load();
        let asked = Asked { query: text.to_owned(), client: "rules".to_owned(), start: at, end: at, step: None };
        let running = engine.active().begin(asked);
        running.has_turn();
        let options = QueryOptions { cancel: running.cancel(), usage: running.usage(), ..QueryOptions::default() };
        let answer = engine.instant(select.as_ref(), text, at, &options).map_err(|error| error.to_string())?;
        match answer.value {
            promql::Value::Scalar { value, .. } => Ok(QueryResult::Scalar(value)),
            promql::Value::Vector(samples) => Ok(QueryResult::Vector(
                samples.into_iter().map(|sample| ResultSample { labels: sample.labels, value: sample.value }).collect(),
            )),
            other => Err(format!("a rule's expression must give a vector or a scalar, not a {}", other.result_type())),
        }
    })
}
