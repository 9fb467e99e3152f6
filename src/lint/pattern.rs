//! Regular expressions that say in a roundabout way what a plain matcher says, and anchors that are there already.

use std::collections::BTreeSet;

use super::shape::selectors;
use super::{Known, Said, Subject};
use crate::model::number::quote;
use crate::model::{MatchOp, Matcher};

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    let mut seen = BTreeSet::new();
    let matchers = selectors(subject.expr).into_iter().flat_map(|selector| &selector.matchers);
    matchers.filter_map(judge).filter(|(message, _)| seen.insert(message.clone())).collect()
}

fn judge(matcher: &Matcher) -> Option<Said> {
    let plain = match matcher.op {
        MatchOp::Regex => MatchOp::Equal,
        MatchOp::NotRegex => MatchOp::NotEqual,
        MatchOp::Equal | MatchOp::NotEqual => return None,
    };
    let (name, value) = (&matcher.name, matcher.value.as_str());
    if value == ".*" {
        let message = match matcher.op {
            MatchOp::Regex => format!("{matcher} matches every series, those without {name} included"),
            _ => format!("{matcher} matches no series at all"),
        };
        return Some((
            message,
            format!("leave it out, or write {name}{}\"\" for series that have or lack the label", MatchOp::NotEqual.as_str()),
        ));
    }
    let anchored = value.starts_with('^') || (value.ends_with('$') && !value.ends_with("\\$"));
    if anchored && !value.contains('|') {
        let bare = value.trim_start_matches('^').trim_end_matches('$');
        let message = format!("{matcher} has anchors, and matchers are anchored already");
        return Some((message, format!("{name}{}{} is the same", matcher.op.as_str(), quote(bare))));
    }
    let is_literal = !value.is_empty() && value.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | ':' | ' ' | ','));
    is_literal.then(|| {
        let message = format!(
            "{matcher} is a pattern without anything variable: each series is tried against it, where a look at the index would do"
        );
        (message, format!("{name}{}{} is the same", plain.as_str(), quote(value)))
    })
}
