//! promtool's own lint: rules of one name and labels in one file.

use std::collections::HashMap;

use super::labels::{self, LabelSet};
use super::shape::selectors;
use super::{Finding, Known};
use crate::model::{Labels, MatchOp, Matcher};
use crate::promql::{self, Features};
use crate::rules::options::{GroupOptions, RuleOptions};

/// As promtool calls it.
pub const DUPLICATE_RULES: &str = "duplicate-rules";

/// Every rule that an earlier one of the file already is, by name and labels; recording rules whose series surely differ are not.
pub fn duplicates(groups: &[GroupOptions], features: Features) -> Vec<Finding> {
    let mut seen: HashMap<(String, Labels), Vec<(usize, Made)>> = HashMap::new();
    let mut found = Vec::new();
    for (group, options) in groups.iter().enumerate() {
        for (rule, written) in options.rules.iter().enumerate() {
            let (name, labels, expr) = match written {
                RuleOptions::Recording { record, labels, expr } => (record, labels, expr),
                RuleOptions::Alerting { alert, labels, expr, .. } => (alert, labels, expr),
            };
            let made = Made::by(expr, features);
            let earlier = seen.entry((name.clone(), labels.clone())).or_default();
            let first = earlier.iter().find(|(_, other)| !other.differs(&made)).map(|(group, _)| *group);
            earlier.push((group, made));
            let Some(first) = first else { continue };
            let first = &groups[first].name;
            let comes = match written {
                RuleOptions::Recording { .. } => "might cause inconsistency while recording expressions",
                RuleOptions::Alerting { .. } => "receivers cannot tell which of them fires, and one may resolve what the other holds",
            };
            let message = format!("group {first} has a rule of this name and these labels already: {comes}");
            let way_out = "give one of them another name or another label".to_owned();
            found.push(Finding { lint: DUPLICATE_RULES, group, rule, message, way_out });
        }
    }
    found
}

/// What a rule's series are made of.
struct Made {
    labels: LabelSet,
    /// By which the series were chosen, where the expression has one selector.
    matchers: Vec<Matcher>,
}

impl Made {
    fn by(expr: &str, features: Features) -> Self {
        let Ok(expr) = promql::parse(expr, features) else { return Self { labels: LabelSet::default(), matchers: Vec::new() } };
        let matchers = match selectors(&expr)[..] {
            [selector] => selector.matchers.clone(),
            _ => Vec::new(),
        };
        Self { labels: labels::of(&expr, &Known::default()), matchers }
    }

    /// Whether all series of both have a label, whose values are never the same.
    fn differs(&self, other: &Self) -> bool {
        let value_differs = self.labels.must.iter().any(|(label, value)| {
            let theirs = other.labels.must.get(label).and_then(Option::as_ref);
            value.as_ref().zip(theirs).is_some_and(|(value, theirs)| value != theirs)
        });
        value_differs
            || self
                .matchers
                .iter()
                .any(|matcher| self.keeps(matcher) && other.matchers.iter().any(|theirs| other.keeps(theirs) && apart(matcher, theirs)))
    }

    fn keeps(&self, matcher: &Matcher) -> bool {
        self.labels.must.contains_key(&matcher.name)
    }
}

/// Whether no value of a label matches both: known of alternatives of letters, digits and single wildcards.
fn apart(a: &Matcher, b: &Matcher) -> bool {
    let (Some(ours), Some(theirs)) = (shapes(a), shapes(b)) else { return false };
    let overlaps =
        |a: &str, b: &str| a.chars().count() == b.chars().count() && a.chars().zip(b.chars()).all(|(a, b)| a == b || a == ANY || b == ANY);
    a.name == b.name && !ours.iter().any(|ours| theirs.iter().any(|theirs| overlaps(ours, theirs)))
}

/// A wildcard of one character.
const ANY: char = '.';

fn shapes(matcher: &Matcher) -> Option<Vec<&str>> {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ANY);
    let shapes: Vec<&str> = matcher.value.split('|').collect();
    (matcher.op == MatchOp::Regex && shapes.iter().all(|shape| shape.chars().all(simple))).then_some(shapes)
}
