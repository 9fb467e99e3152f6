//! Receivers that do not take what they are owed: what the operator has to hear of, whichever page is open.

use std::collections::BTreeMap;

use super::Machine;
use crate::alerts::limits::{FAILING_AFTER_RETRIES, FAILING_SHOWN_MAX};
use crate::alerts::options::Fallback;
use crate::alerts::slot::Owed;

/// A single failure is mended by the next attempt; a refusal says by itself that something is wrong.
fn is_failing(owed: &Owed) -> bool {
    owed.retries >= FAILING_AFTER_RETRIES || owed.refusals > 0 || owed.stood_in_for
}

impl Machine {
    /// One sentence for each integration whose messages fail, in order of names.
    pub fn failing(&self) -> Vec<String> {
        let mut places: BTreeMap<(&str, &str), Vec<&Owed>> = BTreeMap::new();
        for slot in self.slots.values() {
            let owed = slot.owed.as_ref().filter(|owed| is_failing(owed));
            owed.into_iter().for_each(|owed| places.entry((&slot.receiver, &slot.integration)).or_default().push(owed));
        }
        let left_out = places.len().saturating_sub(FAILING_SHOWN_MAX);
        let more = (left_out > 0).then(|| format!("{left_out} more receivers fail: the Alerts page lists every attempt."));
        places
            .iter()
            .take(FAILING_SHOWN_MAX)
            .map(|((receiver, integration), owed)| sentence(receiver, integration, owed, self.routing.fallbacks.get(*receiver)))
            .chain(more)
            .collect()
    }
}

fn sentence(receiver: &str, integration: &str, owed: &[&Owed], fallback: Option<&Fallback>) -> String {
    let newest = owed.iter().max_by_key(|owed| owed.due).map_or("", |owed| owed.failure.as_str());
    let messages = if owed.len() == 1 { "a message".to_owned() } else { format!("messages for {} groups", owed.len()) };
    let instead = match fallback {
        Some(fallback) if owed.iter().any(|owed| owed.stood_in_for) => format!(" Receiver {} is told in its place.", fallback.receiver),
        _ => String::new(),
    };
    format!(
        "Receiver {receiver} ({integration}) does not take {messages}: {newest}. It is tried again until it does; \
         `promlet notify test {receiver}` shows where it fails.{instead}"
    )
}
