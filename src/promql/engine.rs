//! The engine: a query in, an answer out, within limits, counted.

mod again;
mod cache;
mod explain;
mod extent;
mod names;
mod output;
mod partners;
mod reason;
mod selection;
mod surprise;

use std::sync::Arc;
use std::time::Duration;

pub use explain::Moment;

use super::active::Active;
use super::annotation::Annotations;
use super::answer::{Answer, Stats, Timings, Value};
use super::ast::{Expr, ValueType};
use super::error::QueryError;
use super::eval::guard::{Cancel, Guard, Limits, Usage};
use super::eval::resolve::{Bounds, resolve};
use super::eval::steps::Steps;
use super::eval::symbols::Symbols;
use super::eval::{Eval, Repeats, Tally};
use super::features::Features;
use super::limits::{CACHE_BYTES_MAX, DEEP_STACK_BYTES, DEPTH_ON_CALLER_MAX, MEMORY_BYTES_MAX, SAMPLES_MAX, STEPS_MAX};
use super::memory::Memory;
use super::{parse, print};
use crate::clock::Clock;
use crate::model::{DurationMs, TimestampMs};
use crate::storage::Select;
use crate::telemetry::{Counter, Latency, Registry};
use cache::ResultCache;

/// What all queries of an engine share.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// How old a sample may be to count as current.
    pub lookback: DurationMs,
    /// Most samples a query may hold at a time.
    pub max_samples: u64,
    /// Most bytes that all queries together may hold.
    pub max_memory: u64,
    pub timeout: DurationMs,
    /// The step of a subquery that states none: the global evaluation interval.
    pub default_subquery_step: DurationMs,
    /// Most bytes of range answers that are kept.
    pub cache_bytes: u64,
    pub features: Features,
    /// Most threads that one query may use; small queries use one. Answers do not depend on it.
    pub threads: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lookback: DurationMs::seconds(300),
            max_samples: SAMPLES_MAX,
            max_memory: MEMORY_BYTES_MAX,
            timeout: DurationMs::seconds(120),
            default_subquery_step: DurationMs::seconds(60),
            cache_bytes: CACHE_BYTES_MAX,
            features: Features::default(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// What one query may ask for itself.
#[derive(Clone, Debug, Default)]
pub struct QueryOptions {
    /// Instead of the engine's.
    pub lookback: Option<DurationMs>,
    /// Shorter than the engine's; a longer one does not count.
    pub timeout: Option<DurationMs>,
    pub cancel: Cancel,
    /// Range answers may come from the cache and go there. Whoever sets it asks of one store only.
    pub cache: bool,
    /// Where to count, for others to see.
    pub usage: Usage,
    /// Samples are counted step by step, too.
    pub per_step: bool,
    /// Its memory is not that of the other queries: for what must go on while they take all of it, as rules must.
    pub apart: bool,
}

/// A query as text or as a tree.
#[derive(Clone, Copy, Debug)]
pub enum Query<'q> {
    Text(&'q str),
    /// Positions in annotations refer to the canonical text of the tree's printer only if the tree was parsed from it.
    Tree(&'q Expr),
    /// A tree with the text that it was parsed from, which annotations refer to.
    Parsed(&'q Expr, &'q str),
}

impl<'q> From<&'q str> for Query<'q> {
    fn from(text: &'q str) -> Self {
        Self::Text(text)
    }
}

impl<'q> From<&'q String> for Query<'q> {
    fn from(text: &'q String) -> Self {
        Self::Text(text)
    }
}

impl<'q> From<&'q Expr> for Query<'q> {
    fn from(expr: &'q Expr) -> Self {
        Self::Tree(expr)
    }
}

struct Instruments {
    queries: Counter,
    samples: Counter,
    prepare: Latency,
    inner: Latency,
    sort: Latency,
}

