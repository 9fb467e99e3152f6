//! `global:` of `prometheus.yml`.

use std::path::PathBuf;

use crate::config::Environment;
use crate::config::relabel::is_label_name;
use crate::model::number::quote;
use crate::model::{DurationMs, Labels, Span};
use crate::scrape::options::ScrapeProtocol;
use crate::yaml::{Node, Problems};

use super::jobs::protocols;

/// The settings that jobs and rule groups inherit.
pub struct Global {
    pub scrape_interval: DurationMs,
    pub scrape_timeout: DurationMs,
    pub evaluation_interval: DurationMs,
    pub rule_query_offset: DurationMs,
    pub protocols: Option<Vec<ScrapeProtocol>>,
    pub external_labels: Labels,
    pub legacy_names: bool,
    pub query_log_file: Option<PathBuf>,
    pub scrape_failure_log_file: Option<PathBuf>,
    /// The section itself, for the keys that jobs inherit as they stand.
    pub node: Node,
}

fn or_default(value: Option<DurationMs>, default: DurationMs) -> DurationMs {
    value.filter(|value| value.0 != 0).unwrap_or(default)
}

impl Global {
    /// Reads the section and works the defaults into it, so that it prints as Prometheus prints it.
    pub fn read(root: &mut Node, environment: &Environment, problems: &mut Problems<'_>) -> Self {
        let mut node = root.get("global").cloned().unwrap_or_else(|| Node::empty_map(Span::default()));
        let scrape_interval = or_default(node.duration("scrape_interval"), DurationMs::seconds(60));
        let timeout = node.duration("scrape_timeout").unwrap_or(DurationMs::ZERO);
        if timeout > scrape_interval {
            let suggestion = Some(format!("set scrape_timeout to at most {scrape_interval}, or raise scrape_interval"));
            problems.error_with(node.key_span("scrape_timeout"), "global scrape timeout greater than scrape interval", suggestion);
        }
        let scrape_timeout = or_default(Some(timeout), DurationMs::seconds(10).min(scrape_interval));
        let evaluation_interval = or_default(node.duration("evaluation_interval"), DurationMs::seconds(60));
        let legacy_names = node.text("metric_name_validation_scheme") == Some("legacy");
        if legacy_names && node.text("metric_name_escaping_scheme") == Some("allow-utf-8") {
            let at = node.key_span("metric_name_escaping_scheme");
            problems.error(at, "utf8 metric names requested but validation scheme is not set to UTF8");
        }
        let protocols = node.get("scrape_protocols").map(|list| protocols(list, " for global config", problems));
        let external_labels = external_labels(&mut node, legacy_names, environment, problems);
        let settings =
            [("scrape_interval", scrape_interval), ("scrape_timeout", scrape_timeout), ("evaluation_interval", evaluation_interval)];
        for (key, value) in settings {
            node.set(key, Node::plain(value.to_string(), Span::default()));
        }
        let given = root.get("global").is_some();
        for (key, value, needed) in [
            ("scrape_native_histograms", "false", true),
            ("metric_name_validation_scheme", "utf8", true),
            ("metric_name_escaping_scheme", "allow-utf-8", !given),
        ] {
            if needed && node.get(key).is_none() {
                node.set(key, Node::plain(value, Span::default()));
            }
        }
        root.set("global", node.clone());
        Self {
            scrape_interval,
            scrape_timeout,
            evaluation_interval,
            rule_query_offset: node.duration("rule_query_offset").unwrap_or(DurationMs::ZERO),
            protocols,
            external_labels,
            legacy_names,
            query_log_file: node.text("query_log_file").map(PathBuf::from),
            scrape_failure_log_file: node.text("scrape_failure_log_file").map(PathBuf::from),
            node,
        }
    }
}

fn external_labels(node: &mut Node, legacy: bool, environment: &Environment, problems: &mut Problems<'_>) -> Labels {
    let Some(map) = node.get_mut("external_labels") else { return Labels::empty() };
    let mut pairs = Vec::new();
    let mut expanded = Node::empty_map(map.span);
    for entry in map.entries() {
        if !is_label_name(&entry.key, legacy) {
            problems.error(entry.key_span, format!("{} is not a valid label name", quote(&entry.key)));
        }
        let text = entry.value.as_text().unwrap_or("");
        let (value, unset) = environment.expand(text);
        for name in unset {
            let message = format!("environment variable {name} is not set: it counts as empty");
            problems.note(entry.value.span, &format!("environment/{name}"), message);
        }
        expanded.set(&entry.key, Node::quoted(value.clone(), entry.value.span));
        pairs.push((entry.key.clone(), value));
    }
    *map = expanded;
    Labels::from_pairs(pairs)
}
