//! A receiver in place of another that does not take what it is owed: from when on, and what it is told. Pure.
//!
//! While the first one fails, its fallback hears of the group as if the route led to it. Once the first one takes its messages again the
//! fallback hears nothing new, but of the end of everything that was announced to it.

use super::dedup::{Question, Set, Verdict, decide};
use super::group::Now;
use super::notification::InPlaceOf;
use super::slot::{Owed, Slot};
use crate::model::DurationMs;

/// What begins the first word of a key of a slot that stands in for another.
const MARK: &str = "fallback:";

/// The first word of the key of a slot: the fallback's name, where a group names its own receiver's integrations without one.
pub fn asked_as(fallback: &str, integration: &str) -> String {
    format!("{MARK}{}/{integration}", fallback.replace('%', "%25").replace(' ', "%20"))
}

pub fn is_stand_in(asked_as: &str) -> bool {
    asked_as.starts_with(MARK)
}

/// How an integration stands with what it is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course<'a> {
    /// Nothing waits, or not for long enough yet.
    Fine,
    /// It has waited for too long, and nothing was tried since the start.
    Untried,
    /// Why the last attempt failed.
    Failing(&'a str),
}

/// `lane_failure` is the last failure of the place that other groups heard of, empty where the last attempt arrived.
pub fn course<'a>(owed: Option<&'a Owed>, lane_failure: &'a str, after: DurationMs, now: Now) -> Course<'a> {
    let Some(owed) = owed.filter(|owed| owed.stands_in_from(after) <= now.steady) else { return Course::Fine };
    match (owed.failure.as_str(), lane_failure) {
        ("", "") if owed.content.is_none() && !owed.in_flight => Course::Fine,
        ("", "") => Course::Untried,
        ("", failure) | (failure, _) => Course::Failing(failure),
    }
}

/// Why a fallback is told of a group: what is known of the integrations in whose place it is.
#[derive(Clone, Debug, Default)]
pub struct Cause {
    pub failing: Vec<InPlaceOf>,
    /// Nothing is known yet of one that failed before the start.
    pub is_open: bool,
    /// Alerts that one of them never heard of.
    pub missed: Set,
    /// Alerts of whose end one of them should hear now.
    pub ended: Set,
}

impl Cause {
    /// Takes in one more integration.
    pub fn add(&mut self, receiver: &str, integration: &str, slot: &Slot, course: Course<'_>) {
        match course {
            Course::Fine => {}
            Course::Untried => self.is_open = true,
            Course::Failing(failure) => {
                let Some(owed) = &slot.owed else { return };
                let (receiver, integration) = (receiver.to_owned(), integration.to_owned());
                self.failing.push(InPlaceOf { receiver, integration, since: owed.since, failure: failure.to_owned() });
                self.missed.extend(&owed.firing);
                let ended = owed.content.iter().flat_map(|content| &content.resolved);
                self.ended.extend(ended.filter(|number| slot.announced.contains(number)));
            }
        }
    }
}

/// The alerts of a group, as far as they may be named now.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Firing and not held back.
    pub firing: Set,
    /// Ended, and not to be put off.
    pub ended: Set,
    /// Of these, those whose end the fallback was told already.
    pub passed: Set,
}

/// What a fallback is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub verdict: Verdict,
    pub firing: Set,
    /// The ends that are told now.
    pub ended: Set,
    /// All ends that it knows of afterwards.
    pub resolved: Set,
    /// What is owed that nobody has been told of.
    pub owed: Set,
}

