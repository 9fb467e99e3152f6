//! How the process is, for its heartbeats.

use std::sync::Arc;

use crate::heartbeat::{Feel, GroupPulse, Pulse};
use crate::rules::view::RuleHealth;
use crate::rules::{GroupView, RuleGroups};
use crate::scrape::ScrapePools;
use crate::tsdb::Tsdb;

/// Rules, targets and store as they are at the moment of asking.
pub fn feel(store: Arc<Tsdb>, rules: RuleGroups, scrapes: Arc<ScrapePools>) -> Feel {
    Arc::new(move || {
        let groups = rules.view();
        Pulse {
            all_fail: all_fail(&groups),
            groups: groups.iter().map(group).collect(),
            refused: store.read_only(),
            samples: store.samples_taken(),
            sample_every: scrapes.targets().iter().map(|target| target.interval).min(),
        }
    })
}

fn group(view: &GroupView) -> GroupPulse {
    GroupPulse { name: format!("{} of {}", view.name, view.file.display()), interval: view.interval, evaluations: view.evaluations }
}

/// The first rule's failure, where there is no rule that does not fail.
fn all_fail(groups: &[GroupView]) -> Option<String> {
    let mut rules = groups.iter().flat_map(|group| &group.rules);
    let first = rules.next()?;
    (first.health == RuleHealth::Err && rules.all(|rule| rule.health == RuleHealth::Err)).then(|| first.last_error.clone())
}
