//! `promlet check`: facts, notes, problems, exit code.

use promlet::commands::check::{Subject, check_all};
use promlet::commands::check_config::{CheckConfigFlags, check_files};

use super::{environment, shared};

fn check(subject: Subject, text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file.yml");
    std::fs::write(&path, text).expect("writable");
    let mut out = Vec::new();
    let right = check_all(subject, &[path], &environment(), &mut out).expect("writable");
    (right, String::from_utf8(out).expect("text").replace(&format!("{}/", folder.path().display()), ""))
}

#[test]
fn says_what_it_found() {
    let rules = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up}\n  - {record: r, expr: up}\n  - {record: s, expr: up}\n";
    assert_eq!(check(Subject::Rules, rules), (true, "file.yml: 1 group, 1 alerting rule, 2 recording rules\n".to_owned()));
    let config = "scrape_configs: [{job_name: a}]\nremote_read: [{url: 'http://x'}]\n";
    assert_eq!(
        check(Subject::Config, config),
        (
            true,
            "file.yml: 1 scrape job, 0 rule files, 0 alerting rules, 0 recording rules\nnote: file.yml:2:1: \"remote_read\" is known but not acted on by this version\n    remote_read: [{url: 'http://x'}]\n    ^\n"
                .to_owned()
        )
    );
    let alertmanager = "route: {receiver: r, routes: [{matchers: [a=b]}]}\nreceivers: [{name: r}]\n";
    assert_eq!(
        check(Subject::Alertmanager, alertmanager).1,
        "file.yml: 2 routes, 0 inhibit rules, 1 receiver, 0 templates, 0 time intervals\n"
    );
}

#[test]
fn points_at_what_is_wrong() {
    let (right, said) = check(Subject::Rules, "groups:\n- name: g\n  rules:\n  - alert: A\n    exprr: up\n");
    assert!(!right);
    assert_eq!(
        said,
        "file.yml:5:5: field exprr not found in rule\n        exprr: up\n        ^\n    help: did you mean \"expr\"?\nfile.yml: 1 problem\n"
    );
    let (right, said) = check(Subject::Config, "rule_files: [absent.yml, 'none*.yml']\n");
    assert!(!right && said.contains("absent.yml\" does not point to an existing file"), "{said}");
}

/// The documented files of the GRPO trainer, as they are printed.
#[test]
fn documented_files_load() {
    let Some(document) = shared("seeds/grpo-training-metrics.md") else { return };
    let text = std::fs::read_to_string(document).expect("readable");
    let blocks: Vec<&str> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let alerts: String = blocks
        .iter()
        .filter(|block| block.starts_with("- alert"))
        .flat_map(|block| block.lines())
        .map(|line| format!("  {line}\n"))
        .collect();
    let said = check(Subject::Rules, &format!("groups:\n- name: documented\n  rules:\n{alerts}")).1;
    assert!(said.contains("5 alerting rules, 0 recording rules"), "{said}");
    let recording = blocks.iter().find(|block| block.starts_with("groups:")).expect("there");
    assert!(check(Subject::Rules, recording).1.contains("0 alerting rules, 3 recording rules"));
    let scrape = blocks.iter().find(|block| block.contains("scrape_configs")).expect("there");
    assert!(check(Subject::Config, scrape).1.contains("1 scrape job"));
}

#[test]
fn promlet_yml_is_small_and_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("promlet.yml");
    let load = |text: &str| {
        std::fs::write(&path, text).expect("writable");
        promlet::config::load_promlet(&path)
    };
    assert!(!load("").expect("good").upstream_texts);
    assert!(load("notifications: {defaults: alertmanager}\n").expect("good").upstream_texts);
    let problems =
        load("receivers:\n- {name: a, ntfy_configs: [{}], gotify_configs: [{url: 'http://x'}]}\n- {name: a}\n").expect_err("bad");
    let said: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(said, ["missing topic in ntfy config", "one of token or token_file must be configured", "receiver \"a\" is not unique"]);
    let problems = load("notification: {}\n").expect_err("bad");
    assert_eq!(problems[0].suggestion.as_deref(), Some("did you mean \"notifications\"?"));
}

/// The rules and examples that the project ships.
#[test]
fn shipped_files_load() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = |folder: &str| -> Vec<std::path::PathBuf> {
        let listed = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten().map(|entry| entry.path());
        listed.filter(|path| path.extension().is_some_and(|end| end == "yml")).collect()
    };
    let mut judged: Vec<_> =
        ["rules", "rules/documented"].iter().flat_map(|folder| files(folder)).map(|file| (Subject::Rules, file)).collect();
    for file in files("docs/examples") {
        if file.ends_with("promlet.yml") {
            promlet::config::load_promlet(&file).expect("the example is right");
            continue;
        }
        let subject = if file.ends_with("alertmanager.yml") { Subject::Alertmanager } else { Subject::Config };
        judged.push((subject, file));
    }
    assert!(judged.len() >= 5, "{judged:?}");
    for (subject, file) in judged {
        let mut said = Vec::new();
        let right = check_all(subject, std::slice::from_ref(&file), &environment(), &mut said).expect("writable");
        assert!(right, "{}", String::from_utf8_lossy(&said));
    }
}

/// promtool's lint of a configuration and of the rule files that it names.
#[test]
fn configurations_are_linted_as_promtool_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("prometheus.yml");
    std::fs::write(&path, "scrape_configs:\n- {job_name: slow, scrape_interval: 10m}\n- {job_name: quick}\nrule_files: [r.yml]\n")
        .expect("writable");
    std::fs::write(folder.path().join("r.yml"), "groups:\n- name: g\n  rules:\n  - {record: a, expr: x}\n  - {record: a, expr: y}\n")
        .expect("writable");
    let run = |lint: &[&str]| {
        let flags = CheckConfigFlags {
            files: vec![path.clone()],
            lint: lint.iter().map(|name| (*name).to_owned()).collect(),
            lint_fatal: false,
            lookback: promlet::model::DurationMs::seconds(300),
            features: Vec::new(),
        };
        let mut out = Vec::new();
        let verdict = check_files(&flags, &environment(), &mut out).expect("writable");
        assert_eq!(verdict.files_wrong, 0);
        (verdict.findings, String::from_utf8(out).expect("text"))
    };
    assert_eq!(run(&["none"]).0, 0);
    let (count, said) = run(&["duplicate-rules"]);
    assert!(count == 1 && said.contains("r.yml: a: group g has a rule of this name and these labels already"), "{said}");
    let (count, said) = run(&["too-long-scrape-interval"]);
    assert!(count == 1 && said.contains("job slow is scraped every 10m, and a sample counts for 5m"), "{said}");
    assert_eq!(run(&["all"]).0, 2);
}
