//! One job: from discovered groups to running loops, keeping those that need not change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::discovery::{self, DiscoveryOptions, TargetGroup};
use crate::model::Labels;
use crate::storage::GroupKey;
use crate::telemetry::Registry;

use super::figures::Figures;
use super::ingest::{Buffers, LoopId, Worker};
use super::limits::DROPPED_KEPT_MAX;
use super::options::JobOptions;
use super::status::StatusCell;
use super::target::{self, Prepared, Setup};
use super::view::{DroppedTarget, TargetView};
use super::visits::{Forced, Visitor};

/// What all pools share.
pub(super) struct Shared {
    pub workers: Vec<Worker>,
    pub buffers: Arc<Buffers>,
    pub clock: Clock,
    pub figures: Figures,
    pub registry: Registry,
    /// Targets that the ingest threads may know, with their latest loop.
    pub ids: Mutex<Ids>,
}

#[derive(Default)]
pub(super) struct Ids {
    next: u64,
    known: HashMap<GroupKey, LoopId>,
}

impl Shared {
    /// A loop for this target, newer than any before.
    fn open(&self, key: &GroupKey) -> LoopId {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.next += 1;
        let next = ids.next;
        let id = ids.known.entry(key.clone()).or_insert(LoopId { target: next, generation: next });
        id.generation = next;
        *id
    }

    /// The target has ended, unless a newer loop took over.
    fn close(&self, key: &GroupKey, id: LoopId) {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.known.get(key) == Some(&id) {
            ids.known.remove(key);
        }
    }
}

/// A target's loop.
struct Running {
    setup: Arc<Setup>,
    status: StatusCell,
    gone: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// One way in which the job finds targets, and what it found last.
struct Mechanism {
    /// Whose lists are whose, over reloads.
    id: u64,
    options: DiscoveryOptions,
    /// None until the first list.
    groups: Option<Vec<TargetGroup>>,
    task: Option<JoinHandle<()>>,
}

pub(super) struct Pool {
    shared: Arc<Shared>,
    job: Arc<JobOptions>,
    mechanisms: Vec<Mechanism>,
    mechanisms_begun: u64,
    running: HashMap<GroupKey, Running>,
    dropped: Vec<Labels>,
    dropped_count: usize,
    forced: Forced,
}

impl Pool {
    pub(super) fn new(job: JobOptions, shared: Arc<Shared>) -> Self {
        shared.figures.pools.inc();
        Self {
            shared,
            job: Arc::new(job),
            mechanisms: Vec::new(),
            mechanisms_begun: 0,
            running: HashMap::new(),
            dropped: Vec::new(),
            dropped_count: 0,
            forced: Forced::default(),
        }
    }

    /// Starts what is not running yet. Needs a tokio runtime around it.
    pub(super) fn start(pool: &Arc<Mutex<Self>>) {
        let mut this = lock(pool);
        let mut old = std::mem::take(&mut this.mechanisms);
        for options in this.job.discovery.clone() {
            // A mechanism that is the same goes on.
            let mechanism = match old.iter().position(|mechanism| mechanism.options == options) {
                Some(at) => old.remove(at),
                None => {
                    this.mechanisms_begun += 1;
                    begin(pool, this.mechanisms_begun, options, &this.shared.registry)
                }
            };
            this.mechanisms.push(mechanism);
        }
        old.into_iter().for_each(stop);
        this.sync();
    }

    /// Other options for the same job. True where anything differs.
    pub(super) fn change(&mut self, job: JobOptions) -> bool {
        if *self.job == job {
            return false;
        }
        self.job = Arc::new(job);
        true
    }

    /// A mechanism's new list.
    fn update(&mut self, id: u64, groups: Vec<TargetGroup>) {
        if let Some(mechanism) = self.mechanisms.iter_mut().find(|mechanism| mechanism.id == id) {
            mechanism.groups = Some(groups);
            self.sync();
        }
    }

    /// Brings the loops in line with the groups: new ones begin, changed ones begin anew, missing ones end.
    fn sync(&mut self) {
        let started = self.shared.clock.monotonic();
        let (mut wanted, failed) = self.prepare();
        for error in failed {
            self.shared.figures.sync_failed.inc();
            tracing::warn!(job = self.job.job_name, "a target cannot be used: {error}");
        }
        let complete = self.mechanisms.iter().all(|mechanism| mechanism.groups.is_some());
        let limit = self.job.limits.targets;
        let over = limit > 0 && wanted.len() as u64 > limit;
        if over {
            self.shared.figures.over_target_limit.inc();
        }
        self.forced.set(over.then(|| format!("target_limit exceeded (number of targets: {}, limit: {limit})", wanted.len())));
        let gone: Vec<GroupKey> = self.running.keys().filter(|key| !wanted.contains_key(*key)).cloned().collect();
        for key in gone.into_iter().filter(|_| complete) {
            if let Some(running) = self.running.remove(&key) {
                running.gone.send_replace(true);
            }
        }
        for (key, setup) in wanted.drain() {
            match self.running.get(&key) {
                Some(running) if Arc::ptr_eq(&running.setup.job, &self.job) && is_same(&running.setup, &setup) => {}
                Some(running) => {
                    running.task.abort();
                    self.run(key, setup);
                }
                None => self.run(key, setup),
            }
        }
        let figures = &self.shared.figures;
        figures.targets(&self.job.job_name).set(self.running.len() as f64);
        figures.sync_length(&self.job.job_name).record(self.shared.clock.monotonic().saturating_sub(started));
    }

