//! Rule files: groups of recording and alerting rules, every expression and template checked.

use std::collections::HashMap;
use std::path::Path;

use crate::model::number::quote;
use crate::model::{DurationMs, Labels, METRIC_NAME, Problem, Span};
use crate::rules::options::{GroupOptions, RuleOptions};
use crate::yaml::{self, Field, Kind, Node, Problems, Section, Source, field, locate, scalar, suggest};

use super::relabel::{is_label_name, is_legacy_label_name};
use super::{Checkers, Loaded};

static RULE: Section = Section {
    name: "rule",
    fields: &[&[
        field("record", Kind::Text),
        field("alert", Kind::Text),
        field("expr", Kind::Text),
        field("for", Kind::Duration),
        field("keep_firing_for", Kind::Duration),
        field("labels", Kind::Map(&Kind::Text)),
        field("annotations", Kind::Map(&Kind::Text)),
    ]],
};

static GROUP_FIELDS: [Field; 6] = [
    field("name", Kind::Text),
    field("interval", Kind::Duration),
    field("query_offset", Kind::Duration),
    field("limit", Kind::Int),
    field("rules", Kind::List(&Kind::Section(&RULE))),
    field("labels", Kind::Map(&Kind::Text)),
];

static GROUP: Section = Section { name: "rule group", fields: &[&GROUP_FIELDS] };

static RULE_FILE: Section = Section { name: "rule file", fields: &[&[field("groups", Kind::List(&Kind::Section(&GROUP)))]] };

/// Groups of a PrometheusRule may say what a Thanos ruler does, too.
static RESOURCE_GROUP: Section =
    Section { name: "rule group", fields: &[&GROUP_FIELDS, &[field("partial_response_strategy", Kind::Text).idle()]] };

static RESOURCE: Section =
    Section { name: "PrometheusRule's spec", fields: &[&[field("groups", Kind::List(&Kind::Section(&RESOURCE_GROUP)))]] };

/// What a group takes over where it says nothing.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    pub interval: DurationMs,
    pub query_offset: DurationMs,
    pub legacy_names: bool,
    /// Keys that no rule file has are left alone, as `--ignore-unknown-fields` asks.
    pub ignore_unknown_fields: bool,
}

impl Default for Defaults {
    /// Prometheus's own: a minute, no offset, any names.
    fn default() -> Self {
        Self { interval: DurationMs::seconds(60), query_offset: DurationMs::ZERO, legacy_names: false, ignore_unknown_fields: false }
    }
}

/// The groups of one file.
#[derive(Clone, Debug, Default)]
pub struct RuleFile {
    pub groups: Vec<GroupOptions>,
    /// For each group the line of each rule's name, from 1.
    pub lines: Vec<Vec<usize>>,
    pub notes: Vec<Problem>,
}

impl RuleFile {
    /// How many alerting and how many recording rules.
    pub fn counts(&self) -> (usize, usize) {
        count(&self.groups)
    }
}

/// How many alerting and how many recording rules.
pub fn count(groups: &[GroupOptions]) -> (usize, usize) {
    let rules: Vec<&RuleOptions> = groups.iter().flat_map(|group| &group.rules).collect();
    let alerting = rules.iter().filter(|rule| matches!(rule, RuleOptions::Alerting { .. })).count();
    (alerting, rules.len() - alerting)
}

/// Reads one rule file with Prometheus's defaults.
pub fn load_rules(path: &Path, checkers: &Checkers) -> Loaded<RuleFile> {
    load_with(path, &Defaults::default(), checkers)
}

/// Reads one rule file, of which the first document counts; or manifests, of which every PrometheusRule does.
pub fn load_with(path: &Path, defaults: &Defaults, checkers: &Checkers) -> Loaded<RuleFile> {
    let source = Source::read(path).map_err(|problem| vec![problem])?;
    parse_rules(&source, path, defaults, checkers)
}

/// The same for a text that is at hand.
pub fn parse_rules(source: &Source, path: &Path, defaults: &Defaults, checkers: &Checkers) -> Loaded<RuleFile> {
    let mut problems = Problems::new(source);
    problems.ignores_unknown_keys = defaults.ignore_unknown_fields;
    let (mut groups, mut lines, mut names) = (Vec::new(), Vec::new(), HashMap::new());
    for root in documents(source, &mut problems) {
        let (root, section) = match is_resource(&root) {
            true => (root.get("spec").cloned().unwrap_or_else(|| Node::empty_map(root.span)), &RESOURCE),
            false => (root, &RULE_FILE),
        };
        yaml::check(&root, section, &mut problems);
        for node in root.get("groups").map(Node::items).unwrap_or_default().iter().filter(|node| !node.is_null()) {
            check_name(node, &mut names, &mut problems);
            groups.push(group(node, path, defaults, checkers, &mut problems));
            lines.push(rule_lines(node, source));
        }
    }
    let (errors, notes) = problems.finish();
    if errors.is_empty() { Ok(RuleFile { groups, lines, notes }) } else { Err(errors) }
}

