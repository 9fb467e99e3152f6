//! Range queries by way of the result cache.

use std::sync::Arc;

use super::cache::{Kept, Key, is_steady, is_worth};
use super::{Engine, QueryOptions, Run, extent};
use crate::model::TimeRange;
use crate::promql::answer::{Answer, Stats, Value};
use crate::promql::error::QueryError;
use crate::promql::eval::resolve::Bounds;
use crate::promql::eval::steps::Steps;
use crate::promql::limits::CACHE_SETTLED_MS;
use crate::storage::{Select, Version};

/// The steps of a query whose samples have all arrived, with the time that they look at and the store's version of it.
type Settled = (Steps, TimeRange, Version);

impl Engine {
    /// As `run`, but kept steps are not computed again. The store must be the same each time.
    pub(super) fn run_again(&self, select: &dyn Select, run: &Run<'_>, options: &QueryOptions) -> Result<Answer, QueryError> {
        if !options.cache || run.steps.count < 2 || !is_steady(run.expr) {
            return self.run(select, run, options);
        }
        let lookback = options.lookback.unwrap_or(self.options.lookback).0;
        let key = Key::new(run.expr, &run.steps, lookback, self.options.default_subquery_step.0, self.options.features);
        let (settled, kept) = {
            // Versions are read before anything that they stand for, so that an answer is never newer than it says.
            let versions = select.open(extent::of(run.expr, &run.steps, lookback))?;
            let settled = self.settled(run, lookback).map(|(steps, touched)| (steps, touched, versions.version(touched)));
            (settled, self.cache.find(&key, &run.steps, self.clock.monotonic(), |range| versions.version(range)))
        };
        let (answer, had) = match &kept {
            Some(kept) => (self.rest(select, run, kept, options)?, kept.steps.end()),
            None => (self.run(select, run, options)?, i64::MIN),
        };
        // A short range does not take the place of a long one that it was cut from.
        let settled = settled.filter(|(steps, ..)| kept.as_ref().is_none_or(|kept| steps.count * 2 >= kept.steps.count));
        self.keep(key, &answer, settled, had);
        Ok(answer)
    }

    fn keep(&self, key: Key, answer: &Answer, settled: Option<Settled>, had: i64) {
        let Some((steps, touched, version)) = settled else { return };
        let is_plain = answer.warnings.is_empty() && answer.infos.is_empty();
        // A few more steps are not worth the copying; the next ones come along.
        let is_longer = steps.end() > had.saturating_add(steps.step.saturating_mul(steps.count as i64 / 16));
        if is_plain && is_longer && (had > i64::MIN || is_worth(answer.stats.read)) {
            self.cache.keep(key, &answer.value, (steps, touched, version), self.clock.monotonic());
        }
    }

    /// The steps up to which all samples should be there by now.
    fn settled(&self, run: &Run<'_>, lookback: i64) -> Option<(Steps, TimeRange)> {
        let until = self.clock.now().0.saturating_sub(CACHE_SETTLED_MS);
        let count = (until.saturating_sub(run.steps.start)).div_euclid(run.steps.step).saturating_add(1).min(run.steps.count as i64);
        let steps = Steps { count: usize::try_from(count).ok().filter(|count| *count >= 2)?, ..run.steps };
        let touched = extent::of(run.expr, &steps, lookback);
        // A fixed time may lie behind the steps.
        (touched.max.0 <= until).then_some((steps, touched))
    }

    /// What is kept, and what has to be computed behind it.
    fn rest(&self, select: &dyn Select, run: &Run<'_>, kept: &Kept, options: &QueryOptions) -> Result<Answer, QueryError> {
        let start = kept.steps.end() + run.steps.step;
        let memory = self.memory.reserved();
        let mut answer =
            Answer { value: Value::Matrix(Vec::new()), warnings: Vec::new(), infos: Vec::new(), stats: Stats::default(), memory: None };
        if start <= run.steps.end() {
            let count = ((run.steps.end() - start) / run.steps.step + 1) as usize;
            let steps = Steps { start, count, ..run.steps };
            let bounds = Bounds { start, ..run.bounds };
            answer = self.run(select, &Run { steps, bounds, ..*run }, options)?;
        }
        let Value::Matrix(computed) = std::mem::replace(&mut answer.value, Value::Matrix(Vec::new())) else { return Ok(answer) };
        let series = kept.joined(&run.steps, computed);
        let points: u64 = series.iter().map(|s| (s.floats.len() + s.histograms.len()) as u64).sum();
        if points > self.options.max_samples {
            return Err(QueryError::TooManySamples);
        }
        answer.value = Value::Matrix(series);
        let bytes = answer.value.bytes();
        if !memory.grow(bytes) {
            return Err(QueryError::of_memory(bytes, self.memory.limit()));
        }
        answer.memory = Some(Arc::new(memory));
        Ok(answer)
    }
}
