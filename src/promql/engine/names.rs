//! Names and values that are near to those of a selector that finds nothing, and mistakes that matchers often have.

use super::explain::Explainer;
use super::explain::Row;
use super::reason::{listed, metric_names};
use crate::model::number::quote;
use crate::model::suggest::nearest;
use crate::model::{METRIC_NAME, MatchOp, Matcher, TimeRange};
use crate::promql::ast::{Expr, ExprKind, Selector};
use crate::promql::error::QueryError;
use crate::promql::eval::steps::Steps;
use crate::promql::explain::Reason;
use crate::promql::limits::EXPLAINED_VALUES_MAX;
use crate::promql::print;
use crate::storage::Snapshot;

/// Most names that are called near.
const NEAR_MAX: usize = 3;

/// The nearest ones in spelling, then those that hold the name or have most of its words.
fn near(name: &str, mut names: Vec<String>) -> Vec<String> {
    let mut near: Vec<String> = Vec::new();
    while near.len() < NEAR_MAX {
        let Some(found) = nearest(name, names.iter().map(String::as_str)).map(str::to_owned) else { break };
        names.retain(|known| *known != found);
        near.push(found);
    }
    if near.is_empty() && !name.is_empty() {
        near.extend(names.iter().filter(|known| known.contains(name)).take(EXPLAINED_VALUES_MAX).cloned());
    }
    if near.is_empty() {
        // What only begins like that, misspelt.
        let length = name.chars().count();
        let begins = |known: &&String| nearest(name, [known.chars().take(length).collect::<String>().as_str()]).is_some();
        near.extend(names.iter().filter(begins).take(EXPLAINED_VALUES_MAX).cloned());
    }
    if near.is_empty() {
        let words: Vec<&str> = name.split(['_', ':']).filter(|word| !word.is_empty()).collect();
        let shared = |known: &String| known.split(['_', ':']).filter(|word| words.contains(word)).count();
        let mut alike: Vec<(usize, String)> = names.into_iter().map(|known| (shared(&known), known)).collect();
        // More than half of the words, and more than one.
        alike.retain(|(shared, _)| *shared > 1 && 2 * shared > words.len());
        alike.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.len().cmp(&b.1.len())).then_with(|| a.1.cmp(&b.1)));
        near.extend(alike.into_iter().take(NEAR_MAX).map(|(_, known)| known));
    }
    near
}

pub(super) fn no_such_metric(snapshot: &dyn Snapshot, name: &str) -> Result<String, QueryError> {
    let names = snapshot.label_values(METRIC_NAME, &[], TimeRange::ALL)?;
    if names.is_empty() {
        return Ok("nothing is stored yet: no metric at all".to_owned());
    }
    let mut text = format!("there is no metric {}", quote(name));
    if name == "ALERTS" || name == "ALERTS_FOR_STATE" {
        text.push_str(": no alert has been pending or firing");
        return Ok(text);
    }
    let near = near(name, names);
    if !near.is_empty() {
        text.push_str(&format!("; the nearest: {}", listed(&near)));
    }
    Ok(text)
}

/// Names the matcher without which something would be selected, and the values that exist.
pub(super) fn no_such_labels(snapshot: &dyn Snapshot, selector: &Selector) -> Result<(Reason, String), QueryError> {
    let is_name = |matcher: &Matcher| matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal;
    let (names, others): (Vec<Matcher>, Vec<Matcher>) = selector.matchers.iter().cloned().partition(is_name);
    let selects = |matchers: &[Matcher]| Ok::<bool, QueryError>(!snapshot.label_names(matchers, TimeRange::ALL)?.is_empty());
    // What selects nothing by itself is wrong whatever the others are.
    let mut wrong = Vec::new();
    for matcher in &others {
        let with_name: Vec<Matcher> = names.iter().chain([matcher]).cloned().collect();
        if !selects(&with_name)? {
            if matcher.name == METRIC_NAME && names.is_empty() {
                return Ok((Reason::NoSuchMetric, no_such_names(snapshot, matcher)?));
            }
            wrong.push(format!("no series has {}: {}", shown(matcher), values_of(snapshot, matcher, &names)?));
        }
    }
    if !wrong.is_empty() {
        return Ok((Reason::NoSuchLabels, wrong.join("; ")));
    }
    for (at, matcher) in others.iter().enumerate() {
        let mut rest = names.clone();
        rest.extend(others.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, matcher)| matcher.clone()));
        if selects(&rest)? {
            let text = format!("no series with the other labels has {}: {}", shown(matcher), values_of(snapshot, matcher, &rest)?);
            return Ok((Reason::NoSuchLabels, text));
        }
    }
    Ok((Reason::NoSuchLabels, "each of these matchers selects series, but no series satisfies all of them".to_owned()))
}

/// A pattern that no metric's name matches.
fn no_such_names(snapshot: &dyn Snapshot, matcher: &Matcher) -> Result<String, QueryError> {
    let names = snapshot.label_values(METRIC_NAME, &[], TimeRange::ALL)?;
    let mut text = format!("no metric's name satisfies {}", shown(matcher));
    if names.is_empty() {
        return Ok("nothing is stored yet: no metric at all".to_owned());
    }
    let near = if matcher.op == MatchOp::Regex { near(&plain(&matcher.value), names) } else { Vec::new() };
    if !near.is_empty() {
        text.push_str(&format!("; the nearest: {}", listed(&near)));
    }
    Ok(text)
}

