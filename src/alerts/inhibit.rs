//! Inhibition: an alert that fires may hold back others.

use super::fingerprint::Fingerprint;
use super::options::InhibitRule;
use super::routing::all_match;
use crate::model::Labels;

/// The rules with the alerts that fire at one moment and match some rule's source side.
pub struct Inhibition<'a> {
    rules: &'a [InhibitRule],
    /// Per rule: its sources, and whether each also matches the target side.
    sources: Vec<Vec<(Fingerprint, &'a Labels, bool)>>,
}

impl<'a> Inhibition<'a> {
    /// `firing` in order of fingerprint, so that the same source is named each time.
    pub fn new(rules: &'a [InhibitRule], firing: impl Iterator<Item = (Fingerprint, &'a Labels)> + Clone) -> Self {
        let sources = rules.iter().map(|rule| {
            let matching = firing.clone().filter(|(_, labels)| all_match(&rule.source_matchers, labels));
            matching.map(|(number, labels)| (number, labels, all_match(&rule.target_matchers, labels))).collect()
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
            let equal = |source: &Labels| rule.equal.iter().all(|name| source.get(name).unwrap_or("") == labels.get(name).unwrap_or(""));
            let holding =
                sources.iter().find(|(number, source, is_target)| *number != fingerprint && !(both_sides && *is_target) && equal(source));
            holding.map(|(number, ..)| *number)
        })
    }
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
