//! One section of `alertmanagers`: from discovered groups to running senders, keeping those whose URL stays.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::options::AlertmanagerOptions;
use super::place::{self, Place};
use super::sender::Sender;
use super::{Found, Shared, labels};
use crate::client::Outbound;
use crate::discovery::{self, DiscoveryOptions, TargetGroup};
use crate::model::Alert;

pub(super) struct Set {
    /// `config-0` and so on.
    name: String,
    options: AlertmanagerOptions,
    client: Outbound,
    shared: Arc<Shared>,
    /// For each mechanism its groups, none until its first list.
    groups: Vec<Option<Vec<TargetGroup>>>,
    watching: Vec<JoinHandle<()>>,
    senders: BTreeMap<String, Sender>,
    dropped: Vec<String>,
}

pub(super) fn lock(set: &Mutex<Set>) -> MutexGuard<'_, Set> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Set {
    pub(super) fn new(index: usize, options: AlertmanagerOptions, client: Outbound, shared: Arc<Shared>) -> Self {
        Self {
            name: format!("config-{index}"),
            groups: vec![None; options.discovery.len()],
            options,
            client,
            shared,
            watching: Vec::new(),
            senders: BTreeMap::new(),
            dropped: Vec::new(),
        }
    }

    pub(super) fn options(&self) -> &AlertmanagerOptions {
        &self.options
    }

    /// Begins to look for Alertmanagers, where it has not yet. Static ones are there when this returns.
    pub(super) fn start(set: &Arc<Mutex<Self>>) {
        let mut this = lock(set);
        if !this.watching.is_empty() || this.groups.iter().any(Option::is_some) {
            return;
        }
        for (at, options) in this.options.discovery.clone().into_iter().enumerate() {
            if let DiscoveryOptions::Static(groups) = options {
                this.groups[at] = Some(groups);
                continue;
            }
            let discover = discovery::discover(&options, &this.shared.registry);
            let weak = Arc::downgrade(set);
            this.watching.push(tokio::spawn(async move {
                let (updates, mut lists) = mpsc::channel(discovery::UPDATES_MAX);
                let applying = async {
                    while let Some(groups) = lists.recv().await {
                        let Some(set) = weak.upgrade() else { return };
                        let mut this = lock(&set);
                        this.groups[at] = Some(groups);
                        this.sync();
                    }
                };
                tokio::join!(discover.run(updates), applying);
            }));
        }
        this.sync();
    }

    /// Brings the senders in line with the groups.
    fn sync(&mut self) {
        let (mut wanted, mut discovered) = (Vec::new(), 0usize);
        self.dropped.clear();
        for group in self.groups.iter().flatten().flatten() {
            for address in &group.targets {
                discovered += 1;
                match place::find(&self.options, address, &group.labels) {
                    Ok(Place::Url(url)) => wanted.push(url),
                    Ok(Place::Dropped(url)) => self.dropped.push(url),
                    Err(error) => tracing::warn!(group = group.source, "an Alertmanager's address cannot be used: {error}"),
                }
            }
        }
        self.shared.figures.discovered(&self.name).set(discovered as f64);
        let gone: Vec<String> = self.senders.keys().filter(|url| !wanted.contains(url)).cloned().collect();
        for url in gone {
            if let Some(sender) = self.senders.remove(&url) {
                // What waits is still sent; the loop ends by itself.
                sender.close(self.shared.queue.drain);
            }
        }
        for url in wanted {
            let (client, shared) = (&self.client, &self.shared);
            self.senders.entry(url).or_insert_with_key(|url| Sender::start(url, client.clone(), shared));
        }
    }

    pub(super) fn push(&self, alerts: &[Arc<Alert>]) {
        if self.senders.is_empty() {
            return;
        }
        let alerts = labels::relabelled(&self.options.alert_relabel, alerts);
        if !alerts.is_empty() {
            self.senders.values().for_each(|sender| sender.push(&alerts));
        }
    }

    pub(super) fn show(&self, found: &mut Found) {
        found.active.extend(self.senders.keys().cloned());
        found.dropped.extend(self.dropped.iter().cloned());
    }

    /// No more is looked for and taken; gives the senders, whose queues empty themselves where `drain` says so.
    pub(super) fn end(&mut self, drain: bool) -> Vec<Sender> {
        self.watching.drain(..).for_each(|task| task.abort());
        self.shared.figures.forget_set(&self.name);
        let senders: Vec<Sender> = std::mem::take(&mut self.senders).into_values().collect();
        senders.iter().for_each(|sender| sender.close(drain));
        senders
    }
}
