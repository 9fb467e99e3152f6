//! Lints on their own positive and negative cases (`tests/lint/NAME.yml`), on rules of others, which are sound, and on documented defects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use promlet::app::questions;
use promlet::commands::check_rules::{CheckRulesFlags, Verdict, check_files};
use promlet::commands::serve;
use promlet::config::load_rules;
use promlet::config::rules::RuleFile;
use promlet::lint::{Finding, Known, KnownMetric, LINTS, check};
use promlet::model::{DurationMs, Labels};
use promlet::rules::RuleOptions;
use serde_json::Value as Json;

use crate::config::shared;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint")
}

fn load(path: &Path) -> RuleFile {
    load_rules(path, &serve::environment(&[]).checkers).unwrap_or_else(|problems| panic!("{}", problems[0]))
}

fn findings(file: &RuleFile, known: &Known) -> Vec<Finding> {
    check(&file.groups, questions::features(&[]), known)
}

fn shown(file: &RuleFile, found: &Finding) -> String {
    let expr = match &file.groups[found.group].rules[found.rule] {
        RuleOptions::Recording { expr, .. } | RuleOptions::Alerting { expr, .. } => expr,
    };
    format!("{}: {expr}\n    {}\n    {}", found.lint, found.message, found.way_out)
}

/// Lints that find nothing without a server.
const WITH_SERVER: [&str; 8] =
    ["between-scrapes", "beyond-retention", "cost", "external-label", "first-event", "old-value", "two-types", "unknown-series"];

