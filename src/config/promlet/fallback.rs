//! `fallback:` of a receiver in `promlet.yml`: who is told where it fails.

use crate::alerts::options::Fallback;
use crate::model::number::quote;
use crate::model::{DurationMs, Problem, Severity};
use crate::notify::options::ReceiverOptions;
use crate::yaml::{Kind, Node, Problems, Section, Source, field};

pub(super) static FALLBACK: Section =
    Section { name: "fallback", fields: &[&[field("receiver", Kind::Text), field("after", Kind::Duration)]] };

/// Where the file does not say: longer than a hiccup, shorter than anyone would like to know nothing.
const AFTER: DurationMs = DurationMs(5 * 60_000);

/// A fallback as the file has it.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) fallback: Fallback,
    /// Said where there is no such receiver, and where it tells nobody.
    unknown: Problem,
    mute: Problem,
}

impl Written {
    /// What is wrong with it beside these receivers.
    pub(super) fn problem(&self, receivers: &[ReceiverOptions]) -> Option<&Problem> {
        match receivers.iter().find(|receiver| receiver.name == self.fallback.receiver) {
            None => Some(&self.unknown),
            Some(receiver) if receiver.integrations.is_empty() => Some(&self.mute),
            Some(_) => None,
        }
    }
}

/// Reads the section of the receiver `of`.
pub(super) fn read(node: &Node, of: &str, source: &Source, problems: &mut Problems<'_>) -> Option<Written> {
    let node = node.get("fallback")?;
    let receiver = node.text("receiver").unwrap_or("").to_owned();
    let at = node.get("receiver").map_or(node.span, |value| value.span);
    if receiver.is_empty() {
        problems.error(at, format!("missing receiver in the fallback of {}", quote(of)));
    } else if receiver == of {
        problems.error(at, format!("receiver {} cannot be its own fallback", quote(of)));
    }
    let after = node.duration("after").unwrap_or(AFTER);
    if after <= DurationMs::ZERO {
        let at = node.get("after").map_or(node.span, |value| value.span);
        problems.error(at, format!("after must be longer than 0: how long a message may wait for {}", quote(of)));
    }
    let say = |message: String| source.problem(Severity::Error, at.start, message, None);
    let unknown = say(format!("receiver {}, the fallback of {}, is not in alertmanager.yml: add it there", quote(&receiver), quote(of)));
    let mute = say(format!("receiver {}, the fallback of {}, has no integrations: it tells nobody", quote(&receiver), quote(of)));
    Some(Written { fallback: Fallback { of: of.to_owned(), receiver, after }, unknown, mute })
}

/// The receivers of a circle of fallbacks, beginning and ending with the same; none where there is none.
pub(super) fn circle(all: &[&Fallback]) -> Option<Vec<String>> {
    all.iter().find_map(|first| {
        let mut names = vec![first.of.clone()];
        let mut at = *first;
        // Whoever has no circle in so many steps has none.
        for _ in all {
            names.push(at.receiver.clone());
            if at.receiver == first.of {
                return Some(names);
            }
            at = all.iter().find(|next| next.of == at.receiver)?;
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pairs: &[(&str, &str)]) -> Option<String> {
        let all: Vec<Fallback> =
            pairs.iter().map(|(of, to)| Fallback { of: (*of).to_owned(), receiver: (*to).to_owned(), after: AFTER }).collect();
        circle(&all.iter().collect::<Vec<_>>()).map(|names| names.join(" "))
    }

    #[test]
    fn a_circle_is_found_wherever_it_begins() {
        assert_eq!(found(&[("a", "b"), ("b", "c")]), None);
        assert_eq!(found(&[("a", "b"), ("b", "a")]).as_deref(), Some("a b a"));
        assert_eq!(found(&[("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")]).as_deref(), Some("a b c a"));
        assert_eq!(found(&[]), None);
    }
}
