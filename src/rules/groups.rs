//! All groups: applied from a configuration, run on their schedules, seen by others, stopped in order.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use super::concurrency::Concurrency;
use super::group::{Group, Published, group_key, lock};
use super::limits::EVALUATIONS_AT_ONCE;
use super::metrics::GroupMetrics;
use super::options::RulesOptions;
use super::schedule::{Next, Schedule};
use super::surroundings::{RulesParts, Settings};
use super::view::GroupView;
use crate::model::{DurationMs, TimestampMs};

type Key = (PathBuf, String);

struct Entry {
    key: Key,
    group: Arc<Mutex<Group>>,
    published: Published,
    schedule: Schedule,
    /// Dropped to end the group's task.
    stop: Option<watch::Sender<()>>,
}

/// A group that a reload took away, until its series are marked stale.
struct Retired {
    group: Arc<Mutex<Group>>,
    due: TimestampMs,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    retired: Vec<Retired>,
    /// Some configuration was applied before: groups that come later restore nothing.
    applied: bool,
    /// Groups run by themselves.
    running: Option<Handle>,
}

/// The rules room's door. Cloning shares it.
#[derive(Clone)]
pub struct RuleGroups {
    parts: RulesParts,
    state: Arc<Mutex<State>>,
    turns: Arc<Semaphore>,
    concurrency: Option<Concurrency>,
}

impl RuleGroups {
    /// No groups yet, and nothing runs by itself until [`RuleGroups::start`].
    pub fn new(parts: RulesParts) -> Self {
        Self { parts, state: Arc::default(), turns: Arc::new(Semaphore::new(EVALUATIONS_AT_ONCE)), concurrency: None }
    }

    /// Independent rules of a group are evaluated at the same time; before the first `apply`.
    pub fn with_concurrency(self, concurrency: Concurrency) -> Self {
        Self { concurrency: Some(concurrency), ..self }
    }

    /// Lets the groups run on their schedules: timers on this runtime, evaluations on its blocking threads.
    pub fn start(&self, runtime: &Handle) {
        let mut state = lock(&self.state);
        state.running = Some(runtime.clone());
        for entry in &mut state.entries {
            self.spawn(entry, runtime);
        }
    }

    /// Puts a configuration into force. A group whose options are as before goes on untouched; a changed one keeps its rules' state.
    /// Blocking: it waits for evaluations in flight of groups that change. Call it from a blocking thread.
    pub fn apply(&self, options: RulesOptions) {
        let settings = Settings::of(&options);
        let mut state = lock(&self.state);
        let restores = !std::mem::replace(&mut state.applied, true);
        let mut before: HashMap<Key, Entry> = state.entries.drain(..).map(|entry| (entry.key.clone(), entry)).collect();
        for group in options.groups {
            let key = (group.file.clone(), group.name.clone());
            let old = before.remove(&key);
            let entry = match old {
                Some(old) if is_unchanged(&old, &group, &settings) => old,
                old => self.replace(key, Group::new(group, settings.clone(), &self.parts, restores), old),
            };
            state.entries.push(entry);
        }
        if let Some(runtime) = state.running.clone() {
            for entry in &mut state.entries {
                self.spawn(entry, &runtime);
            }
        }
        for (_, gone) in before {
            self.retire(&mut state, gone);
        }
    }

    fn replace(&self, key: Key, mut group: Group, old: Option<Entry>) -> Entry {
        if let Some(concurrency) = &self.concurrency {
            group.rounds = concurrency.rounds(&group.options);
        }
        if let Some(old) = old {
            let mut before = lock(&old.group);
            before.ended = true;
            group.take_over(&mut before);
        }
        let schedule = Schedule::new(&key.0, &key.1, group.options.interval);
        Entry { key, published: group.published.clone(), group: Arc::new(Mutex::new(group)), schedule, stop: None }
    }

    /// A group that is gone marks its series stale after two intervals, when one that was renamed has written its own.
    fn retire(&self, state: &mut State, gone: Entry) {
        let (wait, key) = {
            let mut group = lock(&gone.group);
            group.ended = true;
            (DurationMs(group.options.interval.0.saturating_mul(2)), group_key(&group.options))
        };
        GroupMetrics::forget(&self.parts.registry, &key);
        state.retired.push(Retired { group: gone.group, due: self.parts.clock.now() + wait });
        if let Some(runtime) = &state.running {
            let groups = self.clone();
            runtime.spawn(async move {
                tokio::time::sleep(wait.to_std()).await;
                let now = groups.parts.clock.now() + DurationMs(1);
                let ended = tokio::task::spawn_blocking(move || groups.end_retired(now)).await;
                if let Err(error) = ended {
                    tracing::error!(%error, "marking the series of removed rule groups stale failed");
                }
            });
        }
    }

