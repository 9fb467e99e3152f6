//! The routing tree with inherited settings worked in, and inhibition rules.

use std::collections::HashSet;

use crate::alerts::options::{GroupBy, InhibitRule, Route};
use crate::config::relabel::is_legacy_label_name;
use crate::model::matcher::text as matchers;
use crate::model::number::quote;
use crate::model::{DurationMs, Labels, MatchOp, Matcher};
use crate::yaml::{Node, Problems, Value, suggest};

/// Names that routes may use.
pub struct Names<'a> {
    receivers: HashSet<&'a str>,
    intervals: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    pub fn new(receivers: &'a [String], intervals: &'a [String]) -> Self {
        let set = |names: &'a [String]| names.iter().map(String::as_str).collect();
        Self { receivers: set(receivers), intervals: set(intervals) }
    }
}

/// "Did you mean", in the order of the alphabet where several names are as near.
fn help_for(name: &str, known: &HashSet<&str>, problems: &Problems<'_>) -> Option<String> {
    if problems.is_full() {
        return None;
    }
    let mut sorted: Vec<&str> = known.iter().copied().collect();
    sorted.sort_unstable();
    suggest::nearest(name, sorted).map(|near| format!("did you mean \"{near}\"?"))
}

/// All receivers that routes name.
pub fn receivers(root: &Node) -> HashSet<String> {
    let (mut out, mut routes) = (HashSet::new(), Vec::from_iter(root.get("route")));
    while let Some(node) = routes.pop() {
        out.extend(node.text("receiver").map(str::to_owned));
        routes.extend(node.get("routes").map(Node::items).unwrap_or_default());
    }
    out
}

/// The root's settings where the file says nothing.
fn defaults() -> Route {
    Route {
        receiver: String::new(),
        group_by: GroupBy::Names(Vec::new()),
        group_wait: DurationMs::seconds(30),
        group_interval: DurationMs::seconds(300),
        repeat_interval: DurationMs::seconds(4 * 3600),
        matchers: Vec::new(),
        continues: false,
        mute_time_intervals: Vec::new(),
        active_time_intervals: Vec::new(),
        labels: Labels::empty(),
        routes: Vec::new(),
    }
}

/// The tree from its root.
pub fn root(node: &mut Node, names: &Names<'_>, problems: &mut Problems<'_>) -> Route {
    if node.text("receiver").is_none() {
        problems.error(node.span, "root route must specify a default receiver");
    }
    for (keys, message) in [
        (&["matchers", "match", "match_re"][..], "root route must not have any matchers"),
        (&["mute_time_intervals"], "root route must not have any mute time intervals"),
        (&["active_time_intervals"], "root route must not have any active time intervals"),
    ] {
        for key in keys {
            let filled = node.get(key).is_some_and(|value| !value.items().is_empty() || !value.entries().is_empty());
            if filled {
                problems.error(node.key_span(key), message);
            }
        }
    }
    if node.flag("continue") == Some(true) {
        problems.error(node.key_span("continue"), "cannot have continue in root route");
    }
    route(node, &defaults(), names, problems)
}

fn route(node: &mut Node, parent: &Route, names: &Names<'_>, problems: &mut Problems<'_>) -> Route {
    let mut matchers = classic_pairs(node, "match", "match_re", problems);
    matchers.extend(listed(node, "matchers", problems));
    matchers.sort_by(|a, b| (&a.name, &a.value, rank(a.op)).cmp(&(&b.name, &b.value, rank(b.op))));
    for key in ["group_interval", "repeat_interval"] {
        if node.duration(key) == Some(DurationMs::ZERO) {
            problems.error(node.key_span(key), format!("{key} cannot be zero"));
        }
    }
    if let Some(value) = node.get("receiver") {
        let name = value.as_text().unwrap_or("");
        if !name.is_empty() && !names.receivers.contains(name) {
            let help = help_for(name, &names.receivers, problems);
            problems.error_with(value.span, format!("undefined receiver {} used in route", quote(name)), help);
        }
    }
    for key in ["mute_time_intervals", "active_time_intervals"] {
        for item in node.get(key).map(Node::items).unwrap_or_default() {
            let name = item.as_text().unwrap_or("");
            if !names.intervals.contains(name) {
                let help = help_for(name, &names.intervals, problems);
                problems.error_with(item.span, format!("undefined time interval {} used in route", quote(name)), help);
            }
        }
    }
    let mut labels = parent.labels.to_builder();
    for (name, value) in node.pairs("labels") {
        labels.set(&name, &value);
    }
    let mut this = Route {
        receiver: node.text("receiver").map_or_else(|| parent.receiver.clone(), str::to_owned),
        group_by: group_by(node, problems).unwrap_or_else(|| parent.group_by.clone()),
        group_wait: node.duration("group_wait").unwrap_or(parent.group_wait),
        group_interval: node.duration("group_interval").unwrap_or(parent.group_interval),
        repeat_interval: node.duration("repeat_interval").unwrap_or(parent.repeat_interval),
        matchers,
        continues: node.flag("continue").unwrap_or(false),
        mute_time_intervals: node.texts("mute_time_intervals"),
        active_time_intervals: node.texts("active_time_intervals"),
        labels: labels.build(),
        routes: Vec::new(),
    };
    if let Some(children) = node.get_mut("routes") {
        let items = children.items_mut().iter_mut().filter(|child| !child.is_null());
        let routes = items.map(|child| route(child, &this, names, problems)).collect();
        this.routes = routes;
    }
    this
}

