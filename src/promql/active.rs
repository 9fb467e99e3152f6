//! The queries that are under way: what was asked, by whom, for how long, what they have read. Each can be ended from outside.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::eval::guard::{Cancel, Usage};
use crate::clock::Clock;
use crate::model::{DurationMs, TimestampMs};
use crate::telemetry::{Counter, Registry};

/// What somebody asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub query: String,
    /// An address, or the rule that it is for.
    pub client: String,
    pub start: TimestampMs,
    pub end: TimestampMs,
    /// None for an instant query.
    pub step: Option<DurationMs>,
}

struct Entry {
    asked: Asked,
    at: TimestampMs,
    began: Duration,
    runs: AtomicBool,
    cancel: Cancel,
    usage: Usage,
}

#[derive(Default)]
struct State {
    next: u64,
    running: BTreeMap<u64, Arc<Entry>>,
}

/// The list; cloning shares it.
#[derive(Clone)]
pub struct Active {
    state: Arc<Mutex<State>>,
    clock: Clock,
    killed: Counter,
}

/// One query as the list shows it.
#[derive(Clone, Debug)]
pub struct ActiveQuery {
    pub id: u64,
    pub asked: Asked,
    pub since: TimestampMs,
    pub age: Duration,
    /// It has its turn; before, it waits in line.
    pub runs: bool,
    /// Samples looked at, over all steps.
    pub samples: u64,
    /// Samples held now, and at most so far.
    pub held: u64,
    pub peak: u64,
}

impl Active {
    pub fn new(clock: Clock, registry: &Registry) -> Self {
        let killed = registry.counter("promlet_queries_killed_total", "Queries that were ended by request.", &[]);
        Self { state: Arc::default(), clock, killed }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a query on the list, for as long as the result lives.
    pub fn begin(&self, asked: Asked) -> Running {
        let entry = Arc::new(Entry {
            asked,
            at: self.clock.now(),
            began: self.clock.monotonic(),
            runs: AtomicBool::new(false),
            cancel: Cancel::default(),
            usage: Usage::default(),
        });
        let mut state = self.state();
        state.next += 1;
        let id = state.next;
        state.running.insert(id, Arc::clone(&entry));
        Running { id, active: self.clone(), entry }
    }

    /// All of them, the oldest first.
    pub fn list(&self) -> Vec<ActiveQuery> {
        let now = self.clock.monotonic();
        let view = |(id, entry): (&u64, &Arc<Entry>)| {
            let (samples, peak) = entry.usage.used();
            ActiveQuery {
                id: *id,
                asked: entry.asked.clone(),
                since: entry.at,
                age: now.saturating_sub(entry.began),
                runs: entry.runs.load(Ordering::Relaxed),
                samples,
                held: entry.usage.held(),
                peak,
            }
        };
        self.state().running.iter().map(view).collect()
    }

    /// Ends a query at its next look around; false where there is none of that number.
    pub fn kill(&self, id: u64) -> bool {
        let Some(entry) = self.state().running.get(&id).cloned() else { return false };
        entry.cancel.kill();
        self.killed.inc();
        true
    }
}

/// A query on the list; dropping it takes it off.
pub struct Running {
    id: u64,
    active: Active,
    entry: Arc<Entry>,
}

impl Running {
    pub fn cancel(&self) -> Cancel {
        self.entry.cancel.clone()
    }

    pub fn usage(&self) -> Usage {
        self.entry.usage.clone()
    }

    /// It no longer waits.
    pub fn has_turn(&self) {
        self.entry.runs.store(true, Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.active.state().running.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_listed_until_it_is_dropped_and_can_be_killed() {
        let active = Active::new(Clock::system(), &Registry::default());
        let asked =
            Asked { query: "up".to_owned(), client: "127.0.0.1".to_owned(), start: TimestampMs(0), end: TimestampMs(0), step: None };
        let first = active.begin(asked.clone());
        let second = active.begin(asked);
        second.has_turn();
        let listed: Vec<(u64, bool)> = active.list().iter().map(|q| (q.id, q.runs)).collect();
        assert_eq!(listed, [(1, false), (2, true)]);
        assert!(active.kill(2) && !active.kill(3));
        assert!(second.cancel().is_canceled() && !first.cancel().is_canceled());
        drop(second);
        assert_eq!(active.list().len(), 1);
        assert!(!active.kill(2));
    }
}