    /// Marks the series of retired groups stale whose time has come.
    fn end_retired(&self, now: TimestampMs) {
        let (due, live) = {
            let mut state = lock(&self.state);
            let (due, later): (Vec<Retired>, Vec<Retired>) = state.retired.drain(..).partition(|retired| retired.due <= now);
            state.retired = later;
            (due, state.entries.iter().map(|entry| entry.group.clone()).collect::<Vec<_>>())
        };
        for retired in due {
            let lives_on = |labels: &crate::model::Labels| live.iter().any(|group| lock(group).writes(labels));
            lock(&retired.group).end_series(&self.parts, now, &lives_on);
        }
    }

    /// Evaluates every group for a time, by hand: tests and checks of rules move a manual clock and call this. Blocking.
    pub fn evaluate_all(&self, now: TimestampMs) {
        let groups: Vec<_> = lock(&self.state).entries.iter().map(|entry| entry.group.clone()).collect();
        for group in groups {
            lock(&group).evaluate(&self.parts, now, 0);
        }
        self.end_retired(now);
    }

    /// Evaluates one group for a time, by hand; false where there is none of that name. Blocking.
    pub fn evaluate_group(&self, file: &Path, name: &str, now: TimestampMs) -> bool {
        let found =
            lock(&self.state).entries.iter().find(|entry| entry.key.0 == file && entry.key.1 == name).map(|entry| entry.group.clone());
        let is_found = found.is_some();
        if let Some(group) = found {
            lock(&group).evaluate(&self.parts, now, 0);
        }
        self.end_retired(now);
        is_found
    }

    /// All groups in the order of the configuration; never waits for an evaluation.
    pub fn view(&self) -> Vec<GroupView> {
        let published: Vec<Published> = lock(&self.state).entries.iter().map(|entry| entry.published.clone()).collect();
        published.iter().map(|view| lock(view).clone()).collect()
    }

    /// Ends all evaluation; waits for those in flight. Series are not marked stale: after a restart they go on.
    pub fn stop(&self) {
        let groups: Vec<_> = {
            let mut state = lock(&self.state);
            state.running = None;
            for entry in &mut state.entries {
                entry.stop = None;
            }
            state.entries.iter().map(|entry| entry.group.clone()).collect()
        };
        for group in groups {
            lock(&group).ended = true;
        }
    }

    fn spawn(&self, entry: &mut Entry, runtime: &Handle) {
        if entry.stop.is_some() {
            return;
        }
        let (stop, stopped) = watch::channel(());
        entry.stop = Some(stop);
        runtime.spawn(run(self.parts.clone(), entry.group.clone(), entry.schedule, self.turns.clone(), stopped));
    }
}

fn is_unchanged(old: &Entry, group: &super::options::GroupOptions, settings: &Settings) -> bool {
    let present = lock(&old.group);
    present.options == *group && present.settings.is_same(settings)
}

/// A group's life: sleep until the next tick, evaluate on a blocking thread, count what was missed.
async fn run(parts: RulesParts, group: Arc<Mutex<Group>>, schedule: Schedule, turns: Arc<Semaphore>, mut stopped: watch::Receiver<()>) {
    let mut last = schedule.tick_before(parts.clock.now());
    loop {
        let (at, missed) = match schedule.next(last, parts.clock.now()) {
            Next::Due { at, missed } => (at, missed),
            Next::Wait(wait) => {
                // At most an interval, so that a clock set back is noticed.
                let wait = DurationMs(wait.0.clamp(1, schedule.interval.0));
                tokio::select! {
                    _ = stopped.changed() => return,
                    () = tokio::time::sleep(wait.to_std()) => continue,
                }
            }
        };
        let Ok(turn) = turns.acquire().await else { return };
        let (parts, group) = (parts.clone(), group.clone());
        let evaluated = tokio::task::spawn_blocking(move || {
            let mut group = lock(&group);
            group.evaluate(&parts, at, missed);
            !group.ended
        });
        match evaluated.await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::error!(%error, "evaluation of a rule group panicked; the next one goes on"),
        }
        drop(turn);
        last = at;
    }
}
