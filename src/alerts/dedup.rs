//! Whether an integration must be told, given what it was told before: Alertmanager's table of reasons, and what it forgets.

use std::collections::BTreeSet;

use super::fingerprint::Fingerprint;
use super::notification::Reason;

pub type Set = BTreeSet<Fingerprint>;

/// What an integration knows about a group, and what could be said now.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The alerts that the last notification gave as firing and as resolved; none when there was none.
    pub told: Option<(&'a Set, &'a Set)>,
    /// Told as firing at some time, and not yet as resolved.
    pub announced: &'a Set,
    /// Decided to be told as firing, but never delivered.
    pub owed: &'a Set,
    /// Firing and not held back.
    pub firing: &'a Set,
    /// Ended, and either announced, owed, or never held back.
    pub resolved: &'a Set,
    pub send_resolved: bool,
    /// The repeat interval has passed since the last notification.
    pub repeat_due: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Nothing,
    /// Nothing to send, but what it knows has changed: all is over, and it does not want to hear so.
    NoteOnly,
    Send(Reason),
}

pub fn decide(question: &Question<'_>) -> Verdict {
    let Question { told, announced, owed, firing, resolved, send_resolved, repeat_due } = *question;
    let nothing = Set::new();
    let (told_firing, told_resolved) = told.unwrap_or((&nothing, &nothing));
    let ended_unheard = !owed.is_disjoint(resolved);
    if firing.is_empty() {
        return match () {
            () if send_resolved && !announced.is_disjoint(resolved) => Verdict::Send(Reason::AllResolved),
            () if ended_unheard => Verdict::Send(Reason::Missed),
            () if !told_firing.is_empty() && !resolved.is_empty() => Verdict::NoteOnly,
            () => Verdict::Nothing,
        };
    }
    if !firing.is_subset(told_firing) {
        return Verdict::Send(if told_firing.is_empty() { Reason::First } else { Reason::NewAlerts });
    }
    if send_resolved && !resolved.is_subset(told_resolved) {
        return Verdict::Send(Reason::SomeResolved);
    }
    match () {
        () if ended_unheard => Verdict::Send(Reason::Missed),
        () if repeat_due => Verdict::Send(Reason::Repeat),
        () => Verdict::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `told` as `firing/resolved`, letters for alerts; `-` for never told.
    fn verdict(told: &str, announced: &str, owed: &str, firing: &str, resolved: &str, flags: &str) -> Verdict {
        let set = |text: &str| text.bytes().map(u64::from).collect::<Set>();
        let sets = told.split_once('/').map(|(firing, resolved)| (set(firing), set(resolved)));
        decide(&Question {
            told: sets.as_ref().map(|(firing, resolved)| (firing, resolved)),
            announced: &set(announced),
            owed: &set(owed),
            firing: &set(firing),
            resolved: &set(resolved),
            send_resolved: flags.contains('r'),
            repeat_due: flags.contains('d'),
        })
    }

    #[test]
    fn alertmanagers_table() {
        use Verdict::{NoteOnly, Nothing, Send};
        let table = [
            // told, announced, owed, firing, resolved, flags
            ("-", "", "", "", "", "r", Nothing),
            ("-", "", "", "", "A", "r", Nothing),
            ("-", "", "", "A", "", "r", Send(Reason::First)),
            ("A/", "A", "", "AB", "", "r", Send(Reason::NewAlerts)),
            ("/A", "", "", "A", "", "r", Send(Reason::First)),
            ("A/", "A", "", "", "A", "r", Send(Reason::AllResolved)),
            ("A/", "A", "", "", "A", "", NoteOnly),
            ("/A", "", "", "", "A", "r", Nothing),
            ("AB/", "AB", "", "A", "B", "r", Send(Reason::SomeResolved)),
            ("AB/", "AB", "", "A", "B", "", Nothing),
            ("A/B", "A", "", "A", "B", "r", Nothing),
            ("A/", "A", "", "A", "", "rd", Send(Reason::Repeat)),
            ("A/", "A", "", "A", "", "r", Nothing),
        ];
        for (told, announced, owed, firing, resolved, flags, expected) in table {
            assert_eq!(verdict(told, announced, owed, firing, resolved, flags), expected, "{told} {firing} {resolved} {flags}");
        }
    }

    #[test]
    fn what_upstream_forgets_is_still_told() {
        // The receiver could not be reached for the whole life of A.
        assert_eq!(verdict("-", "", "A", "", "A", ""), Verdict::Send(Reason::Missed));
        // Beside an alert that it knows of.
        assert_eq!(verdict("B/", "B", "A", "B", "A", ""), Verdict::Send(Reason::Missed));
        // A was announced, fell out of the last notification while silenced, and ended.
        assert_eq!(verdict("/B", "A", "", "", "A", "r"), Verdict::Send(Reason::AllResolved));
        // Everything that fires is held back, nothing ended.
        assert_eq!(verdict("A/", "A", "", "", "", "rd"), Verdict::Nothing);
    }
}
