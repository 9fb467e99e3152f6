//! What is wrong with rules that load: conditions that can never hold, or always do, texts that cannot be filled, figures that mislead.
//!
//! Each lint is a file with one function over one rule; [`LINTS`] lists them. What a running server knows of the metrics makes them see
//! more ([`Known`]), and nothing is guessed where it is not known.

mod absent_at_once;
mod always_true;
mod between_scrapes;
mod beyond_retention;
mod cost;
mod count_as_time;
mod counter_level;
mod division_by_zero;
mod duplicates;
mod endless_label;
mod external_label;
mod first_event;
mod hold_beyond_window;
mod impossible;
mod known;
mod labels;
mod looks_ahead;
mod missing_label;
mod missing_side;
mod missing_text_label;
mod never_matches;
mod old_value;
mod order;
mod pattern;
mod quantile;
mod rare_rate;
mod rate_of_gauge;
mod shape;
mod sparse_group;
mod static_text;
mod subject;
mod top_changes;
mod two_levels;
mod two_types;
mod unit;
mod unit_mismatch;
mod unknown_series;
mod value_as_label;
mod window;

pub use duplicates::{DUPLICATE_RULES, duplicates};
pub use known::{Known, KnownMetric};
pub use shape::{Threshold, decisive};
pub use subject::{Parsed, Subject};

use std::collections::BTreeSet;

use crate::promql::{self, Features};
use crate::rules::options::GroupOptions;

/// One thing that is wrong with one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub lint: &'static str,
    /// Places of the group and of the rule in it, from 0.
    pub group: usize,
    pub rule: usize,
    /// What is wrong, and what comes of it.
    pub message: String,
    /// What to write instead.
    pub way_out: String,
}

/// What is wrong, and what to write instead.
pub type Said = (String, String);

pub struct Lint {
    pub name: &'static str,
    find: fn(&Subject<'_>, &Known) -> Vec<Said>,
}

const fn lint(name: &'static str, find: fn(&Subject<'_>, &Known) -> Vec<Said>) -> Lint {
    Lint { name, find }
}

/// All lints, by name.
pub const LINTS: [Lint; 33] = [
    lint("absent-at-once", absent_at_once::find),
    lint("always-true", always_true::find),
    lint("between-scrapes", between_scrapes::find),
    lint("beyond-retention", beyond_retention::find),
    lint("cost", cost::find),
    lint("count-as-time", count_as_time::find),
    lint("counter-level", counter_level::find),
    lint("division-by-zero", division_by_zero::find),
    lint("endless-label", endless_label::find),
    lint("external-label", external_label::find),
    lint("first-event", first_event::find),
    lint("hold-beyond-window", hold_beyond_window::find),
    lint("impossible", impossible::find),
    lint("looks-ahead", looks_ahead::find),
    lint("missing-label", missing_label::find),
    lint("missing-side", missing_side::find),
    lint("missing-text-label", missing_text_label::find),
    lint("never-matches", never_matches::find),
    lint("old-value", old_value::find),
    lint("order", order::find),
    lint("pattern", pattern::find),
    lint("quantile", quantile::find),
    lint("rare-rate", rare_rate::find),
    lint("rate-of-gauge", rate_of_gauge::find),
    lint("sparse-group", sparse_group::find),
    lint("static-text", static_text::find),
    lint("top-changes", top_changes::find),
    lint("two-levels", two_levels::find),
    lint("two-types", two_types::find),
    lint("unit-mismatch", unit_mismatch::find),
    lint("unknown-series", unknown_series::find),
    lint("value-as-label", value_as_label::find),
    lint("window", window::find),
];

/// Every finding, in the order of the rules. Expressions that do not parse are left out: they are errors, not lint.
pub fn check(groups: &[GroupOptions], features: Features, known: &Known) -> Vec<Finding> {
    let mut found = Vec::new();
    for (group, options) in groups.iter().enumerate() {
        let parsed = Parsed::all(options, |text| promql::parse(text, features).ok());
        for (rule, _) in options.rules.iter().enumerate() {
            let Some(subject) = Subject::new(options, &parsed, rule) else { continue };
            for lint in &LINTS {
                let said = (lint.find)(&subject, known).into_iter();
                found.extend(said.map(|(message, way_out)| Finding { lint: lint.name, group, rule, message, way_out }));
            }
        }
    }
    found
}

/// The selectors of the rules' expressions, each once, as PromQL without windows and offsets.
pub fn selectors(groups: &[GroupOptions], features: Features) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for group in groups {
        for parsed in Parsed::all(group, |text| promql::parse(text, features).ok()).into_iter().flatten() {
            found.extend(shape::selectors(&parsed.expr).into_iter().map(known::text));
        }
    }
    found
}

/// The metrics that the rules' expressions name.
pub fn metrics(groups: &[GroupOptions], features: Features) -> Vec<String> {
    let mut names = Vec::new();
    for group in groups {
        for parsed in Parsed::all(group, |text| promql::parse(text, features).ok()).into_iter().flatten() {
            names.extend(shape::selectors(&parsed.expr).iter().filter_map(|selector| selector.metric_name()).map(str::to_owned));
        }
    }
    names.sort();
    names.dedup();
    names
}
