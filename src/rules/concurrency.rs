//! Which rules of a group may be evaluated at the same time without anyone seeing a difference, and doing so.
//!
//! A rule waits for every earlier one whose series it may read (it is to see this evaluation's), that may read its own series
//! (that one is to see the last evaluation's), or that writes series of the same name.

use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::group::lock;
use super::options::{GroupOptions, RuleOptions};
use crate::model::{Labels, METRIC_NAME, Matcher};

/// The matchers of each selector of an expression; None where that cannot be told.
pub type Reads = Arc<dyn Fn(&str) -> Option<Vec<Vec<Matcher>>> + Send + Sync>;

/// What is needed to evaluate independent rules at the same time.
#[derive(Clone)]
pub struct Concurrency {
    reads: Reads,
    /// One for each rule that is evaluated beside another, over all groups.
    permits: Arc<Semaphore>,
}

/// For each rule of a group the round in which it is evaluated, from 0.
#[derive(Clone, Default)]
pub struct Rounds {
    of_rule: Vec<usize>,
    permits: Option<Arc<Semaphore>>,
}

impl Concurrency {
    /// At most so many rules beside those that are evaluated anyway.
    pub fn new(reads: Reads, at_once: usize) -> Self {
        Self { reads, permits: Arc::new(Semaphore::new(at_once)) }
    }

    pub fn rounds(&self, group: &GroupOptions) -> Rounds {
        let rules: Vec<Footprint> = group.rules.iter().map(|rule| Footprint::of(rule, &group.labels, &self.reads)).collect();
        let mut of_rule: Vec<usize> = Vec::with_capacity(rules.len());
        for (at, rule) in rules.iter().enumerate() {
            let after = (0..at).filter(|before| rule.must_follow(&rules[*before])).map(|before| of_rule[before] + 1);
            of_rule.push(after.max().unwrap_or(0));
        }
        Rounds { of_rule, permits: Some(self.permits.clone()) }
    }
}

impl Rounds {
    /// One after the other, in the group's order.
    pub fn in_order(rules: usize) -> Self {
        Self { of_rule: (0..rules).collect(), permits: None }
    }

    #[cfg(test)]
    pub fn of_rule(&self) -> &[usize] {
        &self.of_rule
    }

    /// Calls `one` for every rule with its place: round after round, and within a round on as many threads as are free.
    pub fn run<R: Send>(&self, rules: &mut [R], one: impl Fn(usize, &mut R) + Sync) {
        for round in 0..=self.of_rule.iter().copied().max().unwrap_or(0) {
            let mut due: Vec<(usize, &mut R)> =
                rules.iter_mut().enumerate().filter(|(place, _)| self.of_rule.get(*place) == Some(&round)).collect();
            let permits: Vec<_> = match &self.permits {
                Some(permits) => (1..due.len()).map_while(|_| permits.try_acquire().ok()).collect(),
                None => Vec::new(),
            };
            if permits.is_empty() {
                due.iter_mut().for_each(|(place, rule)| one(*place, rule));
                continue;
            }
            let queue = Mutex::new(due.into_iter());
            let work = || {
                loop {
                    let next = lock(&queue).next();
                    match next {
                        Some((place, rule)) => one(place, rule),
                        None => break,
                    }
                }
            };
            std::thread::scope(|scope| {
                for _ in &permits {
                    scope.spawn(work);
                }
                work();
            });
        }
    }
}

/// What a rule writes and may read.
struct Footprint {
    writes: Vec<String>,
    /// Labels that all its series have, as far as they are fixed.
    fixed: Labels,
    /// None: anything.
    reads: Option<Vec<Vec<Matcher>>>,
}

impl Footprint {
    fn of(rule: &RuleOptions, shared: &Labels, reads: &Reads) -> Self {
        let merged = |own: &Labels| {
            let mut builder = shared.to_builder();
            own.iter().for_each(|(name, value)| {
                builder.set(name, value);
            });
            builder
        };
        match rule {
            RuleOptions::Recording { record, expr, labels } => {
                Self { writes: vec![record.clone()], fixed: merged(labels).build(), reads: reads(expr) }
            }
            RuleOptions::Alerting { alert, expr, labels, annotations, .. } => {
                let mut templates = labels.iter().chain(annotations).map(|(_, text)| text);
                // Templates can ask for anything.
                let asks = templates.any(|text| text.contains("query"));
                let mut fixed = merged(labels);
                let expanded: Vec<String> =
                    labels.iter().filter(|(_, text)| text.contains("{{")).map(|(name, _)| name.to_owned()).collect();
                expanded.iter().for_each(|name| {
                    fixed.remove(name);
                });
                fixed.set("alertname", alert);
                let writes = vec!["ALERTS".to_owned(), "ALERTS_FOR_STATE".to_owned()];
                Self { writes, fixed: fixed.build(), reads: if asks { None } else { reads(expr) } }
            }
        }
    }

