//! `scrape_configs`: jobs with the globals worked in.

use std::collections::{HashMap, HashSet};

use crate::config::{http_client, relabel};
use crate::model::number::quote;
use crate::model::{DurationMs, Span};
use crate::scrape::options::{JobOptions, ScrapeLimits, ScrapeProtocol};
use crate::yaml::{Node, Problems, scalar, suggest};

use super::fields::inherited_limits;
use super::global::Global;
use super::targets;

const PROTOCOLS: [(&str, ScrapeProtocol); 5] = [
    ("OpenMetricsText0.0.1", ScrapeProtocol::OpenMetrics0),
    ("OpenMetricsText1.0.0", ScrapeProtocol::OpenMetrics1),
    ("PrometheusProto", ScrapeProtocol::Protobuf),
    ("PrometheusText0.0.4", ScrapeProtocol::Text0),
    ("PrometheusText1.0.0", ScrapeProtocol::Text1),
];

/// What is offered where the configuration says nothing, best first.
const DEFAULT_PROTOCOLS: [&str; 4] = ["OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0", "PrometheusText0.0.4"];

/// The jobs of all files, as they are read.
pub struct Jobs<'g> {
    global: &'g Global,
    pub finished: Vec<JobOptions>,
    /// Job names and where each was seen first.
    names: HashMap<String, String>,
}

fn protocol(name: &str) -> Result<ScrapeProtocol, (String, Option<String>)> {
    PROTOCOLS.iter().find(|(known, _)| *known == name).map(|(_, protocol)| *protocol).ok_or_else(|| {
        let names: Vec<&str> = PROTOCOLS.iter().map(|(known, _)| *known).collect();
        let nearest = suggest::nearest(name, names.iter().copied()).map(|nearest| format!("did you mean \"{nearest}\"?"));
        (format!("unknown scrape protocol {name}, supported: [{}]", names.join(" ")), nearest)
    })
}

/// A `scrape_protocols` list; `place` ends the sentences.
pub fn protocols(list: &Node, place: &str, problems: &mut Problems<'_>) -> Vec<ScrapeProtocol> {
    if list.items().is_empty() {
        problems.error(list.span, format!("scrape_protocols cannot be empty{place}"));
    }
    let (mut out, mut seen) = (Vec::new(), HashSet::new());
    for item in list.items() {
        let name = item.as_text().unwrap_or("");
        match protocol(name) {
            Ok(_) if seen.contains(&name.to_lowercase()) => {
                let all: Vec<&str> = list.items().iter().filter_map(Node::as_text).collect();
                problems.error(item.span, format!("duplicated protocol in scrape_protocols, got [{}]{place}", all.join(" ")));
            }
            Ok(protocol) => out.push(protocol),
            Err((message, help)) => problems.error_with(item.span, format!("scrape_protocols: {message}{place}"), help),
        }
        seen.insert(name.to_lowercase());
    }
    out
}

impl<'g> Jobs<'g> {
    pub fn new(global: &'g Global) -> Self {
        Self { global, finished: Vec::new(), names: HashMap::new() }
    }

    /// Reads the jobs of one file and works the inherited settings into its tree.
    pub fn read(&mut self, root: &mut Node, problems: &mut Problems<'_>) {
        let Some(list) = root.get_mut("scrape_configs") else { return };
        for node in list.items_mut().iter_mut().filter(|node| !node.is_null()) {
            let job = self.job(node, problems);
            self.finished.push(job);
        }
    }

    fn job(&mut self, node: &mut Node, problems: &mut Problems<'_>) -> JobOptions {
        let job_name = self.name(node, problems);
        let place = format!(" for scrape config with job name {}", quote(&job_name));
        let (scrape_interval, scrape_timeout) = self.timing(node, &place, problems);
        self.inherit(node);
        let protocols = match node.get("scrape_protocols") {
            Some(list) => protocols(list, &place, problems),
            None => {
                self.global.protocols.clone().unwrap_or_else(|| DEFAULT_PROTOCOLS.iter().filter_map(|name| protocol(name).ok()).collect())
            }
        };
        if node.get("scrape_protocols").is_none() {
            let names = protocols.iter().filter_map(|wanted| PROTOCOLS.iter().find(|(_, known)| known == wanted));
            let items = names.map(|(name, _)| Node::plain(*name, Span::default())).collect();
            node.set("scrape_protocols", Node { span: Span::default(), value: crate::yaml::Value::List(items) });
        }
        let legacy_names = self.names_scheme(node, problems);
        JobOptions {
            scrape_interval,
            scrape_timeout,
            metrics_path: node.text("metrics_path").unwrap_or("/metrics").to_owned(),
            scheme: scheme(node, problems),
            params: params(node),
            honor_labels: node.flag("honor_labels").unwrap_or(false),
            honor_timestamps: node.flag("honor_timestamps").unwrap_or(true),
            track_timestamps_staleness: node.flag("track_timestamps_staleness").unwrap_or(false),
            enable_compression: node.flag("enable_compression").unwrap_or(true),
            extra_scrape_metrics: node.flag("extra_scrape_metrics").unwrap_or(false),
            protocols,
            fallback_protocol: fallback(node, &job_name, problems),
            limits: limits(node),
            client: http_client::client(node, problems),
            discovery: targets::discovery(node, legacy_names, problems),
            relabel: relabel::steps(node, "relabel_configs", legacy_names, problems),
            metric_relabel: relabel::steps(node, "metric_relabel_configs", legacy_names, problems),
            legacy_names,
            job_name,
        }
    }

