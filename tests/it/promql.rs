//! Prometheus's own test files, where they are at hand, against the committed list of exempt cases; and our own cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use promlet::promqltest::{self, Report};

/// Upstream's files: beside the checkout, or where `PROMLET_SHARED` says.
fn upstream() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/promqltest");
    let named = std::env::var_os("PROMLET_SHARED").map(|shared| PathBuf::from(shared).join("promqltest"));
    named.into_iter().chain([beside]).find(|path| path.is_dir())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "test"));
    files.sort();
    files
}

fn run(path: &Path) -> Report {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    promqltest::run(&std::fs::read_to_string(path).unwrap(), &name)
}

/// `file:line reason`, one a line.
fn exempt() -> BTreeMap<(String, usize), String> {
    let list = include_str!("../promql/exempt.txt");
    let entry = |line: &str| {
        let (place, reason) = line.split_once(' ').expect("an exempt case has a reason");
        let (file, number) = place.rsplit_once(':').expect("an exempt case is file:line");
        ((file.to_owned(), number.parse().expect("a line number")), reason.to_owned())
    };
    list.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(entry).collect()
}

#[test]
fn upstream_cases_pass_but_for_the_exempt_ones() {
    let Some(folder) = upstream() else { return };
    let exempt = exempt();
    let mut wrong = Vec::new();
    for path in files(&folder) {
        let report = run(&path);
        println!("{}: {}", report.name, report.summary());
        for failure in &report.failed {
            if !exempt.contains_key(&(report.name.clone(), failure.line)) {
                wrong.push(format!("{}:{}: {}\n    {}", report.name, failure.line, failure.expr, failure.message));
            }
        }
        for line in &report.passed {
            if exempt.contains_key(&(report.name.clone(), *line)) {
                wrong.push(format!("{}:{line} passes: take it off the list of exempt cases", report.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn our_own_cases_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promql");
    for path in files(&folder) {
        let report = run(&path);
        assert!(report.is_ok(), "{report}");
    }
}
