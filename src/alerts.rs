//! From an alert to "tell this receiver, for this reason, now": route, group, inhibit, silence, time intervals, ledger.
//!
//! What is decided stands in pure functions (`routing`, `hold`, `dedup`, ...) and in a state machine without I/O (`machine`);
//! `driver` gives it the time, commits its changes to `state.db` and makes the attempts. [`Alerting`] is the door of the room.

pub mod dedup;
mod driver;
mod explain;
pub mod fallback;
pub mod fingerprint;
pub mod group;
pub mod hold;
pub mod ids;
pub mod inbox;
pub mod inhibit;
pub mod intervals;
pub mod limits;
pub mod machine;
pub mod metrics;
pub mod notification;
pub mod options;
pub mod routing;
pub mod silences;
pub mod slot;
pub mod view;

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::model::{Alert, Labels, Matcher, TimestampMs};
use crate::state::{Change, DecisionRow, DeliveryRow, State};
use crate::telemetry::Registry;

pub use inbox::{Offsets, PostedAlert};
pub use machine::{AlertFilter, GroupFilter};
pub use notification::{Integration, Notify, Receiver};
pub use options::{AlertsOptions, Fallback};
pub use silences::{SilenceError, SilenceRequest};

use driver::Shared;
use view::{AlertGroupView, AlertStanding, AlertView, DeliveryOutcome, DeliveryView, SilenceView, Story, TrailView};