    fn name(&mut self, node: &Node, problems: &mut Problems<'_>) -> String {
        let Some(name) = node.text("job_name") else {
            problems.error_with(node.span, "job_name is empty", Some("give the job a name: job_name: trainer".to_owned()));
            return String::new();
        };
        let at = node.get("job_name").map_or(node.span, |value| value.span);
        let here = problems.source;
        let place = format!("{}:{}", here.file, here.line_column(at.start).0);
        if let Some(first) = self.names.get(name) {
            problems.error(at, format!("found multiple scrape configs with job name {}, first found in {first}", quote(name)));
        } else {
            self.names.insert(name.to_owned(), place);
        }
        name.to_owned()
    }

    fn timing(&self, node: &mut Node, place: &str, problems: &mut Problems<'_>) -> (DurationMs, DurationMs) {
        let set = |key: &str| node.duration(key).filter(|value| value.0 != 0);
        let interval = set("scrape_interval").unwrap_or(self.global.scrape_interval);
        let timeout = set("scrape_timeout").unwrap_or_else(|| self.global.scrape_timeout.min(interval));
        if timeout > interval {
            let suggestion = Some(format!("set scrape_timeout to at most {interval}"));
            problems.error_with(node.key_span("scrape_timeout"), format!("scrape timeout greater than scrape interval{place}"), suggestion);
        }
        node.set("scrape_interval", Node::plain(interval.to_string(), Span::default()));
        node.set("scrape_timeout", Node::plain(timeout.to_string(), Span::default()));
        (interval, timeout)
    }

    /// Limits, flags and the failure log come from `global` where the job has none; zero counts as none.
    fn inherit(&self, node: &mut Node) {
        for key in inherited_limits() {
            let unset =
                node.get(key).and_then(Node::as_text).is_none_or(|text| text.trim_start_matches('0').trim_end_matches("B").is_empty());
            if let (true, Some(value)) = (unset, self.global.node.get(key)) {
                node.set(key, value.clone());
            }
        }
        if let (None, Some(value)) = (node.get("scrape_failure_log_file"), self.global.node.get("scrape_failure_log_file")) {
            node.set("scrape_failure_log_file", value.clone());
        }
        let flags =
            ["scrape_native_histograms", "always_scrape_classic_histograms", "convert_classic_histograms_to_nhcb", "extra_scrape_metrics"];
        for key in flags {
            if node.get(key).is_none() {
                let value = self.global.node.flag(key).unwrap_or(false);
                node.set(key, Node::plain(value.to_string(), Span::default()));
            }
        }
    }

    /// True for the old character set; works the schemes into the tree.
    fn names_scheme(&self, node: &mut Node, problems: &mut Problems<'_>) -> bool {
        let own = node.text("metric_name_validation_scheme").map(str::to_owned);
        let legacy = own.as_deref().map_or(self.global.legacy_names, |scheme| scheme == "legacy");
        let inherited = if own.is_none() { self.global.node.text("metric_name_escaping_scheme") } else { None };
        let escaping = node.text("metric_name_escaping_scheme").or(inherited);
        let escaping = escaping.unwrap_or(if legacy { "underscores" } else { "allow-utf-8" }).to_owned();
        if legacy && escaping == "allow-utf-8" {
            let suggestion = Some("metric_name_escaping_scheme: underscores".to_owned());
            let message = "utf8 metric names requested but validation scheme is not set to UTF8";
            problems.error_with(node.key_span("metric_name_escaping_scheme"), message, suggestion);
        }
        node.set("metric_name_validation_scheme", Node::plain(if legacy { "legacy" } else { "utf8" }, Span::default()));
        node.set("metric_name_escaping_scheme", Node::plain(escaping, Span::default()));
        legacy
    }
}

fn scheme(node: &Node, problems: &mut Problems<'_>) -> String {
    let scheme = node.text("scheme").unwrap_or("http");
    if !matches!(scheme, "http" | "https") {
        let at = node.get("scheme").map_or(node.span, |value| value.span);
        problems.error(at, format!("unsupported scheme {}: http or https", quote(scheme)));
    }
    scheme.to_owned()
}

fn params(node: &Node) -> Vec<(String, Vec<String>)> {
    let Some(map) = node.get("params") else { return Vec::new() };
    let texts = |list: &Node| list.items().iter().filter_map(Node::as_text).map(str::to_owned).collect();
    map.entries().iter().map(|entry| (entry.key.clone(), texts(&entry.value))).collect()
}

fn fallback(node: &Node, job_name: &str, problems: &mut Problems<'_>) -> Option<ScrapeProtocol> {
    let name = node.text("fallback_scrape_protocol")?;
    match protocol(name) {
        Ok(protocol) => Some(protocol),
        Err((message, help)) => {
            let at = node.get("fallback_scrape_protocol").map_or(node.span, |value| value.span);
            let place = format!("invalid fallback_scrape_protocol for scrape config with job name {}", quote(job_name));
            problems.error_with(at, format!("{place}: {message}"), help);
            None
        }
    }
}

fn limits(node: &Node) -> ScrapeLimits {
    let count = |key: &str| node.unsigned(key).unwrap_or(0);
    ScrapeLimits {
        body_size_bytes: node.get("body_size_limit").and_then(Node::as_text).and_then(|text| scalar::bytes(text).ok()).unwrap_or(0),
        samples: count("sample_limit"),
        targets: count("target_limit"),
        labels: count("label_limit"),
        label_name_bytes: count("label_name_length_limit"),
        label_value_bytes: count("label_value_length_limit"),
        keep_dropped_targets: count("keep_dropped_targets"),
    }
}
