//! Right and wrong files, each judged as Prometheus 3.5.3 (its reload) and Alertmanager 0.33.1 (amtool) judge it: what they load
//! loads here, what they refuse is refused with its place.
//!
//! `tests/config/judged/*.txt` hold one small file after the other, each below `### accept NAME` or `### refuse NAME`;
//! `### stricter NAME: reason` is refused here although they take it.

use std::path::Path;

use promlet::commands::check::{Subject, check_all};
use promlet::commands::serve;

/// Mark, name and text of each file.
fn cases(list: &str) -> Vec<(String, String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/judged").join(list);
    let text = std::fs::read_to_string(path).unwrap();
    let case = |part: &str| {
        let (head, body) = part.split_once('\n').unwrap();
        let (mark, name) = head.split_once(' ').unwrap();
        (mark.to_owned(), name.to_owned(), body.to_owned())
    };
    text.split("### ").skip(1).map(case).collect()
}

fn judge(subject: Subject, list: &str, least: usize) {
    let environment = serve::environment(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.yml");
    let mut wrong = Vec::new();
    let cases = cases(list);
    assert!(cases.len() >= least);
    for (mark, name, text) in &cases {
        std::fs::write(&file, text).unwrap();
        let mut said = Vec::new();
        let is_right = check_all(subject, std::slice::from_ref(&file), &environment, &mut said).unwrap();
        let said = String::from_utf8(said).unwrap().replace(&file.display().to_string(), "file.yml");
        if is_right != (mark == "accept") {
            wrong.push(format!("{mark} {name}: {said}"));
        } else if !is_right && !said.starts_with("file.yml:") {
            wrong.push(format!("{name} is refused without a place: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn configurations() {
    judge(Subject::Config, "config.txt", 100);
}

#[test]
fn rule_files() {
    judge(Subject::Rules, "rules.txt", 50);
}

#[test]
fn routings() {
    judge(Subject::Alertmanager, "alertmanager.txt", 100);
}

#[test]
fn what_is_only_switched_off_says_how_to_switch_it_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.yml");
    std::fs::write(&file, "groups: [{name: g, rules: [{record: a, expr: 'sort_by_label(up, \"x\")'}]}]\n").unwrap();
    let check = |features: &[String]| {
        let mut said = Vec::new();
        let is_right = check_all(Subject::Rules, std::slice::from_ref(&file), &serve::environment(features), &mut said).unwrap();
        (is_right, String::from_utf8(said).unwrap())
    };
    let (is_right, said) = check(&[]);
    assert!(!is_right && said.contains("--enable-feature=promql-experimental-functions switches it on"), "{said}");
    assert!(check(&["promql-experimental-functions".to_owned()]).0);
}
