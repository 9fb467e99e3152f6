//! What the process says of itself as a whole: which build it is, whether it is ready, how the last reload went. Prometheus's and
//! Alertmanager's names, since their dashboards and alerts ask for them.

use crate::model::TimestampMs;
use crate::telemetry::{Gauge, Registry};

/// Both programs that this one stands for.
const RELOADED: [(&str, &str); 2] = [
    ("prometheus_config_last_reload_successful", "prometheus_config_last_reload_success_timestamp_seconds"),
    ("alertmanager_config_last_reload_successful", "alertmanager_config_last_reload_success_timestamp_seconds"),
];

/// In the words that dashboards know.
fn go_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

pub struct Figures {
    ready: Gauge,
    reloads: Vec<(Gauge, Gauge)>,
}

impl Figures {
    pub fn new(registry: &Registry) -> Self {
        let build = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("goversion", concat!("rust ", env!("CARGO_PKG_RUST_VERSION"))),
            ("goos", std::env::consts::OS),
            ("goarch", go_architecture()),
        ];
        for name in ["prometheus_build_info", "alertmanager_build_info", "promlet_build_info"] {
            registry.gauge(name, "Always 1; version and compiler of this build in the labels.", &build).set(1.0);
        }
        let reload = |(successful, at): (&str, &str)| {
            let successful = registry.gauge(successful, "Whether the last configuration reload attempt was successful.", &[]);
            (successful, registry.gauge(at, "Timestamp of the last successful configuration reload.", &[]))
        };
        let ready = "Whether the start was completed and the server is ready for normal operation.";
        Self { ready: registry.gauge("prometheus_ready", ready, &[]), reloads: RELOADED.map(reload).into() }
    }

    pub fn ready(&self, is_ready: bool) {
        self.ready.set(f64::from(u8::from(is_ready)));
    }

    pub fn reloaded(&self, at: TimestampMs) {
        for (successful, timestamp) in &self.reloads {
            successful.set(1.0);
            timestamp.set(at.as_seconds());
        }
    }

    pub fn not_reloaded(&self) {
        self.reloads.iter().for_each(|(successful, _)| successful.set(0.0));
    }
}
