//! The routing tree, made ready: which routes an alert takes, the labels of its group, Alertmanager's text for a group's key.

use std::fmt::Write as _;

use super::options::{GroupBy, Route};
use crate::model::{Labels, Matcher};

/// Every matcher holds; a label that is missing counts as empty.
pub fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name).unwrap_or("")))
}

/// A node of the tree in a flat list, the root first.
#[derive(Clone, Debug)]
pub struct Node {
    /// Without children.
    pub route: Route,
    children: Vec<usize>,
    /// The matchers on the way from the root: `{}/{severity="page"}`.
    pub key: String,
    /// Receiver, grouping and a count among the routes that share both: unlike the key it survives an edit of the matchers.
    pub identity: String,
}

#[derive(Clone, Debug)]
pub struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    pub fn new(root: &Route) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        tree.add(root, None);
        tree
    }

    fn add(&mut self, route: &Route, parent: Option<usize>) -> usize {
        let own = matchers_text(&route.matchers);
        let key = parent.map_or_else(|| own.clone(), |parent| format!("{}/{own}", self.nodes[parent].key));
        let stem = format!("{}|{}", route.receiver, group_by_text(&route.group_by));
        let before = self.nodes.iter().filter(|node| node.identity.rsplit_once('#').is_some_and(|(other, _)| other == stem)).count();
        let at = self.nodes.len();
        let alone = Route { routes: Vec::new(), ..route.clone() };
        self.nodes.push(Node { route: alone, children: Vec::new(), key, identity: format!("{stem}#{before}") });
        let children = route.routes.iter().map(|child| self.add(child, Some(at))).collect();
        self.nodes[at].children = children;
        at
    }

    pub fn node(&self, at: usize) -> &Node {
        &self.nodes[at]
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The routes that handle an alert, in order: depth first, and siblings after a match only where it says `continue`.
    pub fn routes_of(&self, labels: &Labels) -> Vec<usize> {
        let mut found = Vec::new();
        if !self.nodes.is_empty() {
            self.walk(0, labels, &mut found);
        }
        found
    }

    fn walk(&self, at: usize, labels: &Labels, found: &mut Vec<usize>) -> bool {
        let node = &self.nodes[at];
        if !all_match(&node.route.matchers, labels) {
            return false;
        }
        let before = found.len();
        for child in &node.children {
            if self.walk(*child, labels, found) && !self.nodes[*child].route.continues {
                break;
            }
        }
        if found.len() == before {
            found.push(at);
        }
        true
    }
}

/// The labels that name an alert's group on this route; those that the alert lacks are left out.
pub fn group_labels(route: &Route, labels: &Labels) -> Labels {
    match &route.group_by {
        GroupBy::All => labels.clone(),
        GroupBy::Names(names) => Labels::from_sorted(labels.iter().filter(|(name, _)| names.iter().any(|by| by == name))),
    }
}

/// Alertmanager's text for a group: the route's key, a colon, the group's labels.
pub fn group_key(node: &Node, labels: &Labels) -> String {
    format!("{}:{}", node.key, label_set_text(labels))
}

/// `{a="b", c="d"}`: also a label `__name__` stands inside of the braces.
fn label_set_text(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={}", crate::model::number::quote(value))).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// `{a="b",c=~"d"}`, in order of name, value, operator.
fn matchers_text(matchers: &[Matcher]) -> String {
    let mut sorted: Vec<&Matcher> = matchers.iter().collect();
    sorted.sort_by(|a, b| (&a.name, &a.value, a.op.as_str()).cmp(&(&b.name, &b.value, b.op.as_str())));
    let mut text = String::from("{");
    for (at, matcher) in sorted.iter().enumerate() {
        let separator = if at > 0 { "," } else { "" };
        let _ = write!(text, "{separator}{}", matcher_text(matcher));
    }
    text + "}"
}

/// A matcher as Alertmanager prints it: the name in quotes where it is not a plain word; only backslash, quote and newline escaped.
pub fn matcher_text(matcher: &Matcher) -> String {
    let reserved = |c: char| c.is_whitespace() || "{}!=~,\\\"'`".contains(c);
    let op = matcher.op.as_str();
    if matcher.name.contains(reserved) {
        return format!("{}{op}{}", crate::model::number::quote(&matcher.name), crate::model::number::quote(&matcher.value));
    }
    let value = matcher.value.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
    format!("{}{op}\"{value}\"", matcher.name)
}

fn group_by_text(group_by: &GroupBy) -> String {
    match group_by {
        GroupBy::All => "...".to_owned(),
        GroupBy::Names(names) => {
            let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
            sorted.sort_unstable();
            sorted.join(",")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DurationMs;

    fn route(receiver: &str, matcher: Option<(&str, &str)>, continues: bool, routes: Vec<Route>) -> Route {
        Route {
            receiver: receiver.to_owned(),
            group_by: GroupBy::Names(vec!["alertname".to_owned()]),
            group_wait: DurationMs::ZERO,
            group_interval: DurationMs::seconds(1),
            repeat_interval: DurationMs::seconds(1),
            matchers: matcher.iter().map(|(name, value)| Matcher::equal(*name, *value)).collect(),
            continues,
            mute_time_intervals: Vec::new(),
            active_time_intervals: Vec::new(),
            labels: Labels::empty(),
            routes,
        }
    }

    // The tree that the research ran on Alertmanager 0.33.1.
    #[test]
    fn continue_tries_the_siblings_after_a_match() {
        let all = Some(("t", "x"));
        let children = vec![route("c", all, true, vec![]), route("d", all, false, vec![])];
        let tree = Tree::new(&route("a", None, false, vec![route("b", all, true, children), route("e", all, false, vec![])]));
        let labels = Labels::from_pairs([("t", "x"), ("alertname", "A"), ("z", "1")]);
        let names: Vec<&str> = tree.routes_of(&labels).iter().map(|at| tree.node(*at).route.receiver.as_str()).collect();
        assert_eq!(names, ["c", "d", "e"]);
        let first = tree.node(tree.routes_of(&labels)[0]);
        assert_eq!(group_key(first, &group_labels(&first.route, &labels)), "{}/{t=\"x\"}/{t=\"x\"}:{alertname=\"A\"}");
        assert_eq!(tree.routes_of(&Labels::from_pairs([("alertname", "A")])), [0]);
    }

    #[test]
    fn identity_survives_an_edit_of_the_matchers() {
        let with = |value| Tree::new(&route("a", None, false, vec![route("b", Some(("t", value)), false, vec![])]));
        assert_eq!(with("x").node(1).identity, with("y").node(1).identity);
        assert_ne!(with("x").node(1).key, with("y").node(1).key);
    }
}
