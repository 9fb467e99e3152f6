//! Range answers that are kept: asked again a little later, a range needs its new steps only.
//!
//! An entry holds for as long as nothing was written, deleted or dropped in the stretch of time that its steps looked at: the store's
//! version of that stretch tells. Steps so near to now that samples for them still arrive are never kept, nor are answers with
//! annotations or native histograms, nor those of expressions whose value at a step depends on the query's bounds or on later samples.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::{Labels, TimeRange, TimestampMs};
use crate::promql::answer::{MatrixSeries, Value};
use crate::promql::ast::{At, Expr, ExprKind, Length, Modifiers, Selector};
use crate::promql::eval::steps::Steps;
use crate::promql::eval::{ABSENT, is_absent};
use crate::promql::features::Features;
use crate::promql::functions::FunctionId;
use crate::promql::limits::{CACHE_AGE, CACHE_SAMPLES_MIN};
use crate::promql::print;
use crate::storage::Version;
use crate::telemetry::{Counter, Gauge, Registry};

/// What answers have in common that differ in their range only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The printed tree: spelling does not matter.
    expr: String,
    step: i64,
    /// Where the steps lie between multiples of the step.
    phase: i64,
    lookback: i64,
    subquery_step: i64,
    features: Features,
}

impl Key {
    pub fn new(expr: &Expr, steps: &Steps, lookback: i64, subquery_step: i64, features: Features) -> Self {
        Self { expr: print(expr), step: steps.step, phase: steps.start.rem_euclid(steps.step), lookback, subquery_step, features }
    }
}

/// The values of all series at the steps from the entry's start on; absent ones where there are none.
type Rows = std::sync::Arc<Vec<(Labels, Vec<f64>)>>;

/// What is kept of an answer.
#[derive(Clone)]
pub struct Kept {
    pub steps: Steps,
    /// The time that the steps looked at.
    pub touched: TimeRange,
    /// The store's version of that time, before it was read.
    pub version: Version,
    rows: Rows,
}

struct Entry {
    kept: Kept,
    bytes: u64,
    /// When it was last asked for, in asks.
    used: u64,
    since: Duration,
}

#[derive(Default)]
struct State {
    entries: HashMap<Key, Entry>,
    bytes: u64,
    asks: u64,
}

/// Bounded by bytes; what was not asked for the longest goes first.
pub struct ResultCache {
    state: Mutex<State>,
    bytes_max: u64,
    bytes: Gauge,
    hits: Counter,
    misses: Counter,
    outdated: Counter,
    evicted: Counter,
}

