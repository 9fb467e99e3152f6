//! What rules and routes depend on beside their files: the global settings of the configuration, the routes that are in force.

use std::path::Path;

use super::server::Server;
use crate::alerts::AlertsOptions;
use crate::config::alertmanager::parse_alertmanager;
use crate::config::{self, AlertmanagerConfig, Checkers};
use crate::model::{DurationMs, Labels, Problem};
use crate::notify::NotifyOptions;
use crate::rules::options::RuleTimings;
use crate::yaml::{self, Problems, Source};

/// How secrets stand in a configuration that a server shows; and an address in their place, since some are addresses.
const HIDDEN: &str = "<secret>";
const STAND_IN: &str = "http://secret.invalid/";

#[derive(Clone, Debug)]
pub struct Globals {
    pub interval: DurationMs,
    pub query_offset: DurationMs,
    pub external_labels: Labels,
    pub lookback: DurationMs,
    pub resend_delay: DurationMs,
}

impl Default for Globals {
    fn default() -> Self {
        Self {
            interval: DurationMs::seconds(60),
            query_offset: DurationMs::ZERO,
            external_labels: Labels::empty(),
            lookback: DurationMs::seconds(300),
            resend_delay: RuleTimings::default().resend_delay,
        }
    }
}

/// Whom alerts reach.
pub struct Routes {
    pub alerts: AlertsOptions,
    pub notify: NotifyOptions,
    /// Where they were read.
    pub origin: String,
}

impl Globals {
    /// What the `global` section of a `prometheus.yml` says.
    pub fn of_yaml(text: &str) -> Self {
        let source = Source::new("prometheus.yml", text);
        let root = yaml::parse(&source, &mut Problems::new(&source));
        let mut globals = Self::default();
        let Some(global) = root.as_ref().and_then(|root| root.get("global")) else { return globals };
        globals.interval = global.duration("evaluation_interval").unwrap_or(globals.interval);
        globals.query_offset = global.duration("rule_query_offset").unwrap_or(globals.query_offset);
        globals.external_labels = Labels::from_pairs(global.pairs("external_labels"));
        globals
    }

    /// What a running server goes by.
    pub fn of_server(server: &Server) -> Result<Self, String> {
        let Some(config) = server.document("/api/v1/status/config")? else {
            return Err("the server does not say its configuration (/api/v1/status/config): is it promlet or Prometheus?".to_owned());
        };
        let mut globals = Self::of_yaml(config["data"]["yaml"].as_str().unwrap_or_default());
        let flags = server.document("/api/v1/status/flags")?.unwrap_or_default();
        let flag = |name: &str| DurationMs::parse(flags["data"][name].as_str()?).ok();
        globals.lookback = flag("query.lookback-delta").unwrap_or(globals.lookback);
        globals.resend_delay = flag("rules.alert.resend-delay").unwrap_or(globals.resend_delay);
        Ok(globals)
    }
}

impl Routes {
    pub fn of_file(path: &Path, checkers: &Checkers) -> Result<Self, Vec<Problem>> {
        let loaded = config::load_alertmanager(path, "", checkers)?;
        Ok(Self::of(loaded, path.display().to_string()))
    }

    /// Those that a server has in force; none where it knows no receivers.
    pub fn of_server(server: &Server) -> Result<Option<Self>, String> {
        let Some(status) = server.document("/api/v2/status")? else { return Ok(None) };
        let text = status["config"]["original"].as_str().unwrap_or_default();
        if text.is_empty() {
            return Ok(None);
        }
        let shown = Source::new("alertmanager.yml", text.replace(HIDDEN, STAND_IN));
        let loaded = parse_alertmanager(&shown, Path::new(""), "", &Checkers::none());
        let said = |problems: Vec<Problem>| problems.first().map_or_else(String::new, ToString::to_string);
        let loaded = loaded.map_err(|problems| {
            format!("the server's routes cannot be read ({}); give them with --alertmanager FILE", said(problems).trim())
        })?;
        Ok(Some(Self::of(loaded, "the server's alertmanager.yml".to_owned())))
    }

    /// Nobody is told.
    pub fn none() -> Self {
        Self { alerts: AlertsOptions::nobody(""), notify: NotifyOptions::default(), origin: String::new() }
    }

    fn of(loaded: AlertmanagerConfig, origin: String) -> Self {
        Self { alerts: loaded.alerts, notify: loaded.notify, origin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn global_settings_are_read_from_any_configuration() {
        let globals =
            Globals::of_yaml("global:\n  evaluation_interval: 15s\n  external_labels: {site: a}\nscrape_configs: [{job_name: <secret>}]\n");
        assert_eq!(globals.interval, DurationMs::seconds(15));
        assert_eq!(globals.external_labels, Labels::from_pairs([("site", "a")]));
        assert_eq!(Globals::of_yaml("").interval, DurationMs::seconds(60));
    }
}
