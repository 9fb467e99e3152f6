//! After a start: which alerts that fired before it may still be taken up again by their rules. Pure.
//!
//! A rule that fired before the stop does not say so again at once: its group restores the state after its second evaluation, an
//! alert with a short `for` waits for it anew, and an expression over a range needs some scrapes. Until then silence is no end.

use crate::model::{DurationMs, Labels, TimestampMs};
use crate::notifier::AlertLabels;
use crate::rules::GroupView;
use crate::rules::view::{AlertState, RuleHealth, RuleView};

/// The second evaluation restores, the one after it speaks.
const EVALUATIONS: u64 = 3;
/// `rate` and its like need two samples.
const SCRAPES: i64 = 2;
/// With scrapes further apart than this instant queries see no series between them either.
const SCRAPES_WAIT_MAX: DurationMs = DurationMs(5 * 60_000);

/// What is known after the start.
pub struct Standing<'a> {
    pub groups: &'a [GroupView],
    /// How labels change on the way to routing.
    pub labels: &'a AlertLabels,
    /// From when on every target had its chance to be scraped.
    pub scraped_by: TimestampMs,
}

/// When targets that are scraped this often have given enough samples.
pub fn scraped_by(started: TimestampMs, intervals: impl Iterator<Item = DurationMs>) -> TimestampMs {
    let slowest = intervals.max().unwrap_or(DurationMs::ZERO);
    started + DurationMs(slowest.0.saturating_mul(SCRAPES)).min(SCRAPES_WAIT_MAX)
}

impl Standing<'_> {
    /// Whether a rule may still say that the alert with these labels goes on.
    pub fn awaits(&self, alert: &Labels) -> bool {
        let Some(name) = alert.get("alertname") else { return false };
        self.groups.iter().any(|group| group.rules.iter().filter(|rule| rule.name == name).any(|rule| self.may_speak(group, rule, alert)))
    }

    fn may_speak(&self, group: &GroupView, rule: &RuleView, alert: &Labels) -> bool {
        let Some(alerting) = &rule.alerting else { return false };
        let has_looked = group.evaluations >= EVALUATIONS && group.last_evaluation.is_some_and(|at| at > self.scraped_by);
        // A rule that fails says nothing about the end either.
        let is_blind = rule.health == RuleHealth::Err;
        let is_active = || {
            alerting
                .alerts
                .iter()
                .any(|active| active.state >= AlertState::Pending && self.labels.of(&active.labels).as_ref() == Some(alert))
        };
        !has_looked || is_blind || is_active()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rules::view::{ActiveAlert, AlertingView};

    fn active(state: AlertState) -> ActiveAlert {
        ActiveAlert {
            labels: Labels::from_pairs([("alertname", "A"), ("gpu", "0")]),
            annotations: Labels::empty(),
            state,
            active_at: TimestampMs(0),
            keep_firing_since: None,
            value: 1.0,
        }
    }

    fn group(evaluations: u64, at: i64, health: RuleHealth, alerts: Vec<ActiveAlert>) -> GroupView {
        let alerting = AlertingView {
            state: AlertState::Inactive,
            hold: DurationMs::ZERO,
            keep_firing_for: DurationMs::ZERO,
            annotations: Labels::empty(),
            alerts,
        };
        let rule = RuleView {
            name: "A".to_owned(),
            query: String::new(),
            labels: Labels::empty(),
            health,
            last_error: String::new(),
            evaluation_time: Duration::ZERO,
            last_evaluation: None,
            alerting: Some(alerting),
        };
        GroupView {
            file: "r.yml".into(),
            name: "g".to_owned(),
            interval: DurationMs::seconds(1),
            limit: 0,
            evaluation_time: Duration::ZERO,
            last_evaluation: Some(TimestampMs(at)),
            evaluations,
            rules: vec![rule],
        }
    }

    fn awaits(group: GroupView, alert: [(&str, &str); 3]) -> bool {
        let labels = AlertLabels { external: Labels::from_pairs([("site", "x")]), relabel: Vec::new() };
        let standing = Standing { groups: &[group], labels: &labels, scraped_by: TimestampMs(100) };
        standing.awaits(&Labels::from_pairs(alert))
    }

    const ALERT: [(&str, &str); 3] = [("alertname", "A"), ("gpu", "0"), ("site", "x")];

    #[test]
    fn silence_counts_as_an_end_only_once_the_rule_had_its_say() {
        assert!(awaits(group(2, 500, RuleHealth::Ok, vec![]), ALERT), "before the evaluation after the restoring one");
        assert!(awaits(group(9, 100, RuleHealth::Ok, vec![]), ALERT), "before the targets were scraped");
        assert!(!awaits(group(3, 101, RuleHealth::Ok, vec![]), ALERT), "it has ended");
        assert!(awaits(group(3, 101, RuleHealth::Err, vec![]), ALERT), "the rule fails");
        assert!(awaits(group(3, 101, RuleHealth::Ok, vec![active(AlertState::Pending)]), ALERT), "it waits for its `for` anew");
        let other = [("alertname", "A"), ("gpu", "1"), ("site", "x")];
        assert!(!awaits(group(3, 101, RuleHealth::Ok, vec![active(AlertState::Pending)]), other), "another alert of the rule");
        let unknown = [("alertname", "B"), ("gpu", "0"), ("site", "x")];
        assert!(!awaits(group(1, 1, RuleHealth::Ok, vec![]), unknown), "a rule that is gone");
    }

    #[test]
    fn scrapes_are_waited_for_within_reason() {
        let by = |seconds: &[i64]| scraped_by(TimestampMs(0), seconds.iter().map(|s| DurationMs::seconds(*s))).0;
        assert_eq!((by(&[]), by(&[15, 60]), by(&[3600])), (0, 120_000, 300_000));
    }
}
