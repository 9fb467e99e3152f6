//! `promlet test rules` on promtool's own test files: they pass and fail as upstream says; and on the shipped rules' tests.

use std::path::{Path, PathBuf};

use promlet::clock::Clock;
use promlet::commands::test_rules::{Streams, TestRulesFlags, run_files};
use promlet::model::TimestampMs;

use crate::config::shared;

/// Whether everything passed, standard output and standard error.
fn run(flags: &TestRulesFlags) -> (bool, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let clock = Clock::manual(TimestampMs(1_700_000_000_000));
    let passed = run_files(flags, &clock, &mut Streams { out: &mut out, err: &mut err }).unwrap();
    (passed, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn flags(file: PathBuf) -> TestRulesFlags {
    TestRulesFlags { files: vec![file], ..TestRulesFlags::default() }
}

fn ours(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules").join(file)
}

#[test]
fn promtools_files_pass_and_fail_as_upstream_says() {
    let Some(folder) = shared("corpus/promtool") else { return };
    let list = std::fs::read_to_string(folder.join("EXPECT")).unwrap();
    let mut judged = 0;
    for line in list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut flags = flags(folder.join(words[1]));
        match words[2..] {
            [] => {}
            ["--run", name] => flags.run.push(name.to_owned()),
            ["--ignore-unknown-fields"] => flags.ignore_unknown_fields = true,
            _ => panic!("unknown flags: {line}"),
        }
        let (passed, _, err) = run(&flags);
        assert_eq!(passed, words[0] == "pass", "{line}\n{err}");
        judged += 1;
    }
    assert!(judged >= 19, "only {judged} verdicts in the list");
}

/// What failed, word for word as promtool 2.42 prints it.
#[test]
fn failures_are_told_in_promtools_words() {
    let (passed, out, err) = run(&flags(ours("failing.test.yml")));
    assert!(!passed);
    assert!(out.starts_with("Unit Testing:  ") && !out.contains("SUCCESS"), "{out}");
    let expected = std::fs::read_to_string(ours("failing.test.expected")).unwrap();
    assert_eq!(err, expected);
}

#[test]
fn differences_are_coloured_and_reports_counted() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("junit.xml");
    let mut flags = flags(ours("failing.test.yml"));
    flags.files.push(ours("gpu.test.yml"));
    flags.files.push(ours("is-not-there.yml"));
    flags.diff = true;
    flags.junit = Some(report.clone());
    let (passed, _, err) = run(&flags);
    assert!(!passed);
    assert!(err.contains("\"summary\": \u{1b}[0;33m\"Instance a down\" => \"Instance b down\"\u{1b}[0m"), "{err}");
    let xml = std::fs::read_to_string(report).unwrap();
    assert!(xml.starts_with("<testsuites><testsuite name=\""), "{xml}");
    assert!(
        xml.contains("failures=\"4\" errors=\"0\" skipped=\"0\" timestamp=\"2023-11-14T22:13:20\"><testcase name=\"values\"><failure>"),
        "{xml}"
    );
    assert!(xml.contains("<testcase name=\"unnamed#1\">"), "{xml}");
    assert!(xml.contains("failures=\"0\" errors=\"1\" skipped=\"0\" timestamp=\"\"><testcase name=\"unknown\"><error>"), "{xml}");
}

#[test]
fn debugging_shows_every_sample() {
    let mut flags = flags(ours("failing.test.yml"));
    flags.run = vec!["val".to_owned(), "nothing".to_owned()];
    flags.debug = true;
    let (_, _, err) = run(&flags);
    assert!(err.contains("DEBUG: Starting test values"), "{err}");
    assert!(err.contains("DEBUG: Dump of all data (input_series and rules) at 1m1s:"), "{err}");
    assert!(err.contains("{__name__=\"double\", i=\"1\"} =>\n2 @[0]\n4 @[60000]\n"), "{err}");
}

/// The rules that come with promlet, tested as their users would.
#[test]
fn shipped_rules_pass_their_tests() {
    for file in ["grpo.test.yml", "training.test.yml", "gpu.test.yml"] {
        let (passed, _, err) = run(&flags(ours(file)));
        assert!(passed, "{file}\n{err}");
    }
}
