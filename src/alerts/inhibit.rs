//! Inhibition: an alert that fires may hold back others.

use std::collections::HashMap;

use super::fingerprint::Fingerprint;
use super::options::InhibitRule;
use super::routing::all_match;
use crate::model::Labels;

/// The rules with the alerts that fire at one moment and match some rule's source side, found by what must be equal.
pub struct Inhibition<'a> {
    rules: &'a [InhibitRule],
    sources: Vec<HashMap<String, Vec<Source>>>,
}

struct Source {
    fingerprint: Fingerprint,
    /// It matches the target side, too.
    is_target: bool,
}

impl<'a> Inhibition<'a> {
    /// `firing` in order of fingerprint, so that the same source is named each time.
    pub fn new<'b>(rules: &'a [InhibitRule], firing: impl Iterator<Item = (Fingerprint, &'b Labels)> + Clone) -> Self {
        let sources = rules.iter().map(|rule| {
            let mut by_equal: HashMap<String, Vec<Source>> = HashMap::new();
            for (fingerprint, labels) in firing.clone().filter(|(_, labels)| all_match(&rule.source_matchers, labels)) {
                let is_target = all_match(&rule.target_matchers, labels);
                by_equal.entry(equal_values(rule, labels)).or_default().push(Source { fingerprint, is_target });
            }
            by_equal
        });
        Self { rules, sources: sources.collect() }
    }

    /// The alert that holds this one back. Alerts that match both sides of a rule do not inhibit each other.
    pub fn of(&self, labels: &Labels, fingerprint: Fingerprint) -> Option<Fingerprint> {
        self.rules.iter().zip(&self.sources).find_map(|(rule, sources)| {
            if sources.is_empty() || !all_match(&rule.target_matchers, labels) {
                return None;
            }
            let both_sides = all_match(&rule.source_matchers, labels);
            let candidates = sources.get(&equal_values(rule, labels))?;
            let holds = |source: &&Source| source.fingerprint != fingerprint && !(both_sides && source.is_target);
            candidates.iter().find(holds).map(|source| source.fingerprint)
        })
    }
}

/// A missing label equals an empty one.
fn equal_values(rule: &InhibitRule, labels: &Labels) -> String {
    rule.equal.iter().map(|name| labels.get(name).unwrap_or("")).collect::<Vec<_>>().join("\u{0}")
}

#[cfg(test)]
mod tests {
    use super::super::fingerprint;
    use super::*;
    use crate::model::Matcher;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::from_pairs(pairs.iter().copied())
    }

    #[test]
    fn a_source_holds_back_targets_with_equal_labels() {
        let rule = InhibitRule {
            name: String::new(),
            source_matchers: vec![Matcher::equal("severity", "critical")],
            target_matchers: vec![Matcher::equal("severity", "warning")],
            equal: vec!["host".to_owned(), "rack".to_owned()],
        };
        let source = labels(&[("severity", "critical"), ("host", "a")]);
        let number = fingerprint::of(&source);
        let rules = [rule];
        let inhibition = Inhibition::new(&rules, std::iter::once((number, &source)));
        let of = |pairs: &[(&str, &str)]| inhibition.of(&labels(pairs), fingerprint::of(&labels(pairs)));
        assert_eq!(of(&[("severity", "warning"), ("host", "a")]), Some(number), "a missing label equals an empty one");
        assert_eq!(of(&[("severity", "warning"), ("host", "b")]), None);
        assert_eq!(of(&[("severity", "critical"), ("host", "a")]), None);
    }

    #[test]
    fn alerts_on_both_sides_do_not_hold_back_each_other() {
        let both = |name: &str| labels(&[("alertname", name), ("x", "1")]);
        let rule = InhibitRule {
            name: String::new(),
            source_matchers: vec![Matcher::equal("x", "1")],
            target_matchers: vec![Matcher::equal("x", "1")],
            equal: Vec::new(),
        };
        let (a, b) = (both("a"), both("b"));
        let firing = [(fingerprint::of(&a), &a), (fingerprint::of(&b), &b)];
        let rules = [rule];
        let inhibition = Inhibition::new(&rules, firing.iter().copied());
        assert_eq!(inhibition.of(&a, fingerprint::of(&a)), None);
        assert_eq!(inhibition.of(&b, fingerprint::of(&b)), None);
    }
}