impl Instruments {
    fn new(registry: &Registry) -> Self {
        let slice = |slice: &str| {
            registry.latency("prometheus_engine_query_duration_seconds", "Query timings, by the part of the work.", &[("slice", slice)])
        };
        Self {
            queries: registry.counter("prometheus_engine_queries_total", "Queries that were started.", &[]),
            samples: registry.counter("prometheus_engine_query_samples_total", "Samples that queries looked at.", &[]),
            prepare: slice("prepare_time"),
            inner: slice("inner_eval"),
            sort: slice("result_sort"),
        }
    }
}

/// Evaluates queries. Share it behind an `Arc`; it holds no lock while a query runs.
pub struct Engine {
    options: EngineOptions,
    clock: Clock,
    instruments: Instruments,
    memory: Memory,
    /// As much again for queries that are apart.
    apart: Memory,
    active: Active,
    cache: Arc<ResultCache>,
}

/// One evaluation, checked.
#[derive(Clone, Copy)]
struct Run<'r> {
    expr: &'r Expr,
    source: &'r str,
    steps: Steps,
    bounds: Bounds,
    /// The answer to several steps, or to one of a range query.
    matrix: bool,
}

impl Engine {
    pub fn new(options: EngineOptions, clock: Clock, registry: &Registry) -> Self {
        let (memory, apart) = (Memory::new(options.max_memory), Memory::new(options.max_memory));
        let active = Active::new(clock.clone(), registry);
        let cache = Arc::new(ResultCache::new(options.cache_bytes, registry));
        Self { options, clock, instruments: Instruments::new(registry), memory, apart, active, cache }
    }

    /// An engine with other options (limits of memory excepted) that shares this one's memory, kept answers and running queries.
    pub fn renewed(&self, options: EngineOptions, registry: &Registry) -> Self {
        let (memory, apart) = (self.memory.clone(), self.apart.clone());
        let (active, cache) = (self.active.clone(), Arc::clone(&self.cache));
        Self { options, clock: self.clock.clone(), instruments: Instruments::new(registry), memory, apart, active, cache }
    }

