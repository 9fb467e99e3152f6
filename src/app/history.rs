//! What a Prometheus left in the data folder, read beside promlet's own store until it is imported or too old.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::blocks::{Imported, PrometheusFolder};
use crate::clock::Clock;
use crate::model::{DurationMs, Exemplar, Labels, Matcher, TimeRange, TimestampMs};
use crate::storage::{Joined, Select};
use crate::tsdb::{AdminError, Tsdb};

/// Blocks are removed only when they were too old for this long: a clock that jumped forward erases nothing.
const GRACE: Duration = Duration::from_secs(3600);

/// The store, and what a Prometheus left beside it.
#[derive(Clone)]
pub struct History {
    pub store: Arc<Tsdb>,
    prometheus: Option<Arc<PrometheusFolder>>,
    /// Both as one.
    pub select: Arc<dyn Select>,
    /// Both as one for rules, which are not held up when memory is short.
    pub select_for_rules: Arc<dyn Select>,
}

impl History {
    /// The store's lock, which is also Prometheus's, must be held.
    pub fn open(store: Arc<Tsdb>, folder: &Path, clock: &Clock) -> Result<Self, String> {
        let own = folder.join("promlet");
        let imported = Imported::read(&own).map_err(|error| format!("{}: {error}", own.join(crate::blocks::imported::NAME).display()))?;
        let found = PrometheusFolder::open(folder, &imported, clock.clone()).map_err(|error| error.to_string())?;
        let Some(found) = found.map(Arc::new) else {
            return Ok(Self { select: store.clone(), select_for_rules: store.for_rules(), store, prometheus: None });
        };
        for error in found.unreadable() {
            tracing::error!("{error}; this block is left out, what others hold is served");
        }
        tracing::info!(
            blocks = found.blocks().len(),
            head = found.has_head(),
            "serving what a Prometheus left in {}, read-only; `promlet tsdb import` converts it",
            folder.display()
        );
        let elders = found.clone();
        store.set_elders(Box::new(move |bytes, until| elders.shrink(bytes, until)));
        let joined = |own: Arc<dyn Select>| {
            let covers = found.clone();
            Arc::new(Joined::new(own, found.clone(), Box::new(move |range| covers.overlaps(range))))
        };
        let (select, select_for_rules) = (joined(store.clone()), joined(store.for_rules()));
        Ok(Self { store, prometheus: Some(found), select, select_for_rules })
    }

    /// Reads the head, so that the first question does not wait for it. Blocks.
    pub fn warm(&self) {
        if let Some(Err(error)) = self.prometheus.as_ref().map(|folder| folder.head()) {
            tracing::error!("{error}; the newest samples of Prometheus cannot be served");
        }
    }

    /// Deletes in both: of Prometheus's files by writing down what is to be left out.
    pub fn delete(&self, matchers: &[Matcher], range: TimeRange) -> Result<(), AdminError> {
        if let Some(folder) = &self.prometheus {
            folder.delete(matchers, range)?;
        }
        self.store.delete(matchers, range).map(drop)
    }

    /// A folder with both, which opens as a data folder; its name.
    pub fn snapshot(&self, skip_head: bool) -> Result<String, AdminError> {
        let name = self.store.snapshot(skip_head)?;
        if let Some(folder) = &self.prometheus {
            let made = folder.path.join(crate::tsdb::SNAPSHOTS).join(&name);
            if let Err(error) = folder.copy_to(&made, skip_head) {
                // Half a snapshot would be taken for a whole one.
                let left = std::fs::remove_dir_all(&made).err().map(|error| format!("; {}: {error}", made.display())).unwrap_or_default();
                return Err(AdminError::Io(format!("there is no snapshot, since what Prometheus left cannot be in it: {error}{left}")));
            }
        }
        Ok(name)
    }

    pub fn exemplars(&self, matchers: &[Matcher], range: TimeRange) -> Vec<(Labels, TimestampMs, Exemplar)> {
        let mut found = self.prometheus.as_ref().map(|folder| folder.exemplars(matchers, range)).unwrap_or_default();
        found.extend(self.store.exemplars(matchers, range));
        found
    }
}

/// What is done now and then about it.
pub struct Upkeep {
    history: History,
    retention: DurationMs,
    /// Monotonic time since when something is too old.
    too_old_since: Option<Duration>,
}

impl Upkeep {
    pub fn new(history: History, retention: DurationMs) -> Self {
        Self { history, retention, too_old_since: None }
    }

    pub fn round(&mut self, clock: &Clock) {
        let Some(folder) = &self.history.prometheus else { return };
        folder.tidy();
        let Some(newest) = self.history.store.newest_time() else { return };
        let now = clock.monotonic();
        if !folder.has_expired(newest, self.retention) {
            self.too_old_since = None;
        } else if now.saturating_sub(*self.too_old_since.get_or_insert(now)) >= GRACE {
            folder.expire(newest, self.retention);
        }
    }
}