/// A rule file's one document; of manifests those that hold rules.
fn documents(source: &Source, problems: &mut Problems<'_>) -> Vec<Node> {
    if !source.text.contains(RESOURCE_KIND) {
        return yaml::parse(source, problems).filter(|root| !root.is_null()).into_iter().collect();
    }
    let mut all = yaml::parse_all(source, problems);
    if all.iter().any(is_resource) {
        all.retain(is_resource);
    }
    all.truncate(if all.first().is_some_and(is_resource) { all.len() } else { 1 });
    all
}

/// The kind of manifest that Prometheus's operator reads rules from.
const RESOURCE_KIND: &str = "PrometheusRule";

fn is_resource(document: &Node) -> bool {
    let api = document.text("apiVersion").unwrap_or("");
    document.text("kind") == Some(RESOURCE_KIND) && api.starts_with("monitoring.coreos.com/")
}

fn rule_lines(group: &Node, source: &Source) -> Vec<usize> {
    let rules = group.get("rules").map(Node::items).unwrap_or_default().iter().filter(|rule| !rule.is_null());
    let named = |rule: &Node| rule.entry("alert").or_else(|| rule.entry("record")).map_or(rule.span, |entry| entry.key_span);
    rules.map(|rule| source.line_column(named(rule).start).0).collect()
}

fn check_name(node: &Node, names: &mut HashMap<String, usize>, problems: &mut Problems<'_>) {
    let Some(name) = node.text("name") else {
        problems.error_with(node.span, "Groupname must not be empty", Some("give the group a name: name: training".to_owned()));
        return;
    };
    let at = node.get("name").map_or(node.span, |value| value.span);
    let line = problems.source.line_column(at.start).0;
    match names.get(name) {
        Some(first) => {
            let suggestion = Some(format!("the first is at line {first}: give one of them another name"));
            problems.error_with(at, format!("groupname: \"{name}\" is repeated in the same file"), suggestion);
        }
        None => {
            names.insert(name.to_owned(), line);
        }
    }
}

fn group(node: &Node, path: &Path, defaults: &Defaults, checkers: &Checkers, problems: &mut Problems<'_>) -> GroupOptions {
    let name = node.text("name").unwrap_or("").to_owned();
    check_labels(node, "", defaults.legacy_names, problems);
    let shared = node.pairs("labels");
    let nodes = node.get("rules").map(Node::items).unwrap_or_default();
    let rules = nodes.iter().enumerate().filter(|(_, node)| !node.is_null()).map(|(index, node)| {
        let reader = RuleReader { node, place: place(&name, index, node), legacy: defaults.legacy_names, checkers };
        reader.read(&shared, problems)
    });
    GroupOptions {
        file: path.to_owned(),
        interval: node.duration("interval").filter(|interval| interval.0 != 0).unwrap_or(defaults.interval),
        limit: node.get("limit").and_then(scalar::integer).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0),
        query_offset: node.duration("query_offset").unwrap_or(defaults.query_offset),
        labels: Labels::to_set(shared.iter().map(|(name, value)| (name, value))),
        rules: rules.collect(),
        name,
    }
}

/// How Prometheus's sentences begin.
fn place(group: &str, index: usize, node: &Node) -> String {
    let name = node.text("alert").or_else(|| node.text("record")).unwrap_or("");
    format!("group {}, rule {}, {}: ", quote(group), index + 1, quote(name))
}

fn check_labels(node: &Node, place: &str, legacy: bool, problems: &mut Problems<'_>) {
    for entry in node.get("labels").map(Node::entries).unwrap_or_default() {
        if !is_label_name(&entry.key, legacy) || entry.key == METRIC_NAME {
            problems.error(entry.key_span, format!("{place}invalid label name: {}", entry.key));
        }
    }
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
fn is_legacy_metric_name(name: &str) -> bool {
    is_legacy_label_name(&name.replace(':', "_"))
}

struct RuleReader<'a> {
    node: &'a Node,
    place: String,
    legacy: bool,
    checkers: &'a Checkers,
}

