//! promtool's own lint: rules of one name and labels in one file.

use std::collections::HashMap;

use super::Finding;
use crate::model::Labels;
use crate::rules::options::{GroupOptions, RuleOptions};

/// As promtool calls it.
pub const DUPLICATE_RULES: &str = "duplicate-rules";

/// Every rule that an earlier one of the file already is, by name and labels.
pub fn duplicates(groups: &[GroupOptions]) -> Vec<Finding> {
    let mut seen: HashMap<(String, Labels), String> = HashMap::new();
    let mut found = Vec::new();
    for (group, options) in groups.iter().enumerate() {
        for (rule, written) in options.rules.iter().enumerate() {
            let (name, labels) = match written {
                RuleOptions::Recording { record, labels, .. } => (record, labels),
                RuleOptions::Alerting { alert, labels, .. } => (alert, labels),
            };
            let Some(first) = seen.get(&(name.clone(), labels.clone())) else {
                seen.insert((name.clone(), labels.clone()), options.name.clone());
                continue;
            };
            let message = format!(
                "group {first} has a rule of this name and these labels already: might cause inconsistency while recording expressions"
            );
            let way_out = "give one of them another name or another label".to_owned();
            found.push(Finding { lint: DUPLICATE_RULES, group, rule, message, way_out });
        }
    }
    found
}
