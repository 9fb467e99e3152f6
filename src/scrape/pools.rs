//! All scrape pools: start, reload, stop, and what others may see.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Clock;
use crate::storage::Append;
use crate::telemetry::Registry;

use super::figures::Figures;
use super::ingest::Ingest;
use super::options::JobOptions;
use super::pool::{Pool, Shared, lock};
use super::view::{DroppedTarget, TargetView};

/// Everything that is scraped.
pub struct ScrapePools {
    shared: Arc<Shared>,
    pools: Mutex<BTreeMap<String, Arc<Mutex<Pool>>>>,
    ingest: Mutex<Option<Ingest>>,
}

impl ScrapePools {
    /// Starts the ingest threads; nothing is scraped before [`Self::apply`].
    pub fn new(append: Arc<dyn Append>, clock: Clock, registry: &Registry) -> io::Result<Self> {
        let figures = Figures::new(registry);
        let ingest = Ingest::start(&append, &clock, &figures)?;
        let shared = Shared {
            workers: ingest.workers.clone(),
            buffers: ingest.buffers.clone(),
            clock,
            figures,
            registry: registry.clone(),
            ids: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), pools: Mutex::default(), ingest: Mutex::new(Some(ingest)) })
    }

    /// Scrapes these jobs from now on, at start and at each reload. Targets whose settings are the same go on untouched;
    /// those that are gone end with stale markers. Needs a tokio runtime around it.
    pub fn apply(&self, jobs: Vec<JobOptions>) {
        let mut pools = self.lock();
        let gone: Vec<String> = pools.keys().filter(|name| !jobs.iter().any(|job| job.job_name == **name)).cloned().collect();
        for name in gone {
            if let Some(pool) = pools.remove(&name) {
                lock(&pool).end();
            }
        }
        for job in jobs {
            match pools.get(&job.job_name) {
                Some(pool) => {
                    if lock(pool).change(job) {
                        Pool::start(pool);
                    }
                }
                None => {
                    let name = job.job_name.clone();
                    let pool = Arc::new(Mutex::new(Pool::new(job, self.shared.clone())));
                    Pool::start(&pool);
                    pools.insert(name, pool);
                }
            }
        }
    }

    /// Ends all loops without stale markers and waits until what was fetched is stored.
    pub async fn stop(&self) {
        let pools = std::mem::take(&mut *self.lock());
        for pool in pools.into_values() {
            let tasks = lock(&pool).abort();
            for task in tasks {
                // An aborted task says so.
                let _ = task.await;
            }
        }
        let ingest = self.ingest.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ingest) = ingest {
            let _ = tokio::task::spawn_blocking(move || ingest.finish()).await;
        }
    }

    /// The targets of all jobs, by job, then labels.
    pub fn targets(&self) -> Vec<TargetView> {
        self.lock().values().flat_map(|pool| lock(pool).targets()).collect()
    }

    /// What relabeling took out, by job, as many as are kept.
    pub fn dropped(&self) -> Vec<DroppedTarget> {
        self.lock().values().flat_map(|pool| lock(pool).dropped().collect::<Vec<_>>()).collect()
    }

    /// How many targets relabeling took out, by job.
    pub fn dropped_counts(&self) -> Vec<(String, usize)> {
        self.lock().iter().map(|(name, pool)| (name.clone(), lock(pool).dropped_count())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Mutex<Pool>>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
