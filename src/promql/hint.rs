//! Below an error in Prometheus's words: what to write instead, where that can be told.

use super::error::{ParseError, QueryError};
use super::functions::FUNCTIONS;
use crate::model::suggest::nearest;

/// What may help, in a sentence.
pub fn of(source: &str, error: &QueryError) -> Option<String> {
    match error {
        QueryError::Parse(errors) => errors.first().and_then(|error| of_parse(source, error)),
        QueryError::Execution(message) => of_execution(source, message),
        QueryError::TooManySamples => {
            Some("ask for less time, a larger step, or fewer series; --query.max-samples is the limit".to_owned())
        }
        QueryError::Timeout => Some("ask for less time, a larger step, or fewer series; --query.timeout is the limit".to_owned()),
        _ => None,
    }
}

/// The feature that must be enabled for what a parse error refuses.
pub fn switched_off(message: &str) -> Option<&'static str> {
    if !message.ends_with("not enabled") {
        None
    } else if message.starts_with("function") {
        Some("promql-experimental-functions")
    } else if message.starts_with("binop fill") {
        Some("promql-binop-fill-modifiers")
    } else {
        Some("promql-extended-range-selectors")
    }
}

/// The first text in quotation marks after a beginning.
fn quoted<'m>(message: &'m str, before: &str) -> Option<&'m str> {
    let rest = &message[message.find(before)? + before.len()..];
    rest.split('"').nth(1).filter(|_| rest.starts_with('"'))
}

fn of_parse(source: &str, error: &ParseError) -> Option<String> {
    let message = error.message.as_str();
    if let Some(name) = quoted(message, "unknown function with name ") {
        let near = nearest(name, FUNCTIONS.iter().map(|f| f.name).chain(AGGREGATORS))?;
        return Some(format!("did you mean {near}?"));
    }
    if message.starts_with("expected type range vector") {
        let of = quoted(message, "call to function ").unwrap_or("the function");
        return Some(format!("{of} looks at a window: write {of}(metric[5m]), or {of}((expression)[5m:]) for what is computed"));
    }
    if message.starts_with("expected type instant vector") && message.ends_with("range vector") {
        return Some("a range goes into a function over time first: rate(metric[5m]), avg_over_time(metric[5m])".to_owned());
    }
    if message.starts_with("ranges only allowed for vector selectors") {
        return Some("of an expression take a subquery, with a colon: (expression)[5m:]".to_owned());
    }
    if message.starts_with("comparisons between scalars must use BOOL") {
        return Some("write bool behind the operator: 1 == bool 1".to_owned());
    }
    if message.contains("set operator") && message.contains("not allowed in binary scalar expression") {
        return Some("and, or and unless combine vectors; a number becomes one by vector(1)".to_owned());
    }
    if message.starts_with("vector selector must contain at least one non-empty matcher") {
        return Some("all of these matchers accept an empty value: name a metric, or write =~\".+\" instead of =~\".*\"".to_owned());
    }
    if message.starts_with("unclosed left parenthesis") {
        return Some("a ) is missing".to_owned());
    }
    if let Some(flag) = switched_off(message) {
        return Some(format!("start the server with --enable-feature={flag}"));
    }
    let rest = source.get(error.span.start..)?;
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if message.starts_with("unexpected identifier") && !word.is_empty() {
        return Some(match nearest(&word, WORDS) {
            Some(near) => format!("did you mean {near}?"),
            None => "two expressions stand side by side: an operator is missing between them".to_owned(),
        });
    }
    None
}

const AGGREGATORS: [&str; 14] = [
    "sum",
    "avg",
    "min",
    "max",
    "count",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "quantile",
    "count_values",
    "limitk",
    "limit_ratio",
];
const WORDS: [&str; 12] =
    ["by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool", "and", "or", "unless", "atan2"];

fn of_execution(source: &str, message: &str) -> Option<String> {
    if message.contains("many-to-one matching must be explicit") {
        return Some(
            "several series of one side match one of the other: write group_left() behind on(...) where the left has more, group_right() where \
             the right has"
                .to_owned(),
        );
    }
    if message.contains("many-to-many matching not allowed") {
        let pair = message.split("operation: [").nth(1).and_then(|rest| rest.split("];many").next());
        let apart = pair.map(labels_apart).filter(|labels| !labels.is_empty());
        let (side, one) = if message.contains("on the left hand-side") { ("left", "right") } else { ("right", "left") };
        let mut ways = Vec::new();
        if !source.contains("group_left") && !source.contains("group_right") {
            ways.push(format!("write group_{side}() behind on(...) if the {one} has one series for each group"));
        }
        if let Some(labels) = apart {
            ways.push(format!("match on {} too, in which these differ", labels.join(", ")));
        }
        ways.push(format!("aggregate the {side} side first: max by (...) (...)"));
        return Some(ways.join("; or "));
    }
    if message.contains("grouping labels must ensure unique matches") {
        return Some("the labels taken over by group_left or group_right make two results alike: take over fewer".to_owned());
    }
    if message.contains("vector cannot contain metrics with the same labelset") {
        return Some("several metrics become alike when their name is dropped: name one metric, or aggregate first".to_owned());
    }
    None
}

/// The names of labels that two printed label sets do not share.
fn labels_apart(pair: &str) -> Vec<String> {
    let Some((one, two)) = pair.split_once("}, {") else { return Vec::new() };
    let labels = |text: &str| -> Vec<String> { text.trim_matches(['{', '}']).split(", ").map(str::to_owned).collect() };
    let (one, two) = (labels(one), labels(two));
    let apart = one.iter().filter(|l| !two.contains(l)).chain(two.iter().filter(|l| !one.contains(l)));
    let mut names: Vec<String> = apart.filter_map(|label| label.split('=').next().map(str::to_owned)).collect();
    names.sort();
    names.dedup();
    names
}