/// Why alerting could not start: the ledger could not be read.
#[derive(Debug)]
pub struct StartError(pub String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// What stands in the ledger for all alerts: no hash of labels is likely to be 0, and one that is only has a longer trail.
const BLIND: fingerprint::Fingerprint = 0;

/// Routing at work. Clones share it.
#[derive(Clone)]
pub struct Alerting {
    shared: Arc<Shared>,
    stop: Arc<watch::Sender<bool>>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Alerting {
    /// Takes over what the ledger knows and starts. Must be called inside of a tokio runtime.
    pub fn start(
        options: AlertsOptions,
        receivers: Vec<Receiver>,
        state: State,
        clock: Clock,
        registry: &Registry,
    ) -> Result<Self, StartError> {
        let shared = Arc::new(Shared::open(options, receivers, state, clock, registry).map_err(StartError)?);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(driver::run(shared.clone(), stopped));
        Ok(Self { shared, stop: Arc::new(stop), task: Arc::new(Mutex::new(Some(task))) })
    }

    /// A new configuration, all at once; what was announced and what is owed stays known.
    pub fn reload(&self, options: AlertsOptions, receivers: Vec<Receiver>) {
        self.shared.reload(options, receivers);
    }

    /// Lets attempts under way end for a few seconds, then stops.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let task = self.task.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(task) = task {
            drop(task.await);
        }
    }

    /// Alerts of this process's own rules: firing ones with the time until which they hold if not repeated, ended ones with their end.
    pub fn post(&self, alerts: Vec<Alert>) {
        if !alerts.is_empty() {
            self.shared.with(|machine, now| machine.post(alerts, now));
        }
    }

    /// To be called every now and then after the start, until it answers 0. Alerts of the rules that were firing before the start and
    /// were not repeated since are kept while `awaits` expects word of them; the others have ended meanwhile, and are said so. The answer
    /// is how many are kept.
    pub fn settle(&self, awaits: &dyn Fn(&Labels) -> bool) -> usize {
        self.shared.with(|machine, now| machine.settle(awaits, now))
    }

    /// Alerts over the API. Those that can be taken are in `state.db` when this returns; the errors of the others come back.
    pub async fn accept(&self, posted: Vec<PostedAlert>) -> Vec<String> {
        let (mut errors, committed) = self.shared.with_commit(|machine, now| machine.accept(posted, now));
        if let Err(error) = committed.wait().await {
            errors.push(error.to_string());
        }
        errors
    }

    pub fn alerts(&self, filter: &AlertFilter) -> Vec<AlertView> {
        self.shared.read(|machine, now| machine.alerts(filter, now))
    }

    pub fn groups(&self, filter: &GroupFilter) -> Vec<AlertGroupView> {
        self.shared.read(|machine, now| machine.groups(filter, now))
    }

    /// In the order of the file.
    pub fn receivers(&self) -> Vec<String> {
        self.shared.read(|machine, _| machine.options().receivers.clone())
    }

    /// The configuration's text for `GET /api/v2/status`.
    pub fn original(&self) -> String {
        self.shared.read(|machine, _| machine.options().original.clone())
    }

    /// Active ones first, then pending, then expired. Only those that have every one of these matchers in their own list.
    pub fn silences(&self, filter: &[Matcher]) -> Vec<SilenceView> {
        let mut views = self.shared.read(|machine, now| machine.silences.list(now.wall));
        views.retain(|view| filter.iter().all(|wanted| view.matchers.contains(wanted)));
        views
    }

    pub fn silence(&self, id: &str) -> Option<SilenceView> {
        self.shared.read(|machine, now| machine.silences.get(id).map(|row| silences::view(row, now.wall)))
    }

    /// Creates or changes a silence and returns its id; it is on disk, synced, when this returns.
    pub async fn set_silence(&self, request: SilenceRequest) -> Result<String, SilenceError> {
        let _one_at_a_time = self.shared.silencing.lock().await;
        let plan = self.shared.with(|machine, now| {
            let mut ids = machine.ids.clone();
            let plan = machine.silences.plan_set(request, now.wall, &mut ids);
            machine.ids = ids;
            plan
        })?;
        self.store_silences(plan.rows).await?;
        Ok(plan.id)
    }

    /// Ends a silence now; one that has ended already is left alone.
    pub async fn expire_silence(&self, id: &str) -> Result<(), SilenceError> {
        let _one_at_a_time = self.shared.silencing.lock().await;
        let row = self.shared.read(|machine, now| machine.silences.plan_expire(id, now.wall))?;
        self.store_silences(row.into_iter().collect()).await
    }

    async fn store_silences(&self, rows: Vec<crate::state::SilenceRow>) -> Result<(), SilenceError> {
        let changes = rows.iter().cloned().map(Change::PutSilence).collect();
        self.shared.commit(changes).wait().await.map_err(|error| SilenceError::NotStored(error.to_string()))?;
        self.shared.with(|machine, _| rows.into_iter().for_each(|row| machine.silences.put(row)));
        Ok(())
    }

    /// Writes into the ledger that nobody watched for this time; it is part of every alert's trail.
    pub fn note_blind(&self, from: TimestampMs, to: TimestampMs) {
        let row = DecisionRow {
            at: to,
            fingerprint: BLIND,
            labels: Labels::empty(),
            group_id: "".into(),
            receiver: "".into(),
            decision: "blind".into(),
            detail: format!("promlet was not running from {} to {}: nothing was watched", from.rfc3339(), to.rfc3339()).into(),
        };
        // It is waited for by nobody: at worst the ledger lacks a line.
        drop(self.shared.commit(vec![Change::AddDecision(row)]));
    }

    /// What of the ledger was found missing or damaged, one sentence each.
    pub fn losses(&self) -> Vec<String> {
        self.shared.state.losses()
    }

    /// Which receivers do not take what they are owed, one sentence each.
    pub fn failing(&self) -> Vec<String> {
        self.shared.read(|machine, _| machine.failing())
    }

    /// Notifications, newest first. Reads the disk: not for an async worker.
    pub fn deliveries(&self, limit: usize) -> Result<Vec<DeliveryView>, String> {
        let rows = self.shared.state.deliveries(limit).map_err(|error| format!("state.db cannot be read: {error}"))?;
        Ok(rows.into_iter().map(delivery_view).collect())
    }

    /// Why someone did or did not hear of an alert, newest first. Reads the disk: not for an async worker.
    pub fn trail(&self, fingerprint: &str, limit: usize) -> Result<Vec<TrailView>, String> {
        let number =
            u64::from_str_radix(fingerprint, 16).map_err(|_| format!("{fingerprint:?} is not a fingerprint of 16 hexadecimal digits"))?;
        let limit = limit.min(limits::TRAIL_MAX);
        let read = |of| self.shared.state.decisions(of, limit).map_err(|error| format!("state.db cannot be read: {error}"));
        let (mut rows, blind) = (read(number)?, read(BLIND)?);
        // Nobody can have heard of it in these times; those before its first line are not its own.
        if let Some(first) = rows.last().map(|row| row.at) {
            rows.extend(blind.into_iter().filter(|row| row.at >= first));
            rows.sort_by_key(|row| std::cmp::Reverse(row.at));
            rows.truncate(limit);
        }
        let view = |row: DecisionRow| TrailView {
            at: row.at,
            receiver: row.receiver.to_string(),
            decision: row.decision.into_owned(),
            detail: row.detail.to_string(),
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Why someone did or did not hear of the alerts that match: those that are held first, then those that only the ledger remembers.
    /// Reads the disk: not for an async worker.
    pub fn stories(&self, matchers: &[Matcher]) -> Result<Vec<Story>, String> {
        let standings = self.shared.read(|machine, now| machine.standings(matchers, now));
        let mut alerts: Vec<(Labels, String, Option<AlertStanding>)> = Vec::new();
        for standing in standings {
            alerts.push((standing.alert.alert.labels.clone(), standing.alert.fingerprint.clone(), Some(standing)));
        }
        let remembered = self.shared.state.latest_decisions().map_err(|error| format!("state.db cannot be read: {error}"))?;
        let of_alerts = remembered.into_iter().rev().filter(|row| row.fingerprint != BLIND);
        for row in of_alerts.filter(|row| routing::all_match(matchers, &row.labels)) {
            let fingerprint = fingerprint::show(row.fingerprint);
            if alerts.len() < limits::EXPLAINED_MAX && alerts.iter().all(|(_, known, _)| *known != fingerprint) {
                alerts.push((row.labels, fingerprint, None));
            }
        }
        let deliveries = self.deliveries(limits::TRAIL_MAX)?;
        let mut stories = Vec::new();
        for (labels, fingerprint, standing) in alerts {
            let trail = self.trail(&fingerprint, limits::EXPLAINED_LINES_MAX)?;
            let of_it = deliveries.iter().filter(|delivery| delivery.alerts.contains(&labels));
            let deliveries = of_it.take(limits::EXPLAINED_LINES_MAX).cloned().collect();
            stories.push(Story { labels, fingerprint, standing, trail, deliveries });
        }
        Ok(stories)
    }
}

fn delivery_view(row: DeliveryRow) -> DeliveryView {
    let outcome = match row.outcome.as_str() {
        "delivered" => DeliveryOutcome::Delivered,
        "retrying" => DeliveryOutcome::Retrying,
        _ => DeliveryOutcome::Failed,
    };
    DeliveryView {
        at: row.at,
        receiver: row.receiver,
        integration: row.integration,
        group_labels: row.group_labels,
        status: row.status,
        reason: row.reason,
        alerts: row.alerts,
        outcome,
        attempts: row.attempts,
        detail: row.detail,
        id: row.id,
    }
}

impl AlertsOptions {
    /// Without an `alertmanager.yml`: alerts are tracked and shown, and nobody is told.
    pub fn nobody(external_url: &str) -> Self {
        use crate::model::DurationMs;
        let route = options::Route {
            receiver: String::new(),
            group_by: options::GroupBy::Names(vec!["alertname".to_owned()]),
            group_wait: DurationMs::ZERO,
            group_interval: DurationMs::seconds(60),
            repeat_interval: DurationMs::seconds(4 * 3600),
            matchers: Vec::new(),
            continues: false,
            mute_time_intervals: Vec::new(),
            active_time_intervals: Vec::new(),
            labels: Labels::empty(),
            routes: Vec::new(),
        };
        Self {
            resolve_timeout: DurationMs::seconds(300),
            route,
            inhibit_rules: Vec::new(),
            time_intervals: Vec::new(),
            receivers: Vec::new(),
            fallbacks: Vec::new(),
            external_url: external_url.to_owned(),
            original: String::new(),
        }
    }
}