    fn prepare(&mut self) -> (HashMap<GroupKey, Setup>, Vec<String>) {
        let (mut wanted, mut failed) = (HashMap::new(), Vec::new());
        let keep = match self.job.limits.keep_dropped_targets {
            0 => DROPPED_KEPT_MAX,
            limit => usize::try_from(limit).unwrap_or(usize::MAX).min(DROPPED_KEPT_MAX),
        };
        self.dropped.clear();
        self.dropped_count = 0;
        let groups = self.mechanisms.iter().filter_map(|mechanism| mechanism.groups.as_ref()).flatten();
        let mut discovered = 0usize;
        for group in groups {
            for (index, address) in group.targets.iter().enumerate() {
                discovered += 1;
                match target::prepare(&self.job, address, &group.labels) {
                    Ok(Prepared::Target(setup)) => {
                        wanted.entry(setup.key.clone()).or_insert(*setup);
                    }
                    Ok(Prepared::Dropped(labels)) => {
                        self.dropped_count += 1;
                        if self.dropped.len() < keep {
                            self.dropped.push(labels);
                        }
                    }
                    Err(error) => failed.push(format!("instance {index} in group {}: {error}", group.source)),
                }
            }
        }
        self.shared.figures.discovered(&self.job.job_name).set(discovered as f64);
        (wanted, failed)
    }

    fn run(&mut self, key: GroupKey, setup: Setup) {
        let shared = self.shared.clone();
        let setup = Arc::new(setup);
        let id = shared.open(&key);
        let (gone, is_gone) = watch::channel(false);
        // A loop that begins anew shows how the one before did, until its first scrape.
        let status = self.running.get(&key).map(|before| before.status.clone()).unwrap_or_default();
        let worker = shared.workers[(setup.seed() % shared.workers.len().max(1) as u64) as usize].clone();
        let visitor = Visitor {
            id,
            setup: setup.clone(),
            worker: worker.clone(),
            buffers: shared.buffers.clone(),
            clock: shared.clock.clone(),
            figures: shared.figures.clone(),
            status: status.clone(),
            forced: self.forced.clone(),
            gone: is_gone,
        };
        let ended = key.clone();
        let task = worker.handle.spawn(async move {
            if visitor.run().await {
                shared.close(&ended, id);
            }
        });
        self.running.insert(key, Running { setup, status, gone, task });
    }

    /// The job is gone: its targets end with stale markers.
    pub(super) fn end(&mut self) {
        self.mechanisms.drain(..).for_each(stop);
        for (_, running) in self.running.drain() {
            running.gone.send_replace(true);
        }
        self.shared.figures.forget(&self.job.job_name);
    }

    /// The server stops: loops end where they are, without stale markers. Gives what is to be waited for.
    pub(super) fn abort(&mut self) -> Vec<JoinHandle<()>> {
        self.mechanisms.drain(..).for_each(stop);
        let tasks: Vec<_> = self.running.drain().map(|(_, running)| running.task).collect();
        tasks.iter().for_each(JoinHandle::abort);
        tasks
    }

    pub(super) fn targets(&self) -> Vec<TargetView> {
        let mut keys: Vec<_> = self.running.iter().collect();
        keys.sort_by(|(a, _), (b, _)| a.labels.cmp(&b.labels).then_with(|| a.name.cmp(&b.name)));
        keys.into_iter().map(|(_, running)| view(&self.job.job_name, running)).collect()
    }

    pub(super) fn dropped(&self) -> impl Iterator<Item = DroppedTarget> {
        self.dropped.iter().map(|labels| DroppedTarget { pool: self.job.job_name.clone(), discovered_labels: labels.clone() })
    }

    pub(super) fn dropped_count(&self) -> usize {
        self.dropped_count
    }
}

fn is_same(a: &Setup, b: &Setup) -> bool {
    a.discovered == b.discovered && a.interval == b.interval && a.timeout == b.timeout
}

fn view(job: &str, running: &Running) -> TargetView {
    let status = running.status.lock().clone();
    let setup = &running.setup;
    TargetView {
        pool: job.to_owned(),
        discovered_labels: setup.discovered.clone(),
        labels: setup.labels.clone(),
        url: setup.url.clone(),
        health: status.health,
        last_error: status.last_error,
        last_scrape: status.last_scrape,
        last_duration: status.last_duration,
        last_samples: status.last_samples,
        interval: setup.interval,
        timeout: setup.timeout,
        metadata: status.families.iter().map(|family| (family.name.clone(), family.metadata.clone())).collect(),
    }
}

pub(super) fn lock(pool: &Mutex<Pool>) -> std::sync::MutexGuard<'_, Pool> {
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stop(mechanism: Mechanism) {
    if let Some(task) = mechanism.task {
        task.abort();
    }
}

/// Static groups are known at once; others send lists, each of which brings the pool in line.
fn begin(pool: &Arc<Mutex<Pool>>, id: u64, options: DiscoveryOptions, registry: &Registry) -> Mechanism {
    if let DiscoveryOptions::Static(groups) = &options {
        return Mechanism { id, groups: Some(groups.clone()), options, task: None };
    }
    let discover = discovery::discover(&options, registry);
    let pool = Arc::downgrade(pool);
    let task = tokio::spawn(async move {
        let (updates, mut lists) = mpsc::channel(discovery::UPDATES_MAX);
        let watching = discover.run(updates);
        let applying = async {
            while let Some(groups) = lists.recv().await {
                let Some(pool) = pool.upgrade() else { return };
                lock(&pool).update(id, groups);
            }
        };
        tokio::join!(watching, applying);
    });
    Mechanism { id, options, groups: None, task: Some(task) }
}
