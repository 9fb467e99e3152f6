//! Files with unit tests of rules, in promtool's format: series to come, and which alerts and values are expected when.

use std::path::{Path, PathBuf};

use crate::model::{DurationMs, Labels, TimestampMs};
use crate::yaml::{self, Kind, Node, Problems, Section, Source, field, scalar};

use super::{Loaded, paths};

static SERIES: Section = Section { name: "input series", fields: &[&[field("series", Kind::Text), field("values", Kind::Text)]] };

static ALERT: Section = Section {
    name: "expected alert",
    fields: &[&[field("exp_labels", Kind::Map(&Kind::Text)), field("exp_annotations", Kind::Map(&Kind::Text))]],
};

static ALERT_TEST: Section = Section {
    name: "alert rule test",
    fields: &[&[
        field("eval_time", Kind::Duration),
        field("alertname", Kind::Text),
        field("exp_alerts", Kind::List(&Kind::Section(&ALERT))),
    ]],
};

static SAMPLE: Section = Section {
    name: "expected sample",
    fields: &[&[field("labels", Kind::Text), field("value", Kind::Float), field("histogram", Kind::Text)]],
};

static EXPR_TEST: Section = Section {
    name: "promql expression test",
    fields: &[&[field("expr", Kind::Text), field("eval_time", Kind::Duration), field("exp_samples", Kind::List(&Kind::Section(&SAMPLE)))]],
};

static TEST: Section = Section {
    name: "test group",
    fields: &[&[
        field("name", Kind::Text),
        field("interval", Kind::Duration),
        field("start_timestamp", Kind::Text),
        field("input_series", Kind::List(&Kind::Section(&SERIES))),
        field("alert_rule_test", Kind::List(&Kind::Section(&ALERT_TEST))),
        field("promql_expr_test", Kind::List(&Kind::Section(&EXPR_TEST))),
        field("external_labels", Kind::Map(&Kind::Text)),
        field("external_url", Kind::Text),
    ]],
};

static TEST_FILE: Section = Section {
    name: "unit test file",
    fields: &[&[
        field("rule_files", Kind::List(&Kind::Text)),
        field("evaluation_interval", Kind::Duration),
        field("group_eval_order", Kind::List(&Kind::Text)),
        field("fuzzy_compare", Kind::Bool),
        field("tests", Kind::List(&Kind::Section(&TEST))),
    ]],
};

/// One file of tests.
#[derive(Clone, Debug)]
pub struct RuleTests {
    /// The files that the patterns name, no file twice.
    pub rule_files: Vec<PathBuf>,
    /// Patterns that name no file.
    pub unmatched: Vec<PathBuf>,
    pub evaluation_interval: DurationMs,
    /// Names of groups that are evaluated in this order; a group that is not listed counts with the first.
    pub group_eval_order: Vec<String>,
    /// Values may differ in the last bit.
    pub fuzzy_compare: bool,
    pub tests: Vec<RuleTest>,
}

#[derive(Clone, Debug)]
pub struct RuleTest {
    /// May be empty.
    pub name: String,
    /// Between two values of a series, and for groups that state no interval.
    pub interval: DurationMs,
    /// Where the times of series and tests count from.
    pub start: TimestampMs,
    /// Metric and values, as written.
    pub series: Vec<(String, String)>,
    pub alerts: Vec<AlertTest>,
    pub exprs: Vec<ExprTest>,
    pub external_labels: Labels,
    pub external_url: String,
}

impl RuleTest {
    /// When the last thing is tested.
    pub fn last_eval_time(&self) -> DurationMs {
        let times = self.alerts.iter().map(|test| test.eval_time).chain(self.exprs.iter().map(|test| test.eval_time));
        times.max().unwrap_or(DurationMs::ZERO)
    }
}

#[derive(Clone, Debug)]
pub struct AlertTest {
    pub eval_time: DurationMs,
    pub alert: String,
    /// Labels, with the alert's name, and annotations.
    pub expected: Vec<(Labels, Labels)>,
}

#[derive(Clone, Debug)]
pub struct ExprTest {
    pub expr: String,
    pub eval_time: DurationMs,
    pub expected: Vec<ExpectedSample>,
}

#[derive(Clone, Debug)]
pub struct ExpectedSample {
    /// A metric, as an expression writes it.
    pub labels: String,
    pub value: f64,
    /// A native histogram's description; then the value counts for nothing.
    pub histogram: String,
}

/// Reads one file of tests. Rule files count from its folder.
pub fn load_rule_tests(path: &Path) -> Loaded<RuleTests> {
    let source = Source::read(path).map_err(|problem| vec![problem])?;
    let mut problems = Problems::new(&source);
    let root = yaml::parse(&source, &mut problems).filter(|root| !root.is_null());
    let mut tests = RuleTests {
        rule_files: Vec::new(),
        unmatched: Vec::new(),
        evaluation_interval: DurationMs::seconds(60),
        group_eval_order: Vec::new(),
        fuzzy_compare: false,
        tests: Vec::new(),
    };
    if let Some(root) = &root {
        yaml::check(root, &TEST_FILE, &mut problems);
        tests.read(root, &paths::folder_of(path), &mut problems);
    }
    let (errors, _) = problems.finish();
    if errors.is_empty() { Ok(tests) } else { Err(errors) }
}