#[test]
fn each_lint_finds_its_cases_and_no_others() {
    let mut wrong = Vec::new();
    for lint in LINTS.iter().map(|lint| lint.name).filter(|name| !WITH_SERVER.contains(name)) {
        let file = load(&folder().join(format!("{lint}.yml")));
        let found: Vec<Finding> = findings(&file, &Known::default()).into_iter().filter(|found| found.lint == lint).collect();
        for (group, options) in file.groups.iter().enumerate() {
            for rule in 0..options.rules.len() {
                let is_found = found.iter().any(|found| (found.group, found.rule) == (group, rule));
                let wanted = options.name == "found";
                if is_found != wanted && !(options.name == "found in one" && found.iter().any(|found| found.group == group)) {
                    wrong.push(format!("{lint}, {}: {:?}", options.name, options.rules[rule]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn known() -> Known {
    let json: Json = serde_json::from_str(&std::fs::read_to_string(folder().join("with-server/known.json")).unwrap()).unwrap();
    let metrics: BTreeMap<String, KnownMetric> =
        json.as_object().unwrap().iter().map(|(name, metric)| (name.clone(), metric_of(metric))).collect();
    let external_labels = Some(vec!["site".to_owned()]);
    let counts = [("{__name__=\"many\"}", 150_000), ("{__name__=\"many\", shard=\"1\"}", 1_000), ("{__name__=\"queue_depth\"}", 100)];
    Known {
        names: metrics.keys().cloned().collect(),
        metrics,
        retention: Some(DurationMs::seconds(15 * 86_400)),
        external_labels,
        counts: counts.map(|(selector, series)| (selector.to_owned(), series)).into(),
    }
}

fn metric_of(json: &Json) -> KnownMetric {
    let labels =
        |series: &Json| Labels::from_pairs(series.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap())));
    let series: Vec<Labels> = json["series"].as_array().unwrap().iter().map(labels).collect();
    let interval = DurationMs::parse(json["interval"].as_str().unwrap()).ok();
    let metric = KnownMetric::of_series(json["kind"].as_str().map(str::to_owned), interval, &series);
    let kinds = json["kinds"].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned);
    KnownMetric { kinds: metric.kinds.iter().cloned().chain(kinds).collect(), ..metric }
}

/// Groups are named for the lint that finds each of their rules, or none of them.
#[test]
fn a_servers_labels_types_and_intervals_are_evidence() {
    let (file, known) = (load(&folder().join("with-server/cases.yml")), known());
    let found = findings(&file, &known);
    for (group, options) in file.groups.iter().enumerate() {
        let (lint, wanted) = match options.name.strip_prefix("clean ") {
            Some(lint) => (lint, false),
            None => (options.name.as_str(), true),
        };
        for (rule, written) in options.rules.iter().enumerate() {
            let is_found = found.iter().any(|found| (found.lint, found.group, found.rule) == (lint, group, rule));
            assert_eq!(is_found, wanted, "{lint}: {written:?}");
        }
    }
    let said: Vec<&str> = found.iter().filter(|found| found.lint == "unknown-series").map(|found| found.way_out.as_str()).collect();
    assert_eq!(said[0], "did you mean training_epochs_completed_total?");
}

#[test]
fn finished_runs_keep_their_values() {
    let series: Vec<Labels> = (0..30).map(|at| Labels::from_pairs([("job_id", format!("j{at}"))])).collect();
    let metric = KnownMetric::of_series(Some("gauge".to_owned()), None, &series);
    let known = Known { names: vec!["used".to_owned()], metrics: BTreeMap::from([("used".to_owned(), metric)]), ..Known::default() };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.yml");
    let text = "groups: [{name: g, rules: [{alert: A, expr: used > 90}, {alert: B, expr: 'used > 90 and changes(used[1h]) > 0'}]}]";
    std::fs::write(&path, text).unwrap();
    let found: Vec<usize> =
        findings(&load(&path), &known).iter().filter(|found| found.lint == "old-value").map(|found| found.rule).collect();
    assert_eq!(found, [0]);
}

/// Of the 54 rules that others publish six name a label which their expressions aggregate away, as looked at one by one; nothing else is
/// found in them, and nothing in ours.
#[test]
fn sound_rules_are_left_alone() {
    let own = ["gpu.yml", "grpo.yml", "training.yml"].iter().map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("rules").join(name));
    for path in own {
        let file = load(&path);
        let said: Vec<String> = findings(&file, &Known::default()).iter().map(|found| shown(&file, found)).collect();
        assert!(said.is_empty(), "{}: {}", path.display(), said.join("\n"));
    }
    let Some(folder) = shared("corpus/rules") else { return };
    let mut said = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = load(&entry.unwrap().path());
        said.extend(findings(&file, &Known::default()).iter().map(|found| shown(&file, found).lines().next().unwrap().to_owned()));
    }
    said.sort();
    let expected = [
        "absent-at-once: absent(up{job=\"alertmanager\"})",
        "absent-at-once: absent(up{job=\"prometheus\"})",
        "counter-level: (node_edac_uncorrectable_errors_total > 0)",
        "missing-text-label: absent(up{job=\"alertmanager\"})",
        "missing-text-label: absent(up{job=\"prometheus\"})",
        "missing-text-label: count(count_values(\"config_hash\", alertmanager_config_hash)) > 1",
        "missing-text-label: label_replace(count by(__name__) ({__name__=~\".+\"}), \"name\", \"$1\", \"__name__\", \"(.+)\") > 10000",
        "missing-text-label: sum by (job) (up) == 0",
        "missing-text-label: vector(1)",
    ];
    assert_eq!(said, expected);
}

/// The documented GRPO rules, whose defects are known: rule and lint.
#[test]
fn documented_defects_are_found() {
    let file = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/documented/grpo.yml"));
    let name = |found: &Finding| match &file.groups[found.group].rules[found.rule] {
        RuleOptions::Recording { record, .. } => record.clone(),
        RuleOptions::Alerting { alert, .. } => alert.clone(),
    };
    let found: Vec<String> = findings(&file, &Known::default()).iter().map(|found| format!("{} {}", name(found), found.lint)).collect();
    let expected = [
        "HighTrainingFailureRate division-by-zero",
        "HighTrainingFailureRate hold-beyond-window",
        "HighTrainingFailureRate static-text",
        "SlowTrajectoryGeneration quantile",
        "SlowTrajectoryGeneration static-text",
        "TrainingBudgetWarning static-text",
        "TrainingBudgetWarning two-levels",
        "LongRunningTrainingJob count-as-time",
        "training:job_success_rate:5m missing-side",
        "training:trajectory_generation_p95:5m quantile",
        "training:policy_update_p95:5m quantile",
    ];
    assert_eq!(found, expected);
}

/// Of the operator's rules for a cluster, which are in use, what is found is so, as looked at one by one; their copies for different verbs
/// are no duplicates.
#[test]
fn a_clusters_rules_have_few_defects() {
    let Some(folder) = shared("corpus/manifests") else { return };
    let mut said = Vec::new();
    let (mut files, mut rules) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if !entry.to_string_lossy().contains("prometheusRule") {
            continue;
        }
        let file = load(&entry);
        (files, rules) = (files + 1, rules + file.groups.iter().map(|group| group.rules.len()).sum::<usize>());
        let found = promlet::lint::duplicates(&file.groups, questions::features(&[])).into_iter().chain(findings(&file, &Known::default()));
        said.extend(found.map(|found| found.lint));
    }
    said.sort_unstable();
    assert_eq!((files, rules), (5, 198));
    let text = ["missing-text-label"; 5];
    assert_eq!(said, [&text[..], &["pattern", "pattern", "two-levels"]].concat());
}

#[test]
fn promtools_lint_and_the_choice_of_lints() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.yml");
    let text = "groups:\n- name: g\n  rules:\n  - {record: a, expr: x}\n  - {record: a, expr: 'rate(x_total[1s])'}\n  - {record: a, expr: x, labels: {l: v}}\n";
    std::fs::write(&path, text).unwrap();
    let run = |lint: &[&str]| {
        let flags = CheckRulesFlags {
            files: vec![path.clone()],
            lint: lint.iter().map(|name| (*name).to_owned()).collect(),
            ..CheckRulesFlags::default()
        };
        let mut out = Vec::new();
        let verdict = check_files(&flags, &Known::default(), &mut out).unwrap();
        assert_eq!(verdict.files_wrong, 0);
        (verdict.findings, String::from_utf8(out).unwrap().replace(&path.display().to_string(), "r.yml"))
    };
    let (count, said) = run(&["duplicate-rules"]);
    assert_eq!(count, 1);
    assert!(said.contains("r.yml:5: a: group g has a rule of this name and these labels already"), "{said}");
    let verbs = "groups:\n- name: g\n  rules:\n  - {record: a, expr: 'sum by (verb) (x{verb=\"GET\"})'}\n  - {record: a, expr: 'sum by (verb) (x{verb=\"PUT\"})'}\n";
    std::fs::write(&path, verbs).unwrap();
    assert_eq!(run(&["duplicate-rules"]).0, 0);
    std::fs::write(&path, verbs.replace("verb=\"GET\"", "verb=~\"2..\"").replace("verb=\"PUT\"", "verb=~\"3..|40.\"")).unwrap();
    assert_eq!(run(&["duplicate-rules"]).0, 0);
    std::fs::write(&path, verbs.replace("verb=\"GET\"", "verb=~\"2..\"").replace("verb=\"PUT\"", "verb=~\"3..|.04\"")).unwrap();
    assert_eq!(run(&["duplicate-rules"]).0, 1);
    std::fs::write(&path, verbs.replace("by (verb)", "")).unwrap();
    assert_eq!(run(&["duplicate-rules"]).0, 1);
    std::fs::write(&path, text).unwrap();
    assert_eq!(run(&["none"]).0, 0);
    assert_eq!(run(&["all"]).0, 2);
    assert_eq!(run(&["window", "quantile"]).0, 1);
    let broken = CheckRulesFlags { files: vec![path.with_file_name("none.yml")], ..CheckRulesFlags::default() };
    let verdict = check_files(&broken, &Known::default(), &mut Vec::new()).unwrap();
    assert_eq!(verdict, Verdict { files_wrong: 1, findings: 0 });
}
