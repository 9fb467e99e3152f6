//! Sends this process's alerts to outside Alertmanagers, as `alerting:` of `prometheus.yml` asks (Prometheus's notifier).
//!
//! External labels come on, `alert_relabel_configs` go over them; what is left goes to our own routing (by whoever calls
//! [`Notifier::send`]) and into one bounded queue for each Alertmanager. A batch is tried once: rules repeat what still matters.

mod body;
mod figures;
pub mod labels;
mod limits;
pub mod options;
mod place;
mod queue;
mod sender;
mod set;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::client::{ClientError, Outbound, Timeouts};
use crate::clock::Clock;
use crate::model::Alert;
use crate::telemetry::Registry;

pub use labels::AlertLabels;
pub use options::{AlertmanagerOptions, NotifierOptions, QueueOptions};

use figures::Figures;
use limits::DRAIN_MAX;
use set::Set;

/// What all sets share.
struct Shared {
    figures: Figures,
    queue: QueueOptions,
    clock: Clock,
    registry: Registry,
}

/// The way to outside Alertmanagers. Clones share it.
#[derive(Clone)]
pub struct Notifier {
    shared: Arc<Shared>,
    labels: Arc<ArcSwap<AlertLabels>>,
    sets: Arc<Mutex<Vec<Arc<Mutex<Set>>>>>,
}

/// Where alerts go and where they would without relabeling, as URLs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub active: Vec<String>,
    pub dropped: Vec<String>,
}

impl Notifier {
    /// Sends to nobody before [`Self::apply`].
    pub fn new(queue: QueueOptions, clock: Clock, registry: &Registry) -> Self {
        let shared = Shared { figures: Figures::new(registry), queue, clock, registry: registry.clone() };
        Self { shared: Arc::new(shared), labels: Arc::default(), sets: Arc::default() }
    }

    /// New settings, all or none: the error is that of a client that cannot be built. Alertmanagers whose section stays the same keep
    /// their queues; those that are gone get what waits for them yet. Needs a tokio runtime around it.
    pub fn apply(&self, options: NotifierOptions) -> Result<(), ClientError> {
        let mut sets = self.lock();
        let kept = |section: &AlertmanagerOptions| sets.iter().find(|set| *set::lock(set).options() == *section).cloned();
        let mut next = Vec::new();
        for (index, section) in options.alertmanagers.into_iter().enumerate() {
            next.push(match kept(&section) {
                Some(set) if !next.iter().any(|other| Arc::ptr_eq(other, &set)) => set,
                _ => {
                    let client = Outbound::new(&section.client, Timeouts::total(section.timeout.to_std()))?;
                    Arc::new(Mutex::new(Set::new(index, section, client, self.shared.clone())))
                }
            });
        }
        for gone in sets.iter().filter(|set| !next.iter().any(|other| Arc::ptr_eq(other, set))) {
            // What waits is still sent, beside the new settings.
            drop(set::lock(gone).end(self.shared.queue.drain));
        }
        next.iter().for_each(Set::start);
        *sets = next;
        self.labels.store(Arc::new(options.labels));
        Ok(())
    }

    /// Takes what rules say, and gives it back as it leaves this process: with external labels, relabelled, without what is dropped.
    pub fn send(&self, alerts: Vec<Alert>) -> Vec<Alert> {
        let labels = self.labels.load();
        let alerts: Vec<Alert> = alerts.into_iter().filter_map(|alert| labels.put_on(alert)).collect();
        let sets = self.lock();
        if !sets.is_empty() && !alerts.is_empty() {
            let shared: Vec<Arc<Alert>> = alerts.iter().cloned().map(Arc::new).collect();
            sets.iter().for_each(|set| set::lock(set).push(&shared));
        }
        alerts
    }

    /// Whether our own routing has somebody to tell: it counts as one more Alertmanager.
    pub fn count_our_own(&self, is_there: bool) {
        self.shared.figures.inside(is_there);
    }

    /// The labels in force.
    pub fn labels(&self) -> Arc<AlertLabels> {
        self.labels.load_full()
    }

    /// For `GET /api/v1/alertmanagers`, in the order of the file.
    pub fn found(&self) -> Found {
        let mut found = Found::default();
        for set in self.lock().iter() {
            set::lock(set).show(&mut found);
        }
        found
    }

    /// Sends what waits yet, for a while, unless told otherwise by a flag.
    pub async fn stop(&self) {
        let sets = std::mem::take(&mut *self.lock());
        let ended: Vec<_> = sets.iter().flat_map(|set| set::lock(set).end(self.shared.queue.drain)).collect();
        let mut left = DRAIN_MAX;
        for sender in ended {
            let began = self.shared.clock.monotonic();
            sender.finish(left).await;
            left = left.saturating_sub(self.shared.clock.monotonic().saturating_sub(began)).max(Duration::from_millis(1));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Mutex<Set>>>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