    fn must_follow(&self, before: &Self) -> bool {
        self.may_read(before) || before.may_read(self) || self.may_write_same(before)
    }

    fn may_read(&self, other: &Self) -> bool {
        let Some(reads) = &self.reads else { return true };
        reads.iter().any(|matchers| other.writes.iter().any(|name| matchers.iter().all(|matcher| other.may_match(matcher, name))))
    }

    /// Whether a series of this rule of this name can be what the matcher wants.
    fn may_match(&self, matcher: &Matcher, name: &str) -> bool {
        match matcher.name.as_str() {
            METRIC_NAME => matcher.matches(name),
            label => self.fixed.get(label).is_none_or(|value| matcher.matches(value)),
        }
    }

    /// Recording rules of one name must find their duplicates in order; alerts differ by their names.
    fn may_write_same(&self, other: &Self) -> bool {
        self.writes == other.writes && self.fixed.iter().all(|(label, value)| other.fixed.get(label).is_none_or(|theirs| theirs == value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DurationMs;

    /// `name` or `name{label="value"}`, several separated by `+`; `*` is anything.
    fn reads(expr: &str) -> Option<Vec<Vec<Matcher>>> {
        if expr == "*" {
            return None;
        }
        let one = |part: &str| {
            let (name, rest) = part.split_once('{').unwrap_or((part, ""));
            let mut matchers = vec![Matcher::equal(METRIC_NAME, name)];
            if let Some((label, value)) = rest.trim_end_matches('}').split_once('=') {
                matchers.push(Matcher::equal(label, value.trim_matches('"')));
            }
            matchers
        };
        Some(expr.split('+').map(one).collect())
    }

    fn record(name: &str, expr: &str) -> RuleOptions {
        RuleOptions::Recording { record: name.to_owned(), expr: expr.to_owned(), labels: Labels::empty() }
    }

    fn alert(name: &str, expr: &str, text: &str) -> RuleOptions {
        RuleOptions::Alerting {
            alert: name.to_owned(),
            expr: expr.to_owned(),
            hold: DurationMs::ZERO,
            keep_firing_for: DurationMs::ZERO,
            labels: Labels::from_pairs([("severity", "page")]),
            annotations: Labels::from_pairs([("text", text)]),
        }
    }

    fn rounds(rules: Vec<RuleOptions>) -> Vec<usize> {
        let group = GroupOptions {
            file: "f".into(),
            name: "g".to_owned(),
            interval: DurationMs(1),
            limit: 0,
            query_offset: DurationMs::ZERO,
            labels: Labels::empty(),
            rules,
        };
        Concurrency::new(Arc::new(reads), 4).rounds(&group).of_rule().to_vec()
    }

    #[test]
    fn only_what_reads_or_writes_the_same_waits() {
        assert_eq!(rounds(vec![record("a", "x"), record("b", "y"), record("c", "a+b"), record("d", "x")]), [0, 0, 1, 0]);
        assert_eq!(rounds(vec![record("a", "b"), record("b", "x")]), [0, 1], "a is to see the b of the evaluation before");
        assert_eq!(rounds(vec![record("a", "x"), record("a", "y")]), [0, 1], "one of them may find a duplicate");
        assert_eq!(rounds(vec![record("a", "x"), record("b", "*"), record("c", "y")]), [0, 1, 2]);
    }

    #[test]
    fn alerts_are_told_apart_by_name_and_labels() {
        let two = || vec![alert("A", "x", ""), alert("B", "y", "")];
        assert_eq!(rounds(two()), [0, 0]);
        let reading = |expr: &str| rounds([two(), vec![record("n", expr)]].concat());
        assert_eq!(reading("ALERTS{alertname=\"B\"}"), [0, 0, 1]);
        assert_eq!(reading("ALERTS{severity=\"none\"}"), [0, 0, 0]);
        assert_eq!(rounds(vec![record("a", "x"), alert("A", "y", "{{ query \"a\" }}")]), [0, 1]);
    }

    #[test]
    fn every_rule_is_run_once_and_rounds_follow_each_other() {
        let plan = Rounds { of_rule: vec![0, 0, 1, 0, 1], permits: Some(Arc::new(Semaphore::new(3))) };
        let done = Mutex::new(Vec::new());
        plan.run(&mut [0; 5], |place, times| {
            *times += 1;
            lock(&done).push((plan.of_rule[place], *times));
        });
        let done = lock(&done).clone();
        assert!(done.iter().all(|(_, times)| *times == 1) && done.is_sorted(), "{done:?}");
        assert_eq!(done.len(), 5);
    }
}