impl ResultCache {
    pub fn new(bytes_max: u64, registry: &Registry) -> Self {
        let outcome = |outcome: &str| {
            registry.counter("promlet_query_cache_total", "Range queries that could use the result cache.", &[("outcome", outcome)])
        };
        Self {
            state: Mutex::default(),
            bytes_max,
            bytes: registry.gauge("promlet_query_cache_bytes", "Bytes that kept answers take.", &[]),
            hits: outcome("hit"),
            misses: outcome("miss"),
            outdated: outcome("outdated"),
            evicted: registry.counter("promlet_query_cache_evictions_total", "Kept answers that made room for others.", &[]),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept for a query, if it reaches from the query's first step on and nothing that it looked at has changed.
    pub fn find(&self, key: &Key, steps: &Steps, now: Duration, version: impl Fn(TimeRange) -> Version) -> Option<Kept> {
        let mut state = self.state();
        state.asks += 1;
        let asks = state.asks;
        let Some(entry) = state.entries.get_mut(key) else {
            self.misses.inc();
            return None;
        };
        let has_changed = version(entry.kept.touched) != entry.kept.version || now.saturating_sub(entry.since) > CACHE_AGE;
        if has_changed {
            let bytes = entry.bytes;
            state.entries.remove(key);
            state.bytes -= bytes;
            self.bytes.set(state.bytes as f64);
            self.outdated.inc();
            return None;
        }
        let (own, asked) = (entry.kept.steps, steps.start);
        if asked < own.start || asked > own.end() {
            self.misses.inc();
            return None;
        }
        entry.used = asks;
        self.hits.inc();
        Some(entry.kept.clone())
    }

    /// Keeps the steps of an answer up to `steps`, if it is worth it and fits.
    pub fn keep(&self, key: Key, answer: &Value, (steps, touched, version): (Steps, TimeRange, Version), now: Duration) {
        let Value::Matrix(series) = answer else { return };
        let end = TimestampMs(steps.end());
        if series.iter().any(|s| s.histograms.iter().any(|(at, _)| *at <= end)) {
            return;
        }
        let bytes = (key.expr.len() + 200 + series.iter().map(|s| s.labels.size_bytes() + 64 + steps.count * 8).sum::<usize>()) as u64;
        if bytes > self.bytes_max / 4 {
            return;
        }
        let rows = series.iter().map(|s| (s.labels.clone(), column(s, &steps))).collect();
        let mut state = self.state();
        state.asks += 1;
        let used = state.asks;
        let kept = Kept { steps, touched, version, rows: Rows::new(rows) };
        if let Some(before) = state.entries.insert(key, Entry { kept, bytes, used, since: now }) {
            state.bytes -= before.bytes;
        }
        state.bytes += bytes;
        while state.bytes > self.bytes_max {
            let oldest = state.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            let Some(gone) = oldest.and_then(|key| state.entries.remove(&key)) else { break };
            state.bytes -= gone.bytes;
            self.evicted.inc();
        }
        self.bytes.set(state.bytes as f64);
    }
}

fn column(series: &MatrixSeries, steps: &Steps) -> Vec<f64> {
    let mut column = vec![ABSENT; steps.count];
    for (at, value) in &series.floats {
        if let Some(place) = column.get_mut(((at.0 - steps.start) / steps.step) as usize) {
            *place = *value;
        }
    }
    column
}

impl Kept {
    /// The kept steps of a query, and behind them those that were computed now; both ordered by labels.
    pub fn joined(&self, steps: &Steps, computed: Vec<MatrixSeries>) -> Vec<MatrixSeries> {
        let first = ((steps.start - self.steps.start) / steps.step) as usize;
        let last = self.steps.count.min(first + steps.count);
        let mut out = Vec::with_capacity(self.rows.len().max(computed.len()));
        let mut computed = computed.into_iter().peekable();
        for (labels, values) in self.rows.iter() {
            while let Some(other) = computed.next_if(|series| series.labels < *labels) {
                out.push(other);
            }
            let same = computed.next_if(|series| series.labels == *labels);
            let points = values[first..last].iter().enumerate().filter(|(_, value)| !is_absent(**value));
            let mut floats: Vec<(TimestampMs, f64)> = points.map(|(at, value)| (TimestampMs(steps.at(at)), *value)).collect();
            let mut histograms = Vec::new();
            if let Some(same) = same {
                floats.extend(same.floats);
                histograms = same.histograms;
            }
            if !floats.is_empty() || !histograms.is_empty() {
                out.push(MatrixSeries { labels: labels.clone(), floats, histograms });
            }
        }
        out.extend(computed);
        out
    }
}

/// Whether it pays to keep an answer for which so many samples were read.
pub fn is_worth(samples: u64) -> bool {
    samples >= CACHE_SAMPLES_MIN
}

/// Whether the value at a step depends on samples up to that step alone, not on the query's bounds.
pub fn is_steady(expr: &Expr) -> bool {
    let mut steady = true;
    expr.walk(&mut |e| {
        steady &= match &e.kind {
            ExprKind::Selector(selector) => selector_is_steady(selector),
            ExprKind::Range(range) => selector_is_steady(&range.selector) && is_fixed(&range.range),
            ExprKind::Subquery(subquery) => {
                modifiers_are_steady(&subquery.modifiers) && is_fixed(&subquery.range) && subquery.step.as_ref().is_none_or(is_fixed)
            }
            ExprKind::Call(call) => {
                !matches!(call.function.id, FunctionId::Start | FunctionId::End | FunctionId::Range | FunctionId::Step | FunctionId::Info)
            }
            _ => true,
        }
    });
    steady
}

fn selector_is_steady(selector: &Selector) -> bool {
    !selector.smoothed && !selector.anchored && modifiers_are_steady(&selector.modifiers)
}

fn modifiers_are_steady(modifiers: &Modifiers) -> bool {
    let looks_ahead = modifiers.offset.fixed().0 < 0;
    is_fixed(&modifiers.offset) && !looks_ahead && !matches!(modifiers.at, Some(At::Start | At::End))
}

fn is_fixed(length: &Length) -> bool {
    matches!(length, Length::Fixed(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::parse;

    #[test]
    fn what_depends_on_bounds_or_later_samples_is_not_kept() {
        let steady = |text: &str| is_steady(&parse(text, Features::all()).unwrap());
        for text in ["sum(rate(a[5m]))", "a offset 5m", "a @ 100", "max_over_time(rate(a[1m])[1h:1m])", "time() - a", "topk(3, a)"] {
            assert!(steady(text), "{text}");
        }
        for text in [
            "a offset -5m",
            "a @ end()",
            "rate(a[5m] @ start())",
            "rate(a[step()])",
            "a smoothed",
            "info(a)",
            "end() - a",
            "sum_over_time((a offset -1s)[1h:])",
        ] {
            assert!(!steady(text), "{text}");
        }
    }

    fn matrix(rows: &[(&str, &[(i64, f64)])]) -> Vec<MatrixSeries> {
        let row = |(name, points): &(&str, &[(i64, f64)])| MatrixSeries {
            labels: Labels::from_pairs([("a", *name)]),
            floats: points.iter().map(|(at, v)| (TimestampMs(*at), *v)).collect(),
            histograms: Vec::new(),
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn kept_and_computed_steps_join_by_labels_and_room_is_made() {
        let cache = ResultCache::new(4 * 1500, &Registry::default());
        let expr = parse("a", Features::default()).unwrap();
        let steps = Steps { start: 100, step: 10, count: 4 };
        let key = |lookback| Key::new(&expr, &steps, lookback, 0, Features::default());
        let answer = Value::Matrix(matrix(&[("1", &[(100, 1.0), (120, 2.0)]), ("3", &[(130, 3.0)])]));
        let touched = TimeRange::new(TimestampMs(0), TimestampMs(130));
        cache.keep(key(1), &answer, (steps, touched, Version(7)), Duration::ZERO);
        let later = Steps { start: 110, step: 10, count: 5 };
        let find = |lookback, version| cache.find(&key(lookback), &later, Duration::ZERO, |_| Version(version));
        assert!(find(2, 7).is_none());
        let joined = find(1, 7).unwrap().joined(&later, matrix(&[("2", &[(150, 5.0)]), ("3", &[(140, 4.0)])]));
        let wanted = matrix(&[("1", &[(120, 2.0)]), ("2", &[(150, 5.0)]), ("3", &[(130, 3.0), (140, 4.0)])]);
        assert_eq!(format!("{joined:?}"), format!("{wanted:?}"));
        for lookback in 2..40 {
            cache.keep(key(lookback), &answer, (steps, touched, Version(7)), Duration::ZERO);
        }
        assert!(cache.state().bytes <= cache.bytes_max && find(1, 7).is_none() && find(39, 7).is_some());
        assert!(find(39, 8).is_none() && find(39, 7).is_none(), "what has changed is forgotten");
    }
}
