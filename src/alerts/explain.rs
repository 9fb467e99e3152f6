//! "Why did I (not) hear of this?": where an alert stands with each integration on each of its routes, in a word and a sentence.

use super::fingerprint::Fingerprint;
use super::group::{Group, Now};
use super::hold::Hold;
use super::notification::Integration;
use super::options::Fallback;
use super::routing::Node;
use super::slot::{Owed, Slot};
use super::view::{IntegrationStanding, Standing};
use crate::model::TimestampMs;

/// What a sentence is made from.
pub struct Place<'a> {
    pub number: Fingerprint,
    pub ended: bool,
    pub node: &'a Node,
    pub group: &'a Group,
    pub hold: Option<&'a Hold>,
    pub now: Now,
}

/// Where the alert stands with one integration; `slot` is what that was told of the group.
pub fn with_integration(place: &Place<'_>, integration: &Integration, slot: Option<&Slot>) -> IntegrationStanding {
    let owed = slot.and_then(|slot| slot.owed.as_ref());
    let (standing, text) = verdict(place, integration, slot);
    IntegrationStanding {
        integration: integration.label(),
        standing,
        text,
        told_at: slot.and_then(|slot| slot.told.as_ref()).map(|told| told.at),
        attempts: owed.map_or(0, |owed| owed.attempts),
        next_attempt: slot.and_then(Slot::due).map(|due| wall(due, place.now)),
    }
}

/// Where it stands with one that is told where another one fails.
pub fn with_fallback(place: &Place<'_>, fallback: &Fallback, integration: &Integration, slot: Option<&Slot>) -> IntegrationStanding {
    let told = slot.and_then(|slot| slot.told.as_ref());
    let about_it = told.filter(|told| told.firing.contains(&place.number) || told.resolved.contains(&place.number));
    let announced = slot.is_some_and(|slot| slot.announced.contains(&place.number));
    let waits = slot.and_then(|slot| slot.owed.as_ref()).and_then(|owed| of_owed(place, owed));
    let (standing, text) = match (waits, about_it) {
        (Some(waits), _) => waits,
        (None, Some(told)) if told.firing.contains(&place.number) => {
            (Standing::Told, format!("told at {} in place of {}", moment(told.at), fallback.of))
        }
        (None, Some(told)) => (Standing::Told, format!("told at {} in place of {} that it has ended", moment(told.at), fallback.of)),
        (None, None) if announced => (
            Standing::Told,
            format!("it was told in place of {}, and will be told the end, but nothing else unless that fails again", fallback.of),
        ),
        (None, None) => {
            (Standing::Unwanted, format!("told only where {} does not take a message for {}, or refuses it", fallback.of, fallback.after))
        }
    };
    IntegrationStanding {
        integration: format!("{}/{}", fallback.receiver, integration.label()),
        standing,
        text,
        told_at: about_it.map(|told| told.at),
        attempts: slot.and_then(|slot| slot.owed.as_ref()).map_or(0, |owed| owed.attempts),
        next_attempt: slot.and_then(Slot::due).map(|due| wall(due, place.now)),
    }
}

fn verdict(place: &Place<'_>, integration: &Integration, slot: Option<&Slot>) -> (Standing, String) {
    if let Some(verdict) = slot.and_then(|slot| slot.owed.as_ref()).and_then(|owed| of_owed(place, owed)) {
        return verdict;
    }
    if let Some(hold) = place.hold.filter(|hold| !place.ended || hold.defers_resolved()) {
        return (Standing::Held, hold.explain());
    }
    let told = slot.and_then(|slot| slot.told.as_ref());
    let next = moment(next_look(place));
    let announced = slot.is_some_and(|slot| slot.announced.contains(&place.number));
    if place.ended {
        return match told {
            Some(told) if told.resolved.contains(&place.number) => {
                (Standing::Told, format!("told at {} that it has ended", moment(told.at)))
            }
            _ if !integration.send_resolved => (Standing::Unwanted, "it has ended, and send_resolved is false here".to_owned()),
            _ if announced => (Standing::Waiting, format!("it has ended; that is told when the group is looked at, at {next}")),
            _ => (Standing::Unwanted, "it ended before anyone was told of it".to_owned()),
        };
    }
    match told {
        Some(told) if told.firing.contains(&place.number) => {
            let repeat = moment(told.at + place.node.route.repeat_interval);
            (Standing::Told, format!("told at {}; told again at the group's first look after {repeat}, if it still fires", moment(told.at)))
        }
        Some(_) => {
            (Standing::Waiting, format!("joined a group that was told before: told when that is looked at, at {next} (group_interval)"))
        }
        None => (Standing::Waiting, format!("the group is new: told when it is looked at, at {next} (group_wait)")),
    }
}

/// A message about this alert that is under way or could not be delivered.
fn of_owed(place: &Place<'_>, owed: &Owed) -> Option<(Standing, String)> {
    let about_it = owed.firing.contains(&place.number) || owed.content.as_ref().is_some_and(|c| c.resolved.contains(&place.number));
    if !about_it {
        return None;
    }
    if owed.in_flight {
        return Some((Standing::Sending, format!("attempt {} is under way", owed.attempts + 1)));
    }
    if owed.content.is_none() {
        return place.hold.is_none().then(|| (Standing::Waiting, format!("sent again at {}", moment(next_look(place)))));
    }
    let next = moment(wall(owed.due, place.now));
    Some(if owed.attempts == 0 {
        (Standing::Waiting, format!("waits for its turn in the integration's queue, at {next} at the earliest"))
    } else {
        let attempts = if owed.attempts == 1 { "1 attempt has".to_owned() } else { format!("{} attempts have", owed.attempts) };
        let why = if owed.failure.is_empty() { String::new() } else { format!(". The last: {}", owed.failure) };
        (Standing::Failing, format!("{attempts} failed since {}; the next one at {next}{why}", moment(owed.since)))
    })
}

/// When the group is looked at next.
pub fn next_look(place: &Place<'_>) -> TimestampMs {
    wall(place.group.next_look, place.now)
}

/// A moment of the steady clock as people read it; what is overdue is due now.
fn wall(steady: i64, now: Now) -> TimestampMs {
    TimestampMs(now.wall.0.saturating_add(steady.saturating_sub(now.steady)).max(now.wall.0))
}

/// To the second.
fn moment(at: TimestampMs) -> String {
    at.whole_seconds().rfc3339()
}
