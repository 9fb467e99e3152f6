//! From a discovered address to a target: default labels, relabeling, URL, interval and timeout. Pure.

use std::sync::Arc;

use xxhash_rust::xxh64::xxh64;

use crate::model::number::quote;
use crate::model::{DurationMs, Labels, LabelsBuilder};
use crate::relabel::{self, Outcome};
use crate::storage::{GroupKey, GroupSource};

use super::options::JobOptions;

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const METRICS_PATH: &str = "__metrics_path__";
const PARAM: &str = "__param_";
const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";
const META: &str = "__meta_";
const RESERVED: &str = "__";
const JOB: &str = "job";
const INSTANCE: &str = "instance";

/// A target ready to be scraped.
#[derive(Debug)]
pub(super) struct Setup {
    pub job: Arc<JobOptions>,
    /// Before relabeling.
    pub discovered: Labels,
    /// After relabeling, without `__…`.
    pub labels: Labels,
    pub url: String,
    pub interval: DurationMs,
    pub timeout: DurationMs,
    /// Equal for equal job, labels and URL.
    pub key: GroupKey,
}

impl Setup {
    /// Spreads targets over the interval and the ingest threads; the same after a restart.
    pub(super) fn seed(&self) -> u64 {
        xxh64(format!("{}{}", self.key.labels, self.key.name).as_bytes(), 0)
    }
}

/// What becomes of one discovered address.
#[derive(Debug)]
pub(super) enum Prepared {
    Target(Box<Setup>),
    /// Relabeling took it out.
    Dropped(Labels),
}

/// Before relabeling: the target's labels, and the job's settings where the target does not state its own.
fn discovered(job: &JobOptions, address: &str, group: &Labels) -> LabelsBuilder {
    let mut labels = group.to_builder();
    labels.set(ADDRESS, address);
    let mut set_missing = |name: &str, value: &str| {
        if labels.get(name).is_none() {
            labels.set(name, value);
        }
    };
    set_missing(JOB, &job.job_name);
    set_missing(INTERVAL, &job.scrape_interval.to_string());
    set_missing(TIMEOUT, &job.scrape_timeout.to_string());
    set_missing(METRICS_PATH, &job.metrics_path);
    set_missing(SCHEME, &job.scheme);
    for (name, values) in &job.params {
        if let Some(first) = values.first() {
            set_missing(&format!("{PARAM}{name}"), first);
        }
    }
    labels
}

/// The errors are Prometheus's sentences.
pub(super) fn prepare(job: &Arc<JobOptions>, address: &str, group: &Labels) -> Result<Prepared, String> {
    let labels = discovered(job, address, group);
    let before = labels.build();
    let mut labels = match relabel::apply(&job.relabel, labels) {
        Outcome::Kept(labels) => labels,
        Outcome::Dropped(_) => return Ok(Prepared::Dropped(before)),
    };
    let text = |labels: &LabelsBuilder, name: &str| labels.get(name).unwrap_or("").to_owned();
    let address = text(&labels, ADDRESS);
    if address.is_empty() {
        return Err("no address".to_owned());
    }
    if address.contains('/') {
        return Err(format!("{} is not a valid hostname", quote(&address)));
    }
    let (interval, timeout) = (text(&labels, INTERVAL), text(&labels, TIMEOUT));
    let interval_length = length(&interval, "interval")?;
    let timeout_length = length(&timeout, "timeout")?;
    if timeout_length > interval_length {
        return Err(format!("scrape timeout cannot be greater than scrape interval ({} > {})", quote(&timeout), quote(&interval)));
    }
    labels.retain(|name, _| !name.starts_with(META));
    if labels.get(INSTANCE).is_none() {
        labels.set(INSTANCE, &address);
    }
    let url = url(job, &labels, &address);
    labels.retain(|name, _| !name.starts_with(RESERVED));
    let labels = labels.build();
    let key = GroupKey { source: GroupSource::Scrape, name: format!("{};{url}", job.job_name), labels: labels.clone() };
    let setup = Setup { job: job.clone(), discovered: before, labels, url, interval: interval_length, timeout: timeout_length, key };
    Ok(Prepared::Target(Box::new(setup)))
}

fn length(text: &str, what: &str) -> Result<DurationMs, String> {
    let length = DurationMs::parse(text).map_err(|error| format!("error parsing scrape {what}: {error}"))?;
    if length.0 == 0 { Err(format!("scrape {what} cannot be 0")) } else { Ok(length) }
}

/// `scheme://address/path?params`, parameters sorted by name as Go encodes them.
fn url(job: &JobOptions, labels: &LabelsBuilder, address: &str) -> String {
    let mut params = job.params.clone();
    for (name, value) in labels.iter() {
        let Some(param) = name.strip_prefix(PARAM) else { continue };
        match params.iter_mut().find(|(known, _)| known == param) {
            Some((_, values)) if !values.is_empty() => values[0] = value.to_owned(),
            Some((_, values)) => values.push(value.to_owned()),
            None => params.push((param.to_owned(), vec![value.to_owned()])),
        }
    }
    params.sort_by(|a, b| a.0.cmp(&b.0));
    let pairs =
        params.iter().flat_map(|(name, values)| values.iter().map(move |value| format!("{}={}", escape(name, true), escape(value, true))));
    let query = pairs.collect::<Vec<_>>().join("&");
    let scheme = labels.get(SCHEME).unwrap_or("http");
    let path = escape(labels.get(METRICS_PATH).unwrap_or(""), false);
    let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{address}{slash}{path}{mark}{query}")
}

/// Percent-encodes: a query component (blank becomes `+`), or a path (slashes and what RFC 3986 allows there stay).
fn escape(text: &str, query: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) => out.push(b as char),
            b' ' if query => out.push('+'),
            b if !query && b"/$&+,:;=@!'()*".contains(&b) => out.push(b as char),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}
