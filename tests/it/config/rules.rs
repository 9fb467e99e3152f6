//! Rule files: the documented one, others' and bad ones.

use promlet::config::load_rules;
use promlet::model::DurationMs;
use promlet::rules::RuleOptions;

use super::{environment, shared};

/// Writes a file and gives the problems as `line:column message`.
fn problems(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.yml");
    std::fs::write(&path, text).expect("writable");
    let errors = load_rules(&path, &environment().checkers).err().unwrap_or_default();
    errors.iter().map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.message)).collect()
}

#[test]
fn every_defect_is_told_at_its_place() {
    let text = "groups:\n- name: b\n  rules:\n  - alert: A\n    expr: rate(x[5m]\n  - alert: B\n    expr: up\n    for: 10x\n  - alert: D\n    exprr: up\n  - record: r\n    expr: |\n      sum(\n        x\n    for: 1m\n";
    assert_eq!(
        problems(text),
        [
            "5:21 group \"b\", rule 1, \"A\": could not parse expression: unclosed left parenthesis",
            "8:10 unknown unit \"x\" in duration \"10x\"",
            "10:5 field exprr not found in rule",
            "14:10 group \"b\", rule 4, \"r\": could not parse expression: unclosed left parenthesis",
            "15:5 group \"b\", rule 4, \"r\": invalid field 'for' in recording rule",
        ]
    );
}

#[test]
fn names_duplicates_and_templates() {
    let text = "groups:\n- name: a\n- name: a\n- interval: 1m\n- name: c\n  rules:\n  - alert: A\n    expr: up\n    alert: B\n    labels: {__name__: x}\n    annotations: {x: '{{ $value'}\n  - {}\n  -\n";
    let found = problems(text);
    for expected in [
        "3:9 groupname: \"a\" is repeated in the same file",
        "4:3 Groupname must not be empty",
        "9:5 mapping key \"alert\" already defined at line 7",
        "10:14 group \"c\", rule 1, \"A\": invalid label name: __name__",
        "11:22 group \"c\", rule 1, \"A\": annotation \"x\": unclosed action",
        "12:5 group \"c\", rule 2, \"\": one of 'record' or 'alert' must be set",
        "12:5 group \"c\", rule 2, \"\": field 'expr' must be set in rule",
    ] {
        assert!(found.iter().any(|line| line == expected), "{expected} is not in {found:#?}");
    }
    assert!(!found.iter().any(|line| line.contains("null")), "an empty item is none, as for Go: {found:#?}");
}

#[test]
fn settings_are_inherited() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.yml");
    let text = "groups:\n- name: g\n  labels: {team: a, tier: b}\n  rules:\n  - alert: A\n    expr: 010\n    for: 1h30m\n    labels: {team: c, n: 010, v: 1.0, b: yes}\n---\nbroken: [\n";
    std::fs::write(&path, text).expect("writable");
    let loaded = load_rules(&path, &environment().checkers).expect("good");
    assert_eq!(loaded.counts(), (1, 0));
    assert_eq!(loaded.groups[0].interval, DurationMs::seconds(60));
    let RuleOptions::Alerting { labels, hold, expr, .. } = &loaded.groups[0].rules[0] else { panic!("an alerting rule") };
    assert_eq!(
        (labels.to_string().as_str(), hold.0, expr.as_str()),
        ("{b=\"yes\", n=\"010\", team=\"c\", tier=\"b\", v=\"1.0\"}", 5_400_000, "010")
    );
}

#[test]
fn public_rule_files_load() {
    let Some(folder) = shared("corpus/rules") else { return };
    for entry in std::fs::read_dir(folder).expect("readable").flatten() {
        let loaded = load_rules(&entry.path(), &environment().checkers);
        let rules = loaded.unwrap_or_else(|problems| panic!("{}", problems[0])).counts();
        assert!(rules.0 + rules.1 > 0, "{:?} has rules", entry.path());
    }
}

/// Manifests of Prometheus's operator, as `kubectl` takes them: every PrometheusRule of a file, and nothing else of it.
#[test]
fn a_prometheus_rule_is_a_rule_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.yml");
    let load = |text: &str| {
        std::fs::write(&path, text).expect("writable");
        load_rules(&path, &environment().checkers)
    };
    let head = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: r}\n";
    let one =
        format!("{head}spec:\n  groups:\n  - name: g\n    partial_response_strategy: abort\n    rules:\n    - {{alert: A, expr: up}}\n");
    let two = format!("---\n{head}spec: {{groups: [{{name: h, rules: [{{record: r, expr: 1}}]}}]}}\n");
    let loaded = load(&format!("apiVersion: v1\nkind: Service\n---\n{one}{two}")).expect("good");
    assert_eq!((loaded.counts(), loaded.groups.len()), ((1, 1), 2));
    assert_eq!(loaded.lines, [[12], [17]]);
    assert_eq!(loaded.notes.len(), 1, "{:?}", loaded.notes);
    assert_eq!(load(&format!("{head}spec:\n")).expect("good").groups.len(), 0);
    let bad = |text: &str| load(text).expect_err("bad").iter().map(|problem| (problem.line, problem.message.clone())).collect::<Vec<_>>();
    assert_eq!(
        bad(&one.replace("expr: up", "expr: up(")),
        [(9, "group \"g\", rule 1, \"A\": could not parse expression: unclosed left parenthesis".to_owned())]
    );
    assert_eq!(
        bad(&format!("{one}{one2}", one2 = one.replace("apiVersion", "---\napiVersion")))[0].1,
        "groupname: \"g\" is repeated in the same file"
    );
    let plain = "groups:\n- name: PrometheusRule\n---\nbroken: [\n";
    assert_eq!(load(plain).map(|loaded| loaded.groups.len()).map_err(|errors| errors.len()), Err(1), "the name brings all documents in");
}