impl RuleReader<'_> {
    /// The rule, with the group's labels under its own.
    fn read(&self, shared: &[(String, String)], problems: &mut Problems<'_>) -> RuleOptions {
        let node = self.node;
        let (record, alert) = (node.text("record"), node.text("alert"));
        match (record, alert) {
            (Some(_), Some(_)) => self.error(node.key_span("alert"), "only one of 'record' and 'alert' must be set", problems),
            (None, None) if !self.is_misspelt(&["record", "alert"]) => {
                self.error(node.span, "one of 'record' or 'alert' must be set", problems)
            }
            _ => {}
        }
        self.check_expr(problems);
        if let Some(record) = record {
            self.check_record(record, problems);
        }
        check_labels(node, &self.place, self.legacy, problems);
        for entry in node.get("annotations").map(Node::entries).unwrap_or_default() {
            if !is_label_name(&entry.key, self.legacy) {
                self.error(entry.key_span, &format!("invalid annotation name: {}", entry.key), problems);
            }
        }
        let mut pairs = shared.to_vec();
        pairs.extend(node.pairs("labels"));
        let labels = Labels::to_set(pairs);
        let expr = node.text("expr").unwrap_or("").to_owned();
        let Some(alert) = alert else {
            return RuleOptions::Recording { record: record.unwrap_or("").to_owned(), expr, labels };
        };
        self.check_templates("labels", "label", problems);
        self.check_templates("annotations", "annotation", problems);
        RuleOptions::Alerting {
            alert: alert.to_owned(),
            expr,
            hold: node.duration("for").unwrap_or(DurationMs::ZERO),
            keep_firing_for: node.duration("keep_firing_for").unwrap_or(DurationMs::ZERO),
            labels,
            annotations: Labels::to_set(node.pairs("annotations")),
        }
    }

    fn error(&self, at: Span, message: &str, problems: &mut Problems<'_>) {
        problems.error(at, format!("{}{message}", self.place));
    }

    /// Whether a missing key is there under a wrong spelling, which has been told already.
    fn is_misspelt(&self, keys: &[&str]) -> bool {
        let unknown = self.node.entries().iter().filter(|entry| RULE.field(&entry.key).is_none());
        unknown.filter_map(|entry| suggest::nearest(&entry.key, RULE.all_fields().map(|field| field.key))).any(|near| keys.contains(&near))
    }

    fn check_expr(&self, problems: &mut Problems<'_>) {
        let Some(node) = self.node.get("expr") else {
            if !self.is_misspelt(&["expr"]) {
                self.error(self.node.span, "field 'expr' must be set in rule", problems);
            }
            return;
        };
        match node.as_text() {
            Some("") => self.error(node.span, "field 'expr' must be set in rule", problems),
            Some(text) => {
                for (span, message) in (self.checkers.expr)(text) {
                    let at = locate::locate_span(&problems.source.text, node, span);
                    self.error(at, &format!("could not parse expression: {message}"), problems);
                }
            }
            None => {}
        }
    }

    fn check_record(&self, record: &str, problems: &mut Problems<'_>) {
        for key in ["annotations", "for", "keep_firing_for"] {
            let set = match self.node.get(key) {
                Some(_) if key != "annotations" => self.node.duration(key).is_some_and(|duration| duration.0 != 0),
                Some(map) => !map.entries().is_empty(),
                None => false,
            };
            if set {
                self.error(self.node.key_span(key), &format!("invalid field '{key}' in recording rule"), problems);
            }
        }
        let at = self.node.get("record").map_or(self.node.span, |value| value.span);
        if self.legacy && !is_legacy_metric_name(record) {
            self.error(at, &format!("invalid recording rule name: {record}"), problems);
        }
        if record.contains(['{', '}']) {
            self.error(at, &format!("braces present in the recording rule name; should it be in expr?: {record}"), problems);
        }
    }

    fn check_templates(&self, key: &str, word: &str, problems: &mut Problems<'_>) {
        let name = format!("__alert_{}", self.node.text("alert").unwrap_or(""));
        for entry in self.node.get(key).map(Node::entries).unwrap_or_default() {
            if let Some(error) = entry.value.as_text().and_then(|text| (self.checkers.template)(&name, text)) {
                self.error(entry.value.span, &format!("{word} {}: {error}", quote(&entry.key)), problems);
            }
        }
    }
}
