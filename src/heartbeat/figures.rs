//! What heartbeats count, each under its name.

use crate::model::TimestampMs;
use crate::telemetry::Registry;

const ASKED: &str = "promlet_heartbeat_requests_total";
const FAILED: &str = "promlet_heartbeat_requests_failed_total";
const HELD: &str = "promlet_heartbeat_held_back";
const LAST: &str = "promlet_heartbeat_last_success_timestamp_seconds";
const LABEL: &str = "heartbeat";

#[derive(Clone)]
pub(super) struct Figures(pub(super) Registry);

impl Figures {
    /// `works` tells a heartbeat from a word to the address for failures.
    pub(super) fn asked(&self, name: &str, works: bool, arrived: bool, now: TimestampMs) {
        let labels = [(LABEL, name), ("says", if works { "works" } else { "fails" })];
        let asked = self.0.counter(ASKED, "Requests to the addresses of heartbeats.", &labels);
        let failed = self.0.counter(FAILED, "Requests to the addresses of heartbeats that failed.", &labels);
        asked.inc();
        match arrived {
            true if works => {
                self.0.gauge(LAST, "When a heartbeat arrived last.", &[(LABEL, name)]).set(now.0 as f64 / 1000.0);
            }
            true => {}
            false => failed.inc(),
        }
    }

    pub(super) fn held(&self, name: &str, held: bool) {
        let help = "1 while a heartbeat is held back since promlet does not work as it should.";
        self.0.gauge(HELD, help, &[(LABEL, name)]).set(f64::from(u8::from(held)));
    }

    pub(super) fn forget(&self, name: &str) {
        for family in [ASKED, FAILED, HELD, LAST] {
            self.0.forget(family, |labels| labels.iter().any(|(label, value)| label == LABEL && value == name));
        }
    }
}
