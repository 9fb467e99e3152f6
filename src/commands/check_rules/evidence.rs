//! What a running server says of the metrics that rules read: names, types, labels, scrape intervals.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value as Json;

use crate::client::Outbound;
use crate::commands::check_target::innermost;
use crate::commands::http_flags::HttpFlags;
use crate::lint::{Known, KnownMetric};
use crate::model::{DurationMs, Labels};
use crate::yaml::{self, Problems, Source};

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Metrics that are asked about, and series of each.
const METRICS_MAX: usize = 500;
const SELECTORS_MAX: usize = 1_000;
const SERIES_MAX: usize = 2_000;
/// Older series count as gone.
const WINDOW: DurationMs = DurationMs(300_000);

struct Api {
    client: Outbound,
    runtime: tokio::runtime::Runtime,
    base: String,
}

/// Asks a server for all of it; the error is a sentence.
pub fn collect(url: &str, http: &HttpFlags, metrics: &[String], selectors: &BTreeSet<String>) -> Result<Known, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let api = Api { client: http.client(TIMEOUT)?, runtime, base: url.trim_end_matches('/').to_owned() };
    let names = texts(&api.data("label/__name__/values", &[])?);
    let kinds = api.data("metadata", &[])?;
    let intervals = intervals(&api.data("targets", &[("state", "active")])?);
    let flags = api.data("status/flags", &[])?;
    let retention = flags["storage.tsdb.retention.time"].as_str().and_then(|text| DurationMs::parse(text).ok()).filter(|time| time.0 > 0);
    let mut known = Known { names, retention, external_labels: external_labels(&api.data("status/config", &[])?), ..Known::default() };
    for selector in selectors.iter().take(SELECTORS_MAX) {
        known.counts.insert(selector.clone(), api.count(selector)?);
    }
    for name in metrics.iter().take(METRICS_MAX) {
        if known.metrics.contains_key(name) {
            continue;
        }
        let series = api.series(name)?;
        let interval = series.iter().filter_map(|labels| intervals.get(labels.get("job")?).copied()).max();
        let metric = KnownMetric::of_series(kind(name, &kinds), interval, &series);
        let all = kinds[name.as_str()].as_array().into_iter().flatten().filter_map(|entry| entry["type"].as_str());
        known
            .metrics
            .insert(name.clone(), KnownMetric { kinds: all.map(str::to_owned).collect(), is_sample: series.len() >= SERIES_MAX, ..metric });
    }
    Ok(known)
}

impl Api {
    fn data(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Json, String> {
        let url = format!("{}/api/v1/{path}", self.base);
        let silent = |why: String| format!("{url} does not answer: {why}");
        let ask = async {
            let request = self.client.request(Method::GET, &url).await.map_err(|error| silent(error.to_string()))?;
            let answer = async { request.query(parameters).send().await?.error_for_status()?.bytes().await };
            answer.await.map_err(|error| silent(innermost(&error)))
        };
        let body = self.runtime.block_on(ask)?;
        let answer: Json = serde_json::from_slice(&body).map_err(|error| format!("{url} is not Prometheus's API: {error}"))?;
        Ok(answer["data"].clone())
    }

    /// How many series a selector chooses now.
    fn count(&self, selector: &str) -> Result<u64, String> {
        let answer = self.data("query", &[("query", &format!("count({selector})"))])?;
        let value = answer["result"][0]["value"][1].as_str().and_then(|text| text.parse::<f64>().ok());
        Ok(value.map_or(0, |count| count as u64))
    }

    /// The label sets of a metric's series now.
    fn series(&self, name: &str) -> Result<Vec<Labels>, String> {
        let matcher = format!("last_over_time({{__name__={}}}[{WINDOW}])", crate::model::number::quote(name));
        let answer = self.data("query", &[("query", &matcher), ("limit", &SERIES_MAX.to_string())])?;
        let result = answer["result"].as_array().map(Vec::as_slice).unwrap_or_default();
        let labels = |sample: &Json| {
            let pairs = sample["metric"].as_object().into_iter().flatten();
            Labels::from_pairs(pairs.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))))
        };
        Ok(result.iter().map(labels).collect())
    }
}

/// Of the `global` section; none where the server does not show its configuration.
fn external_labels(config: &Json) -> Option<Vec<String>> {
    let source = Source::new("prometheus.yml", config["yaml"].as_str()?);
    let root = yaml::parse(&source, &mut Problems::new(&source))?;
    let names = root.get("global").map(|global| global.pairs("external_labels")).unwrap_or_default();
    Some(names.into_iter().map(|(name, _)| name).collect())
}

fn texts(data: &Json) -> Vec<String> {
    data.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
}

/// The longest interval of each job.
fn intervals(targets: &Json) -> BTreeMap<String, DurationMs> {
    let mut found: BTreeMap<String, DurationMs> = BTreeMap::new();
    for target in targets["activeTargets"].as_array().into_iter().flatten() {
        let job = target["labels"]["job"].as_str();
        let interval = target["scrapeInterval"].as_str().and_then(|text| DurationMs::parse(text).ok());
        if let (Some(job), Some(interval)) = (job, interval) {
            let longest = found.entry(job.to_owned()).or_default();
            *longest = interval.max(*longest);
        }
    }
    found
}

/// The type of a metric or of its family; the parts of histograms and summaries are counters.
fn kind(name: &str, metadata: &Json) -> Option<String> {
    if let Some(kind) = type_of(metadata, name) {
        return Some(kind.to_owned());
    }
    let part = ["_bucket", "_count", "_sum", "_total"].iter().find_map(|end| type_of(metadata, name.strip_suffix(end)?));
    part.filter(|kind| matches!(*kind, "histogram" | "summary" | "counter")).map(|_| "counter".to_owned())
}

fn type_of<'j>(metadata: &'j Json, family: &str) -> Option<&'j str> {
    metadata[family][0]["type"].as_str()
}
