//! Whether promlet works: rules go on being evaluated, and the store goes on taking rows. Pure.

use std::collections::BTreeMap;

use crate::model::DurationMs;

/// So many intervals may pass without an evaluation, or without a row: one that takes long, or is missed, is no standstill.
const INTERVALS: i64 = 3;

/// A rule group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPulse {
    pub name: String,
    pub interval: DurationMs,
    /// Since the process started.
    pub evaluations: u64,
}

/// What is known of the process at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    pub groups: Vec<GroupPulse>,
    /// Why a rule fails, where every single one does.
    pub all_fail: Option<String>,
    /// Why the store takes nothing.
    pub refused: Option<String>,
    /// Samples that the store took since the process started.
    pub samples: u64,
    /// How often there is one at least; none where nothing is scraped.
    pub sample_every: Option<DurationMs>,
}

/// Whether it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    Works,
    /// Not everything has had its first turn, and none is overdue.
    Starts,
    /// With what does not go on.
    Stands(String),
}

/// What was seen before, and since when it is the same. Times are milliseconds of the steady clock.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    groups: BTreeMap<String, Same>,
    samples: Option<Same>,
}

#[derive(Clone, Copy, Debug)]
struct Same {
    count: u64,
    since: i64,
}

impl Same {
    fn see(before: Option<Self>, count: u64, now: i64) -> Self {
        before.filter(|before| before.count == count).unwrap_or(Self { count, since: now })
    }

    /// How long nothing came, where that is longer than it may be.
    fn overdue(self, interval: DurationMs, now: i64) -> Option<DurationMs> {
        let still = now.saturating_sub(self.since);
        (still > interval.0.saturating_mul(INTERVALS)).then_some(DurationMs(still / 1000 * 1000))
    }
}

impl Watch {
    pub fn look(&mut self, pulse: &Pulse, now: i64) -> Condition {
        let before = std::mem::take(&mut self.groups);
        let see = |group: &GroupPulse| (group.name.clone(), Same::see(before.get(&group.name).copied(), group.evaluations, now));
        self.groups = pulse.groups.iter().map(see).collect();
        let samples = Same::see(self.samples, pulse.samples, now);
        self.samples = Some(samples);
        if let Some(why) = &pulse.refused {
            return Condition::Stands(format!("the store takes no samples: {why}"));
        }
        let overdue =
            |group: &GroupPulse| self.groups.get(&group.name)?.overdue(group.interval, now).map(|still| (group.name.clone(), still));
        if let Some((name, still)) = pulse.groups.iter().find_map(overdue) {
            return Condition::Stands(format!("the rule group {name} was not evaluated for {still}"));
        }
        if let Some(why) = &pulse.all_fail {
            return Condition::Stands(format!("no rule can be evaluated: {why}"));
        }
        if let Some(still) = pulse.sample_every.and_then(|every| samples.overdue(every, now)) {
            return Condition::Stands(format!("the store has taken no sample for {still}"));
        }
        let awaits_samples = pulse.sample_every.is_some() && pulse.samples == 0;
        if awaits_samples || pulse.groups.iter().any(|group| group.evaluations == 0) { Condition::Starts } else { Condition::Works }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(evaluations: u64, samples: u64) -> Pulse {
        let group = GroupPulse { name: "r.yml;g".to_owned(), interval: DurationMs::seconds(10), evaluations };
        Pulse { groups: vec![group], samples, sample_every: Some(DurationMs::seconds(15)), ..Pulse::default() }
    }

    fn stands(condition: &Condition, why: &str) {
        assert!(matches!(condition, Condition::Stands(text) if text.contains(why)), "{condition:?}");
    }

    #[test]
    fn what_does_not_go_on_is_named_after_three_intervals() {
        let mut watch = Watch::default();
        assert_eq!(watch.look(&pulse(0, 0), 0), Condition::Starts);
        assert_eq!(watch.look(&pulse(1, 5), 10_000), Condition::Works);
        assert_eq!(watch.look(&pulse(1, 6), 40_000), Condition::Works);
        stands(&watch.look(&pulse(1, 7), 41_000), "the rule group r.yml;g was not evaluated for 31s");
        assert_eq!(watch.look(&pulse(2, 7), 50_000), Condition::Works, "it goes on");
        stands(&watch.look(&pulse(9, 7), 90_000), "the store has taken no sample for 49s");
        assert_eq!(watch.look(&Pulse { sample_every: None, ..pulse(12, 7) }, 120_000), Condition::Works, "nothing is scraped");
    }

    #[test]
    fn a_start_that_never_comes_is_a_standstill() {
        let mut watch = Watch::default();
        assert_eq!(watch.look(&pulse(0, 0), 0), Condition::Starts);
        stands(&watch.look(&pulse(0, 9), 31_000), "was not evaluated for 31s");
    }

    #[test]
    fn a_store_that_refuses_and_rules_that_all_fail_are_told_at_once() {
        let mut watch = Watch::default();
        let full = Pulse { refused: Some("the disk is full".to_owned()), ..pulse(3, 3) };
        stands(&watch.look(&full, 0), "the store takes no samples: the disk is full");
        let failing = Pulse { all_fail: Some("timeout".to_owned()), ..pulse(4, 4) };
        stands(&watch.look(&failing, 1), "no rule can be evaluated: timeout");
        // A group that is gone with a reload is not missed.
        assert_eq!(watch.look(&Pulse { groups: Vec::new(), ..pulse(0, 5) }, 100_000), Condition::Works);
    }
}
