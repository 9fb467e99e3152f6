//! The full label set of a line that is new: target labels, `honor_labels`, metric relabeling, limits. Pure.

use std::borrow::Cow;

use crate::exposition::SeriesLine;
use crate::model::number::quote;
use crate::model::{Labels, LabelsBuilder, METRIC_NAME};
use crate::relabel::{self, Outcome};

use super::limits::SHOWN_CHARS;
use super::options::JobOptions;

const EXPORTED: &str = "exported_";

/// Why a line fails its whole scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// `label_limit` and its kin; Prometheus's text.
    LabelLimit(String),
    /// Labels that cannot be.
    Invalid(String),
}

/// The series that a line stands for; none when metric relabeling takes it out.
pub(super) fn series(line: &SeriesLine<'_>, target: &Labels, job: &JobOptions) -> Result<Option<Labels>, Refused> {
    let pairs = line.pairs().map_err(Refused::Invalid)?;
    let labels = with_target(&pairs, target, job.honor_labels);
    let labels = if job.metric_relabel.is_empty() {
        labels
    } else {
        match relabel::apply(&job.metric_relabel, labels) {
            Outcome::Kept(labels) => labels,
            Outcome::Dropped(_) => return Ok(None),
        }
    };
    let labels = labels.build();
    if labels.is_empty() {
        return Ok(None);
    }
    check(&labels, job)?;
    Ok(Some(labels))
}

/// Lays the target's labels over a line's own, or under them where `honor` says so.
fn with_target(pairs: &[(Cow<'_, str>, Cow<'_, str>)], target: &Labels, honor: bool) -> LabelsBuilder {
    let mut labels = LabelsBuilder::default();
    for (name, value) in pairs {
        labels.set(name, value);
    }
    let mut clashing: Vec<(&str, String)> = Vec::new();
    for (name, value) in target {
        if honor {
            // An empty value on the page counts: it keeps the target's label off.
            if !pairs.iter().any(|(own, _)| own == name) {
                labels.set(name, value);
            }
            continue;
        }
        if let Some(own) = labels.get(name) {
            clashing.push((name, own.to_owned()));
        }
        labels.set(name, value);
    }
    clashing.sort_by_key(|(name, _)| name.len());
    for (name, value) in clashing {
        let mut free = format!("{EXPORTED}{name}");
        while labels.get(&free).is_some() {
            free.insert_str(0, EXPORTED);
        }
        labels.set(&free, &value);
    }
    labels
}

fn check(labels: &Labels, job: &JobOptions) -> Result<(), Refused> {
    let metric = labels.metric_name();
    if metric.is_empty() {
        return Err(Refused::Invalid("missing metric name (__name__ label)".to_owned()));
    }
    if job.legacy_names && !has_legacy_names(labels) {
        return Err(Refused::Invalid(format!("invalid metric name or label names: {labels}")));
    }
    let limits = &job.limits;
    if limits.labels == 0 && limits.label_name_bytes == 0 && limits.label_value_bytes == 0 {
        return Ok(());
    }
    let over = |length: usize, limit: u64| limit > 0 && length as u64 > limit;
    let metric = shown(metric);
    if over(labels.len(), limits.labels) {
        let text = format!("label_limit exceeded (metric: {metric}, number of labels: {}, limit: {})", labels.len(), limits.labels);
        return Err(Refused::LabelLimit(text));
    }
    for (name, value) in labels {
        let label = shown(name);
        if over(name.len(), limits.label_name_bytes) {
            return Err(Refused::LabelLimit(format!(
                "label_name_length_limit exceeded (metric: {metric}, label name: {label}, length: {}, limit: {})",
                name.len(),
                limits.label_name_bytes
            )));
        }
        if over(value.len(), limits.label_value_bytes) {
            return Err(Refused::LabelLimit(format!(
                "label_value_length_limit exceeded (metric: {metric}, label name: {label}, value: {}, length: {}, limit: {})",
                quote(&shown(value)),
                value.len(),
                limits.label_value_bytes
            )));
        }
    }
    Ok(())
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

fn has_legacy_names(labels: &Labels) -> bool {
    let fits = |text: &str, colons: bool| {
        let starts = |b: u8| b.is_ascii_alphabetic() || b == b'_' || (colons && b == b':');
        !text.is_empty() && text.bytes().enumerate().all(|(at, b)| starts(b) || (at > 0 && b.is_ascii_digit()))
    };
    labels.iter().all(|(name, value)| if name == METRIC_NAME { fits(value, true) } else { fits(name, false) })
}