impl RuleTests {
    fn read(&mut self, root: &Node, folder: &Path, problems: &mut Problems<'_>) {
        if let Some(interval) = root.duration("evaluation_interval").filter(|interval| interval.0 > 0) {
            self.evaluation_interval = interval;
        }
        self.fuzzy_compare = root.flag("fuzzy_compare").unwrap_or(false);
        for node in root.get("group_eval_order").map(Node::items).unwrap_or_default() {
            let name = node.as_text().unwrap_or("").to_owned();
            if self.group_eval_order.contains(&name) {
                problems.error(node.span, format!("group name repeated in evaluation order: {name}"));
            }
            self.group_eval_order.push(name);
        }
        for pattern in root.texts("rule_files") {
            let pattern = if folder == Path::new(".") { PathBuf::from(pattern) } else { folder.join(pattern) };
            let found = paths::expand(&pattern);
            if found.is_empty() {
                self.unmatched.push(pattern);
            }
            self.rule_files.extend(found);
        }
        let mut seen = std::collections::HashSet::new();
        self.rule_files.retain(|file| seen.insert(file.clone()));
        let nodes = root.get("tests").map(Node::items).unwrap_or_default();
        self.tests = nodes.iter().map(|node| self.test(node, problems)).collect();
    }

    fn test(&self, node: &Node, problems: &mut Problems<'_>) -> RuleTest {
        let name = node.text("name").unwrap_or("").to_owned();
        let items = |key: &str| node.get(key).map(Node::items).unwrap_or_default();
        let series = |node: &Node| (node.text("series").unwrap_or("").to_owned(), node.text("values").unwrap_or("").to_owned());
        let start = node.get("start_timestamp").filter(|at| !at.is_null());
        RuleTest {
            interval: node.duration("interval").filter(|interval| interval.0 > 0).unwrap_or(self.evaluation_interval),
            start: start.map_or(TimestampMs(0), |at| moment(at, problems)),
            series: items("input_series").iter().map(series).collect(),
            alerts: items("alert_rule_test").iter().map(|test| alert_test(test, &name, problems)).collect(),
            exprs: items("promql_expr_test").iter().map(expr_test).collect(),
            external_labels: Labels::from_pairs(node.pairs("external_labels")),
            external_url: node.text("external_url").unwrap_or("").to_owned(),
            name,
        }
    }
}

/// Unix seconds or a date.
fn moment(node: &Node, problems: &mut Problems<'_>) -> TimestampMs {
    let text = node.as_text().unwrap_or("");
    if let Some(seconds) = text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 9e12) {
        return TimestampMs::from_seconds(seconds);
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => TimestampMs(at.as_millisecond()),
        Err(_) => {
            let way_out = "write Unix seconds, or a date as 2026-01-31T12:00:00Z".to_owned();
            problems.error_with(node.span, format!("cannot parse \"{text}\" to a valid timestamp"), Some(way_out));
            TimestampMs(0)
        }
    }
}

fn alert_test(node: &Node, test: &str, problems: &mut Problems<'_>) -> AlertTest {
    let eval_time = node.duration("eval_time").unwrap_or(DurationMs::ZERO);
    let alert = node.text("alertname").unwrap_or("").to_owned();
    if alert.is_empty() {
        let of = if test.is_empty() { String::new() } else { format!(" (in TestGroup {test})") };
        let message = format!("an item under alert_rule_test misses required attribute alertname at eval_time {eval_time}{of}");
        problems.error(node.span, message);
    }
    let expected = |node: &Node| {
        let mut labels = Labels::from_pairs(node.pairs("exp_labels")).to_builder();
        labels.set("alertname", &alert);
        (labels.build(), Labels::to_set(node.pairs("exp_annotations")))
    };
    let expected = node.get("exp_alerts").map(Node::items).unwrap_or_default().iter().map(expected).collect();
    AlertTest { eval_time, expected, alert }
}

fn expr_test(node: &Node) -> ExprTest {
    let sample = |node: &Node| ExpectedSample {
        labels: node.text("labels").unwrap_or("").to_owned(),
        value: node.get("value").and_then(scalar::float).unwrap_or(0.0),
        histogram: node.text("histogram").unwrap_or("").to_owned(),
    };
    ExprTest {
        expr: node.text("expr").unwrap_or("").to_owned(),
        eval_time: node.duration("eval_time").unwrap_or(DurationMs::ZERO),
        expected: node.get("exp_samples").map(Node::items).unwrap_or_default().iter().map(sample).collect(),
    }
}