fn rank(op: MatchOp) -> u8 {
    match op {
        MatchOp::Equal => 0,
        MatchOp::NotEqual => 1,
        MatchOp::Regex => 2,
        MatchOp::NotRegex => 3,
    }
}

fn group_by(node: &Node, problems: &mut Problems<'_>) -> Option<GroupBy> {
    let list = node.get("group_by")?;
    let (mut names, mut seen) = (Vec::new(), HashSet::new());
    let mut all = false;
    for item in list.items() {
        match item.as_text().unwrap_or("") {
            "..." => all = true,
            "" => problems.error(item.span, "invalid label name \"\" in group_by list"),
            name if !seen.insert(name) => problems.error(item.span, format!("duplicated label {} in group_by", quote(name))),
            name => names.push(name.to_owned()),
        }
    }
    if all && !names.is_empty() {
        problems.error(list.span, "cannot have wildcard group_by (`...`) and other labels at the same time");
    }
    Some(if all { GroupBy::All } else { GroupBy::Names(names) })
}

/// `match` and `match_re`; the latter enters as `^(?:...)$`, which is how it stands in group keys.
fn classic_pairs(node: &Node, equal: &str, regex: &str, problems: &mut Problems<'_>) -> Vec<Matcher> {
    let mut out = Vec::new();
    for (key, op) in [(equal, MatchOp::Equal), (regex, MatchOp::Regex)] {
        for entry in node.get(key).map(Node::entries).unwrap_or_default() {
            if !is_legacy_label_name(&entry.key) {
                problems.error(entry.key_span, format!("invalid label name {}", quote(&entry.key)));
            }
            let Some(text) = entry.value.as_text().or((op == MatchOp::Equal).then_some("")) else {
                problems.error(entry.key_span, format!("invalid regexp value for {}", quote(&entry.key)));
                continue;
            };
            let value = if op == MatchOp::Regex { format!("^(?:{text})$") } else { text.to_owned() };
            // A pattern that does not compile has been told when the tree was checked.
            out.extend(Matcher::new(entry.key.clone(), op, value));
        }
    }
    out
}

/// A list of matcher lines; the tree gets them back one per item and in order, as Alertmanager prints them.
fn listed(node: &mut Node, key: &str, problems: &mut Problems<'_>) -> Vec<Matcher> {
    let Some(list) = node.get_mut(key) else { return Vec::new() };
    let mut out = Vec::new();
    for item in list.items() {
        let Some(line) = item.as_text() else { continue };
        match matchers::parse(line) {
            Ok((parsed, warning)) => {
                if let Some(warning) = warning {
                    problems.note(item.span, &format!("matchers/{line}"), warning);
                }
                out.extend(parsed.into_iter().map(|matcher| (matcher, item.span)));
            }
            Err(message) => {
                let suggestion = Some("write label=\"value\", with one of = != =~ !~".to_owned());
                problems.error_with(item.span, format!("bad matcher format: {message}"), suggestion);
            }
        }
    }
    out.sort_by(|(a, _), (b, _)| (&a.name, &a.value, rank(a.op)).cmp(&(&b.name, &b.value, rank(b.op))));
    list.value = Value::List(out.iter().map(|(matcher, span)| Node::quoted(matchers::show_one(matcher), *span)).collect());
    out.into_iter().map(|(matcher, _)| matcher).collect()
}

/// `inhibit_rules`.
pub fn inhibit_rules(root: &mut Node, problems: &mut Problems<'_>) -> Vec<InhibitRule> {
    let Some(list) = root.get_mut("inhibit_rules") else { return Vec::new() };
    let items = list.items_mut().iter_mut().filter(|node| !node.is_null());
    items
        .map(|node| {
            let mut source_matchers = classic_pairs(node, "source_match", "source_match_re", problems);
            source_matchers.extend(listed(node, "source_matchers", problems));
            let mut target_matchers = classic_pairs(node, "target_match", "target_match_re", problems);
            target_matchers.extend(listed(node, "target_matchers", problems));
            for item in node.get("equal").map(Node::items).unwrap_or_default() {
                if item.as_text().unwrap_or("").is_empty() {
                    problems.error(item.span, "invalid label name \"\" in equal list");
                }
            }
            let name = node.text("name").unwrap_or("").to_owned();
            InhibitRule { name, source_matchers, target_matchers, equal: node.texts("equal") }
        })
        .collect()
}
