//! The query engine as the closures and checks that other rooms take.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::clock::Clock;
use crate::model::{DurationMs, Span};
use crate::promql::{self, Engine, EngineOptions, Features, QueryOptions};
use crate::rules::{Query, QueryResult, ResultSample};
use crate::storage::Select;
use crate::telemetry::Registry;

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
    let QuerySettings { lookback_delta, timeout, max_samples, .. } = settings.query.clone();
    let options = EngineOptions {
        lookback: lookback_delta,
        max_samples: max_samples as u64,
        timeout,
        default_subquery_step: evaluation_interval,
        features: features(&settings.features),
        ..EngineOptions::default()
    };
    Engine::new(options, clock.clone(), registry)
}

/// Instant queries for rules.
pub fn for_rules(engine: Arc<ArcSwap<Engine>>, select: Arc<dyn Select>) -> Query {
    Arc::new(move |text, at| {
        let answer = engine.load().instant(select.as_ref(), text, at, &QueryOptions::default()).map_err(|error| error.to_string())?;
        match answer.value {
            promql::Value::Scalar { value, .. } => Ok(QueryResult::Scalar(value)),
            promql::Value::Vector(samples) => Ok(QueryResult::Vector(
                samples.into_iter().map(|sample| ResultSample { labels: sample.labels, value: sample.value }).collect(),
            )),
            other => Err(format!("a rule's expression must give a vector or a scalar, not a {}", other.result_type())),
        }
    })
}