fn shown(matcher: &Matcher) -> String {
    format!("{}{}{}", matcher.name, matcher.op.as_str(), quote(&matcher.value))
}

/// What is literal at the edges of a pattern.
fn plain(pattern: &str) -> String {
    pattern.trim_matches(['.', '*', '+', '^', '$', '(', ')', '?']).to_owned()
}

/// `: it is "a", "b" (nearest: "a")` of what somebody may have meant.
pub(super) fn nearest_or_listed(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!(" (nearest: {})", quote(near)),
        None if known.is_empty() => ": they have no labels".to_owned(),
        None => format!(": there are {}", listed(known)),
    }
}

/// The values that a matcher's label has among what other matchers select, and what may have been meant.
fn values_of(snapshot: &dyn Snapshot, matcher: &Matcher, others: &[Matcher]) -> Result<String, QueryError> {
    let values = snapshot.label_values(&matcher.name, others, TimeRange::ALL)?;
    if values.is_empty() {
        let names = snapshot.label_names(others, TimeRange::ALL)?;
        let known: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != METRIC_NAME).collect();
        return Ok(format!("there is no label {}{}", quote(&matcher.name), nearest_or_listed(&matcher.name, &known)));
    }
    Ok(format!("{} is {}{}", matcher.name, listed(&values), meant(matcher, &values)))
}

/// What may have been meant by a matcher that none of these values satisfies.
fn meant(matcher: &Matcher, values: &[String]) -> String {
    let Matcher { name, value, .. } = matcher;
    match matcher.op {
        MatchOp::Equal => {
            let as_pattern = Matcher::new(name, MatchOp::Regex, value).ok();
            if let Some(pattern) = as_pattern.filter(|pattern| values.iter().any(|value| pattern.matches(value))) {
                return format!("; = takes the text as it is, a pattern is written {}", shown(&pattern));
            }
        }
        MatchOp::Regex => {
            let around = [format!("{value}.*"), format!(".*{value}"), format!(".*{value}.*")];
            let wider = around.into_iter().filter_map(|wider| Matcher::new(name, MatchOp::Regex, wider).ok());
            let mut wider = wider.filter(|wider| values.iter().any(|value| wider.matches(value)));
            if let Some(wider) = wider.next() {
                return format!("; a pattern must match the whole value: {}", shown(&wider));
            }
        }
        MatchOp::NotEqual | MatchOp::NotRegex => return String::new(),
    }
    let searched = if matcher.op == MatchOp::Regex { plain(value) } else { value.clone() };
    let found = nearest(&searched, values.iter().map(String::as_str))
        .or_else(|| values.iter().find(|known| !searched.is_empty() && known.contains(&searched)).map(String::as_str));
    found.map(|near| format!(" (nearest: {})", quote(near))).unwrap_or_default()
}

impl Explainer<'_> {
    /// Buckets that are none.
    pub(super) fn of_buckets(&self, function: &str, input: &Expr, rows: &[Row], steps: &Steps) -> Result<(Reason, String), QueryError> {
        if rows.iter().any(|row| !row.histograms.is_empty()) {
            let text = format!("{function}: classic buckets and native histograms have the same labels; ask for one of them");
            return Ok((Reason::WrongType, text));
        }
        let mut bounds: Vec<&str> = rows.iter().filter_map(|row| row.labels.get("le")).collect();
        bounds.sort_unstable();
        bounds.dedup();
        if !bounds.is_empty() {
            let text = format!("\"le\" is a number in no series that goes in: it is {}", listed(&bounds));
            return Ok((Reason::NoBuckets, text));
        }
        let mut text = "no series that goes in has a label \"le\"".to_owned();
        let snapshot = self.select.open(TimeRange::ALL)?;
        if let ExprKind::Aggregate(aggregate) = &input.unwrapped().kind
            && self.series(&aggregate.expr, steps)?.iter().any(|row| row.labels.get("le").is_some())
        {
            let kept = if aggregate.without {
                let left: Vec<&str> = aggregate.grouping.iter().map(String::as_str).filter(|label| *label != "le").collect();
                format!("without ({})", left.join(", "))
            } else {
                let labels: Vec<&str> = aggregate.grouping.iter().map(String::as_str).chain(["le"]).collect();
                format!("by ({})", labels.join(", "))
            };
            let op = aggregate.op.as_str();
            text.push_str(&format!(": {op} takes it away, so keep it: {op} {kept} ({})", print(&aggregate.expr)));
            return Ok((Reason::NoBuckets, text));
        }
        for name in metric_names(input) {
            let base = ["_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            let bucket = format!("{base}_bucket");
            if !snapshot.label_names(&[Matcher::equal(METRIC_NAME, &bucket)], TimeRange::ALL)?.is_empty() {
                text.push_str(&format!(": the buckets are {bucket}"));
                return Ok((Reason::NoBuckets, text));
            }
        }
        text.push_str(": pass the _bucket series of a histogram, and keep le when summing: sum by (le) (...)");
        Ok((Reason::NoBuckets, text))
    }
}
