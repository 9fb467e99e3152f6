//! The figures of sending, under the names and labels of Prometheus from 3.10 on, where each Alertmanager has a queue of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::telemetry::{Counter, Gauge, Latency, Registry};

const SENT: &str = "prometheus_notifications_sent_total";
const ERRORS: &str = "prometheus_notifications_errors_total";
const DROPPED: &str = "prometheus_notifications_dropped_total";
const LENGTH: &str = "prometheus_notifications_queue_length";
const CAPACITY: &str = "prometheus_notifications_queue_capacity";
const LATENCY: &str = "prometheus_notifications_latency_seconds";
const LATENCY_HISTOGRAM: &str = "prometheus_notifications_latency_histogram_seconds";
const PER_ALERTMANAGER: [&str; 7] = [SENT, ERRORS, DROPPED, LENGTH, CAPACITY, LATENCY, LATENCY_HISTOGRAM];
const DISCOVERED: &str = "prometheus_sd_discovered_targets";
const LATENCY_BUCKETS: [f64; 4] = [0.01, 0.1, 1.0, 10.0];
const LABEL: &str = "alertmanager";

#[derive(Clone)]
pub(super) struct Figures {
    registry: Registry,
    counts: Arc<Mutex<Counts>>,
    alertmanagers: Gauge,
}

#[derive(Default)]
struct Counts {
    /// How many senders there are to each URL: two sections may name the same one.
    users: BTreeMap<String, usize>,
    /// Alertmanagers in use outside of this process.
    outside: usize,
    /// Whether there is one in here, too.
    inside: bool,
}

/// The instruments of one Alertmanager.
pub(super) struct SenderFigures {
    pub sent: Counter,
    pub errors: Counter,
    pub dropped: Counter,
    pub length: Gauge,
    pub latency: Latency,
    pub latency_histogram: Latency,
}

impl Figures {
    pub(super) fn new(registry: &Registry) -> Self {
        let help = "The number of alertmanagers discovered and active; the one in here counts where there is an alertmanager.yml.";
        let alertmanagers = registry.gauge("prometheus_notifications_alertmanagers_discovered", help, &[]);
        Self { registry: registry.clone(), counts: Arc::default(), alertmanagers }
    }

    fn change(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut counts);
        self.alertmanagers.set((counts.outside + usize::from(counts.inside)) as f64);
    }

    pub(super) fn inside(&self, inside: bool) {
        self.change(|counts| counts.inside = inside);
    }

    /// An Alertmanager is used no more, though its queue may still be emptied.
    pub(super) fn leave(&self) {
        self.change(|counts| counts.outside = counts.outside.saturating_sub(1));
    }

    pub(super) fn open(&self, url: &str, capacity: usize) -> SenderFigures {
        self.change(|counts| {
            counts.outside += 1;
            *counts.users.entry(url.to_owned()).or_default() += 1;
        });
        let (registry, labels) = (&self.registry, [(LABEL, url)]);
        registry.gauge(CAPACITY, "The capacity of the alert notifications queue.", &labels).set(capacity as f64);
        SenderFigures {
            sent: registry.counter(SENT, "Total number of alerts sent.", &labels),
            errors: registry.counter(ERRORS, "Total number of sent alerts affected by errors.", &labels),
            dropped: registry.counter(DROPPED, "Alerts that an Alertmanager never got: a failed request or a full queue.", &labels),
            length: registry.gauge(LENGTH, "The number of alert notifications in the queue.", &labels),
            latency: registry.latency(LATENCY, "Latency quantiles for sending alert notifications.", &labels),
            latency_histogram: registry.histogram(
                LATENCY_HISTOGRAM,
                "How long sending a batch of alerts takes.",
                &labels,
                &LATENCY_BUCKETS,
            ),
        }
    }

    /// The last of its figures are taken off the list with the last sender to the URL.
    pub(super) fn close(&self, url: &str) {
        self.change(|counts| {
            let left = counts.users.get(url).map_or(0, |count| count.saturating_sub(1));
            if left > 0 {
                counts.users.insert(url.to_owned(), left);
                return;
            }
            counts.users.remove(url);
            for name in PER_ALERTMANAGER {
                self.registry.forget(name, |labels| labels.iter().any(|(label, value)| label == LABEL && value == url));
            }
        });
    }

    /// `set` is `config-0` and so on, as Prometheus names the sections.
    pub(super) fn discovered(&self, set: &str) -> Gauge {
        self.registry.gauge(DISCOVERED, "Current number of discovered targets.", &[("config", set), ("name", "notify")])
    }

    pub(super) fn forget_set(&self, set: &str) {
        let is = |labels: &[(String, String)], name: &str, value: &str| labels.iter().any(|(n, v)| n == name && v == value);
        self.registry.forget(DISCOVERED, |labels| is(labels, "name", "notify") && is(labels, "config", set));
    }
}