    /// The memory that all queries share; what is made of an answer draws from it, too.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The queries that are under way, as far as those who ask put them there.
    pub fn active(&self) -> &Active {
        &self.active
    }

    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Evaluates at one time. Blocking.
    pub fn instant<'q>(
        &self,
        select: &dyn Select,
        query: impl Into<Query<'q>>,
        at: TimestampMs,
        options: &QueryOptions,
    ) -> Result<Answer, QueryError> {
        self.with_tree(query.into(), |expr, source| {
            self.run(select, &Run { expr, source, steps: Steps::instant(at), bounds: Bounds::instant(at), matrix: false }, options)
        })
    }

    /// Evaluates at `start`, `start + step`, ... up to `end`. Blocking.
    pub fn range<'q>(
        &self,
        select: &dyn Select,
        query: impl Into<Query<'q>>,
        (start, end): (TimestampMs, TimestampMs),
        step: DurationMs,
        options: &QueryOptions,
    ) -> Result<Answer, QueryError> {
        if step.0 <= 0 || end < start {
            return Err(QueryError::BadRequest("a range query needs a step above zero and an end that is not before its start".to_owned()));
        }
        let count = end.0.saturating_sub(start.0) / step.0 + 1;
        if count > STEPS_MAX {
            return Err(QueryError::BadRequest(format!("range of {count} steps is longer than the limit of {STEPS_MAX} steps")));
        }
        self.with_tree(query.into(), |expr, source| {
            if !matches!(expr.value_type(), ValueType::Vector | ValueType::Scalar) {
                return Err(QueryError::BadRequest(format!(
                    "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
                    expr.value_type().documented()
                )));
            }
            let steps = Steps { start: start.0, step: step.0, count: count as usize };
            // The end that was asked for, which may lie behind the last step.
            let bounds = Bounds { start: start.0, end: end.0, step: step.0 };
            self.run_again(select, &Run { expr, source, steps, bounds, matrix: true }, options)
        })
    }

    fn with_tree(&self, query: Query<'_>, then: impl FnOnce(&Expr, &str) -> Result<Answer, QueryError>) -> Result<Answer, QueryError> {
        match query {
            Query::Text(text) => {
                let expr = parse(text, self.options.features).map_err(QueryError::Parse)?;
                then(&expr, text)
            }
            Query::Tree(expr) => then(expr, &print(expr)),
            Query::Parsed(expr, source) => then(expr, source),
        }
    }

    /// Deep trees get a stack of their own.
    fn run(&self, select: &dyn Select, run: &Run<'_>, options: &QueryOptions) -> Result<Answer, QueryError> {
        if run.expr.depth <= DEPTH_ON_CALLER_MAX {
            return self.evaluate(select, run, options);
        }
        std::thread::scope(|scope| {
            let thread =
                std::thread::Builder::new().stack_size(DEEP_STACK_BYTES).spawn_scoped(scope, || self.evaluate(select, run, options));
            match thread.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(answer)) => answer,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(error) => QueryError::execution(format!("no thread for a deeply nested query: {error}")),
            }
        })
    }

    fn evaluate(&self, select: &dyn Select, run: &Run<'_>, options: &QueryOptions) -> Result<Answer, QueryError> {
        self.instruments.queries.inc();
        let started = self.clock.monotonic();
        let timeout = options.timeout.map_or(self.options.timeout, |t| t.min(self.options.timeout));
        let memory = if options.apart { &self.apart } else { &self.memory };
        let limits = Limits {
            deadline: started.saturating_add(timeout.to_std()),
            cancel: options.cancel.clone(),
            samples_max: self.options.max_samples,
            memory_max: memory.limit(),
        };
        let guard = Guard::new(self.clock.clone(), limits, options.usage.clone(), memory.reserved());
        let notes = Annotations::new(run.source);
        let expr = resolve(run.expr, run.bounds, &guard.fuse())?;
        let lookback = options.lookback.unwrap_or(self.options.lookback).0;
        let subquery_step = self.options.default_subquery_step.0;
        let range = extent::of(&expr, &run.steps, lookback);
        let snapshot = select.open(range)?;
        let (symbols, repeats) = (Symbols::new(&*snapshot), Repeats::of(&expr));
        let tally = options.per_step.then(|| Tally::new(run.steps.count));
        let eval = Eval {
            snapshot: &*snapshot,
            symbols: &symbols,
            notes: &notes,
            guard: &guard,
            bounds: run.bounds,
            lookback,
            subquery_step,
            features: self.options.features,
            threads: self.options.threads,
            function: None,
            part: None,
            repeats: &repeats,
            tally: tally.as_ref(),
        };
        let prepared = self.clock.monotonic();
        let outcome = output::value(&eval, &expr, &run.steps, run.matrix);
        let evaluated = self.clock.monotonic();
        let ((read, peak), samples) = (guard.used(), guard.counted());
        self.instruments.samples.add(samples);
        let mut value = outcome?;
        guard.check()?;
        if let Value::Matrix(series) = &mut value {
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        let sorted = self.clock.monotonic();
        let (warnings, infos) = notes.take();
        let timings = self.record([started, prepared, evaluated, sorted]);
        drop(snapshot);
        let memory = guard.into_reserved();
        memory.shrink_to(value.bytes());
        Ok(Answer {
            value,
            warnings,
            infos,
            stats: Stats { samples, read, peak, timings, per_step: tally.map(Tally::into_counts) },
            memory: Some(Arc::new(memory)),
        })
    }

    fn record(&self, [started, prepared, evaluated, sorted]: [Duration; 4]) -> Timings {
        let timings = Timings {
            prepare: prepared.saturating_sub(started),
            inner_eval: evaluated.saturating_sub(prepared),
            sort: sorted.saturating_sub(evaluated),
            total: sorted.saturating_sub(started),
        };
        self.instruments.prepare.record(timings.prepare);
        self.instruments.inner.record(timings.inner_eval);
        self.instruments.sort.record(timings.sort);
        timings
    }
}