/// Decides what `slot`, which stands in, is told of its group. Where nothing fails any more that is the end of what it knows of.
pub fn tell(slot: &Slot, cause: &Cause, group: &Group, send_resolved: bool, repeat_due: bool) -> Told {
    let engaged = !cause.failing.is_empty();
    let nothing = Set::new();
    let (told_firing, told_resolved) = slot.told.as_ref().map_or((&nothing, &nothing), |told| (&told.firing, &told.resolved));
    let mut owed = slot.owed_firing();
    // A send before the restart may have arrived; what is known not to have arrived need not be said any more.
    let may_have_arrived = slot.owed.as_ref().is_some_and(|owed| owed.tried && owed.attempts == 0);
    if !engaged && !may_have_arrived {
        owed.clear();
    }
    let known = |number: &&u64| engaged || told_firing.contains(*number) || owed.contains(*number);
    let firing: Set = group.firing.iter().filter(known).copied().collect();
    let is_new = |number: &&u64| group.ended.contains(*number) && !group.passed.contains(*number) && !slot.announced.contains(*number);
    let missed: Set = cause.missed.iter().filter(is_new).copied().collect();
    let passed_on: Set = cause.ended.iter().filter(is_new).filter(|_| send_resolved).copied().collect();
    owed.extend(&missed);
    let announced: Set = slot.announced.union(&passed_on).copied().collect();
    let known = |number: &&u64| announced.contains(*number) || owed.contains(*number);
    let over: Set = group.ended.iter().filter(known).copied().collect();
    let ended: Set = over.iter().filter(|number| send_resolved || owed.contains(*number)).copied().collect();
    let verdict = decide(&Question {
        told: slot.told.as_ref().map(|told| (&told.firing, &told.resolved)),
        announced: &announced,
        owed: &owed,
        firing: &firing,
        resolved: &over,
        send_resolved,
        repeat_due: engaged && repeat_due,
    });
    let resolved = over.iter().chain(told_resolved.iter().filter(|number| group.ended.contains(number))).copied().collect();
    owed.extend(&passed_on);
    Told { verdict, firing, ended, resolved, owed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::notification::Reason;
    use crate::alerts::slot::Told as Before;
    use crate::model::TimestampMs;

    const NOW: Now = Now { wall: TimestampMs(1_000_000), steady: 1_000_000 };

    fn set(text: &str) -> Set {
        text.bytes().map(u64::from).collect()
    }

    fn cause(failing: bool, missed: &str, ended: &str) -> Cause {
        let place = InPlaceOf { receiver: "r".to_owned(), integration: "slack[0]".to_owned(), since: NOW.wall, failure: "no".to_owned() };
        Cause { failing: if failing { vec![place] } else { Vec::new() }, is_open: false, missed: set(missed), ended: set(ended) }
    }

    /// `told` as `firing/resolved`, letters for alerts; `-` for never told.
    fn told(before: &str, announced: &str, cause: &Cause, firing: &str, ended: &str, passed: &str) -> Told {
        let mut slot = Slot::new("g", "mail", "email[0]", "fallback:mail/email[0]");
        let sets = before.split_once('/');
        slot.told = sets.map(|(f, r)| Before { at: NOW.wall, steady: 0, firing: set(f), resolved: set(r) });
        slot.announced = set(announced);
        let group = Group { firing: set(firing), ended: set(ended), passed: set(passed) };
        tell(&slot, cause, &group, true, true)
    }

    #[test]
    fn it_hears_all_while_the_first_fails_and_only_ends_afterwards() {
        use Verdict::{Nothing, Send};
        let table = [
            // fails, missed, its ends, told, announced, firing, ended, passed
            (true, "A", "", "-", "", "A", "", "", Send(Reason::First), "A", ""),
            (true, "AB", "", "A/", "A", "AB", "", "", Send(Reason::NewAlerts), "AB", ""),
            (true, "A", "", "A/", "A", "A", "", "", Send(Reason::Repeat), "A", ""),
            // The first had heard of A, and not of its end.
            (true, "", "A", "-", "", "", "A", "", Send(Reason::AllResolved), "", "A"),
            // A came and went while nobody could be told.
            (true, "A", "", "-", "", "", "A", "", Send(Reason::Missed), "", "A"),
            (true, "A", "", "/A", "", "", "A", "A", Nothing, "", ""),
            (true, "AB", "", "/A", "", "B", "A", "A", Send(Reason::First), "B", ""),
            // The first takes its messages again.
            (false, "", "", "A/", "A", "AB", "", "", Nothing, "A", ""),
            (false, "", "", "A/", "A", "B", "A", "", Send(Reason::AllResolved), "", "A"),
            (false, "", "", "AC/", "AC", "BC", "A", "", Send(Reason::SomeResolved), "C", "A"),
            (false, "", "", "-", "", "A", "", "", Nothing, "", ""),
        ];
        for (fails, missed, ends, before, announced, firing, ended, passed, verdict, said_firing, said_ended) in table {
            let told = told(before, announced, &cause(fails, missed, ends), firing, ended, passed);
            let line = format!("{fails} {missed} {ends} {before} {firing} {ended}");
            assert_eq!((told.verdict, told.firing, told.ended), (verdict, set(said_firing), set(said_ended)), "{line}");
        }
    }

    #[test]
    fn one_that_wants_no_ends_forgets_them() {
        let mut slot = Slot::new("g", "mail", "email[0]", "fallback:mail/email[0]");
        slot.told = Some(Before { at: NOW.wall, steady: 0, firing: set("A"), resolved: Set::new() });
        slot.announced = set("A");
        let group = Group { firing: Set::new(), ended: set("AB"), passed: Set::new() };
        let told = tell(&slot, &cause(false, "", ""), &group, false, true);
        assert_eq!((told.verdict, told.ended, told.resolved), (Verdict::NoteOnly, Set::new(), set("A")));
        let told = tell(&slot, &cause(true, "B", "A"), &group, false, true);
        assert_eq!((told.verdict, told.ended), (Verdict::Send(Reason::Missed), set("B")), "what nobody ever heard of is told");
    }

    #[test]
    fn patience_ends_after_the_time_or_with_a_refusal() {
        let after = DurationMs::seconds(300);
        let mut owed = Owed::new("id".to_owned(), NOW);
        let at = |seconds: i64| Now { wall: NOW.wall, steady: NOW.steady + seconds * 1000 };
        owed.failure = "connection refused".to_owned();
        assert_eq!(course(Some(&owed), "", after, at(299)), Course::Fine);
        assert_eq!(course(Some(&owed), "", after, at(300)), Course::Failing("connection refused"));
        owed.refused = true;
        assert_eq!(course(Some(&owed), "", after, at(1)), Course::Failing("connection refused"));
        let untried = Owed { in_flight: true, ..Owed::new("id".to_owned(), NOW) };
        assert_eq!(course(Some(&untried), "", after, at(400)), Course::Untried);
        assert_eq!(course(Some(&untried), "rests", after, at(400)), Course::Failing("rests"));
        assert_eq!(course(None, "rests", after, at(400)), Course::Fine);
    }

    #[test]
    fn a_name_with_blanks_is_one_word() {
        assert_eq!(asked_as("the % office", "email[0]"), "fallback:the%20%25%20office/email[0]");
        assert!(is_stand_in(&asked_as("x", "y")) && !is_stand_in("slack[0]"));
    }
}
