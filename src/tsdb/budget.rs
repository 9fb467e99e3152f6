//! The memory budget: near it load is shed in a stated order, and each step is counted and said.
//!
//! From 80 % on tails are encoded early and caches of indexes dropped; from 90 % new series of the source that grew most since the
//! last calm are refused; from 97 % new series of everybody, and queries. Below 75 % all is calm again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::store::{Store, lock};
use super::{maintain, source::Source};
use crate::storage::{AppendError, SelectError};
use crate::telemetry::{Counter, Gauge, Registry};

/// Shares of the budget in percent at which each step begins, and at which calm returns.
const EARLY: u64 = 80;
const GROWTH: u64 = 90;
const EVERYTHING: u64 = 97;
const CALM: u64 = 75;
/// Tails are encoded early at most so often, in milliseconds.
const FLUSH_EVERY_MS: i64 = 5_000;

/// Shorter tails take less than their pages would.
const EARLY_ROWS: usize = 8;

/// How many bytes of memory the process takes.
pub type Probe = Arc<dyn Fn() -> Option<u64> + Send + Sync>;

pub struct Budget {
    bytes: u64,
    probe: Probe,
    registry: Registry,
    used: Gauge,
    pressure: Gauge,
    tails: Counter,
    queries: Counter,
    /// Percent used.
    share: AtomicU8,
    /// Number and 1 of the source whose new series are refused, or 0.
    grown: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Columns of each source when it was calm last.
    calm: HashMap<u32, usize>,
    flushed_at: i64,
    /// By how many columns the refused source grew.
    growth: usize,
}

impl Budget {
    pub fn new(bytes: u64, probe: Probe, registry: &Registry) -> Self {
        let gauge = |name: &str, help: &'static str| registry.gauge(name, help, &[]);
        let shed = |what| registry.counter("promlet_memory_shed_total", "Steps taken near the memory budget.", &[("what", what)]);
        gauge("promlet_memory_budget_bytes", "The memory budget.").set(bytes as f64);
        Self {
            bytes,
            probe,
            registry: registry.clone(),
            used: gauge("promlet_memory_used_bytes", "Memory that counts against the budget."),
            pressure: gauge(
                "promlet_memory_pressure",
                "0 calm, 1 tails are encoded early, 2 a source gets no new series, 3 nobody, and no queries.",
            ),
            tails: shed("tails"),
            queries: shed("queries"),
            share: AtomicU8::new(0),
            grown: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    fn share(&self) -> u64 {
        u64::from(self.share.load(Ordering::Acquire))
    }

    /// Rounds of maintenance are to come often.
    pub fn is_short(&self) -> bool {
        self.share() >= CALM
    }

    /// Looks at the memory between two rounds: many series came at once.
    pub fn look(&self) {
        if let Some(used) = (self.probe)() {
            self.share.store(self.share_of(used), Ordering::Release);
        }
    }

    fn share_of(&self, used: u64) -> u8 {
        (used.saturating_mul(100) / self.bytes.max(1)).min(u64::from(u8::MAX)) as u8
    }

    /// Why a query is not begun.
    pub fn check_query(&self) -> Result<(), SelectError> {
        if self.share() < EVERYTHING {
            return Ok(());
        }
        self.queries.inc();
        let text =
            format!("the memory budget of {} bytes is used up, queries wait for better times; raise --storage.memory-budget", self.bytes);
        Err(SelectError::Busy(text))
    }

    /// Why a source gets no new series.
    pub fn check_series(&self, source: &Source) -> Result<(), AppendError> {
        let everybody = self.share() >= EVERYTHING;
        if !everybody && self.grown.load(Ordering::Acquire) != u64::from(source.number) + 1 {
            return Ok(());
        }
        let help = "New series that were refused near the memory budget.";
        self.registry.counter("promlet_memory_refused_series_total", help, &[("group", &source.key.name)]).inc();
        let why = if everybody {
            "is used up".to_owned()
        } else {
            format!("is nearly used up, and this grew most, by {} series", lock(&self.state).growth)
        };
        Err(AppendError::Limit(format!(
            "the memory budget of {} bytes {why}: new series are refused until memory is free; raise --storage.memory-budget, or drop series with relabeling",
            self.bytes
        )))
    }
}

/// Looks at the memory and does what is due.
pub fn round(store: &Arc<Store>) {
    let Some(budget) = store.budget.get() else { return };
    let Some(used) = (budget.probe)() else { return };
    budget.used.set(used as f64);
    let share = u64::from(budget.share_of(used));
    let before = budget.share.swap(share as u8, Ordering::AcqRel);
    let level = [EARLY, GROWTH, EVERYTHING].iter().filter(|from| share >= **from).count();
    budget.pressure.set(level as f64);
    if level > 0 && [EARLY, GROWTH, EVERYTHING].iter().filter(|from| u64::from(before) >= **from).count() < level {
        tracing::warn!(used, budget = budget.bytes, "memory is near its budget: shedding step {level} of 3");
    }
    if share < CALM {
        let columns = |source: &Arc<Source>| (source.number, columns(source));
        lock(&budget.state).calm = store.source_list().iter().map(columns).collect();
        budget.grown.store(0, Ordering::Release);
    }
    if share >= EARLY {
        encode_early(store, budget);
    }
    if share >= GROWTH {
        name_grown(store, budget);
    }
}

fn columns(source: &Arc<Source>) -> usize {
    let state = lock(&source.state);
    state.slots.len(state.first_group())
}

fn encode_early(store: &Arc<Store>, budget: &Budget) {
    let now = store.monotonic_ms();
    {
        let mut state = lock(&budget.state);
        if now - state.flushed_at < FLUSH_EVERY_MS && state.flushed_at > 0 {
            return;
        }
        state.flushed_at = now.max(1);
    }
    store.indexes.clear();
    budget.tails.inc();
    if let Err(error) = maintain::flush_groups(store, |group| group.times.len() >= EARLY_ROWS) {
        tracing::debug!("{error}");
    }
    store.sweep_due.store(true, Ordering::Release);
}

/// The source that has the most columns more than in calm times.
fn name_grown(store: &Arc<Store>, budget: &Budget) {
    let sources = store.source_list();
    let mut state = lock(&budget.state);
    let growth = |source: &Arc<Source>| columns(source).saturating_sub(state.calm.get(&source.number).copied().unwrap_or(0));
    let most = sources.iter().map(|source| (growth(source), source)).max_by_key(|(growth, _)| *growth);
    let Some((growth, source)) = most.filter(|(growth, _)| *growth > 0) else { return };
    if budget.grown.swap(u64::from(source.number) + 1, Ordering::AcqRel) != u64::from(source.number) + 1 {
        tracing::warn!(group = source.key.name, growth, "memory is near its budget: no new series of the group that grew most");
    }
    state.growth = growth;
}
