//! The query engine as the closures and checks that other rooms take.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::clock::Clock;
use crate::model::{DurationMs, Span, TimestampMs};
use crate::promql::{self, Asked, Engine, EngineOptions, ExprKind, Features, QueryOptions};
use crate::rules::concurrency::Reads;
use crate::rules::{Query, QueryResult, ResultSample};
use crate::storage::Select;
use crate::telemetry::Registry;
use crate::telemetry::process::memory_limit_bytes;

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
        per_step_stats: on("promql-per-step-stats"),
    }
}

/// Says what is wrong with an expression, for the checks of configuration files.
pub type CheckExpression = fn(&str) -> Vec<(Span, String)>;

/// The check with these features on: one function for each choice of those that the parser knows.
pub fn check_expression(features: Features) -> CheckExpression {
    match (features.experimental_functions, features.extended_range_selectors, features.fill_modifiers) {
        (false, false, false) => check_with::<false, false, false>,
        (true, false, false) => check_with::<true, false, false>,
        (false, true, false) => check_with::<false, true, false>,
        (true, true, false) => check_with::<true, true, false>,
        (false, false, true) => check_with::<false, false, true>,
        (true, false, true) => check_with::<true, false, true>,
        (false, true, true) => check_with::<false, true, true>,
        (true, true, true) => check_with::<true, true, true>,
    }
}

fn check_with<const FUNCTIONS: bool, const SELECTORS: bool, const FILL: bool>(text: &str) -> Vec<(Span, String)> {
    let on =
        Features { experimental_functions: FUNCTIONS, extended_range_selectors: SELECTORS, fill_modifiers: FILL, ..Features::default() };
    match promql::parse(text, on) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| (error.span, with_way_out(error.message))).collect(),
    }
}

/// What is only switched off can be switched on.
fn with_way_out(message: String) -> String {
    match promql::hint::switched_off(&message) {
        Some(flag) => format!("{message}: --enable-feature={flag} switches it on"),
        None => message,
    }
}

/// The engine of the whole process.
pub fn engine(settings: &Settings, evaluation_interval: DurationMs, clock: &Clock, registry: &Registry) -> Engine {
    Engine::new(engine_options(settings, evaluation_interval), clock.clone(), registry)
}

/// What the flags and the configuration file say of queries.
pub fn engine_options(settings: &Settings, evaluation_interval: DurationMs) -> EngineOptions {
    let QuerySettings { lookback_delta, timeout, max_samples, max_memory, cache_size, .. } = settings.query.clone();
    EngineOptions {
        lookback: lookback_delta,
        max_samples: max_samples as u64,
        max_memory: max_memory.unwrap_or_else(default_memory),
        timeout,
        cache_bytes: cache_size,
        default_subquery_step: evaluation_interval,
        features: features(&settings.features),
        ..EngineOptions::default()
    }
}

/// A quarter of the machine's memory, at most what an engine takes of itself.
fn default_memory() -> u64 {
    const SHARE: u64 = 4;
    let usual = EngineOptions::default().max_memory;
    memory_limit_bytes().map_or(usual, |bytes| (bytes / SHARE).min(usual))
}

/// The last moment that the store has, while it takes no samples; none in ordinary times.
pub type Standstill = Arc<dyn Fn() -> Option<TimestampMs> + Send + Sync>;

/// Instant queries for rules, on the list of running queries too. While the store stands still they see its last moment: samples that
/// cannot be written on a full disk are no sign that anything has ended.
pub fn for_rules(engine: Arc<ArcSwap<Engine>>, select: Arc<dyn Select>, standstill: Standstill) -> Query {
    Arc::new(move |text, at| {
        let at = standstill().map_or(at, |last| last.min(at));
        let engine = engine.load();
        let asked = Asked { query: text.to_owned(), client: "rules".to_owned(), start: at, end: at, step: None };
        let running = engine.active().begin(asked);
        running.has_turn();
        let options = QueryOptions { cancel: running.cancel(), usage: running.usage(), apart: true, ..QueryOptions::default() };
        let answer = engine.instant(select.as_ref(), text, at, &options).map_err(|error| error.to_string())?;
        match answer.value {
            promql::Value::Scalar { value, .. } => Ok(QueryResult::Scalar(value)),
            promql::Value::Vector(samples) => Ok(QueryResult::Vector(
                samples.into_iter().map(|sample| ResultSample { labels: sample.labels, value: sample.value }).collect(),
            )),
            _ => Err("rule result is not a vector or scalar".to_owned()),
        }
    })
}

/// The matchers of each selector of an expression.
pub fn selectors(features: Features) -> Reads {
    Arc::new(move |text| {
        let expr = promql::parse(text, features).ok()?;
        let mut found = Vec::new();
        expr.walk(&mut |expr| match &expr.kind {
            ExprKind::Selector(selector) => found.push(selector.matchers.clone()),
            ExprKind::Range(range) => found.push(range.selector.matchers.clone()),
            _ => {}
        });
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Labels, METRIC_NAME};
    use crate::storage::memory::MemoryStore;
    use crate::storage::{Append, GroupKey, GroupSource, Row};

    #[test]
    fn rules_see_the_last_moment_of_a_store_that_stands_still() {
        let store = Arc::new(MemoryStore::default());
        let key = GroupKey { source: GroupSource::Rule, name: "r".to_owned(), labels: Labels::empty() };
        let mut writer = store.writer(&key).unwrap();
        let column = writer.column(&Labels::from_pairs([(METRIC_NAME, "x")])).unwrap();
        let mut row = Row::new(TimestampMs(1_000_000));
        row.push(column, 1.0);
        writer.commit(&row).unwrap();
        let engine = Engine::new(EngineOptions::default(), Clock::manual(TimestampMs(0)), &Registry::default());
        let engine = Arc::new(ArcSwap::from_pointee(engine));
        let seen = |standstill: Option<i64>, at: i64| {
            let ask = for_rules(engine.clone(), store.clone(), Arc::new(move || standstill.map(TimestampMs)));
            match ask("x", TimestampMs(at)).unwrap() {
                QueryResult::Vector(samples) => samples.len(),
                QueryResult::Scalar(_) => usize::MAX,
            }
        };
        assert_eq!([seen(None, 1_000_000), seen(None, 9_000_000), seen(Some(1_000_000), 9_000_000)], [1, 0, 1]);
        assert_eq!(seen(Some(9_000_000), 900_000), 0, "never ahead of the time that is asked for");
    }
}
