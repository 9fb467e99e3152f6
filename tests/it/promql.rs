//! Prometheus's own test files, where they are at hand, against the committed list of exempt cases; and our own cases.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail as the test does")]

mod cache;
mod engine;
mod explain;
mod hostile;
mod mutated;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use promlet::promql::{Features, parse, prettify, print};
use promlet::promqltest::{self, Report};

/// Upstream's files: beside the checkout, or where `PROMLET_SHARED` says.
pub fn upstream() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/promqltest");
    let named = std::env::var_os("PROMLET_SHARED").map(|shared| PathBuf::from(shared).join("promqltest"));
    named.into_iter().chain([beside]).find(|path| path.is_dir())
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
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

/// A tab between two JSON texts, one pair a line.
fn pairs(list: &str) -> Vec<(String, String)> {
    let text = |json: &str| serde_json::from_str::<String>(json).expect("a JSON text");
    list.lines().map(|line| line.split_once('\t').expect("two columns")).map(|(a, b)| (text(a), text(b))).collect()
}

fn stable() -> Features {
    Features { experimental_functions: true, ..Features::default() }
}

/// The messages of Prometheus 3.5.3; where 3.14 expects more kinds of durations, its sentence.
#[test]
fn refusals_are_prometheuss_to_the_letter() {
    for (query, wanted) in pairs(include_str!("../promql/parse_errors.tsv")) {
        let got = parse(&query, stable()).map_or_else(|errors| errors[0].to_string(), |_| "ok".to_owned());
        assert_eq!(got, wanted, "{query:?}");
    }
}

/// Prometheus 3.5.3's `format_query` of expressions that fit on a line.
#[test]
fn the_printer_is_canonical() {
    for (query, wanted) in pairs(include_str!("../promql/canonical.tsv")) {
        assert_eq!(print(&parse(&query, stable()).unwrap()), wanted, "{query:?}");
    }
}

/// Prometheus 3.5.3's `format_query` of generated expressions that do not fit on a line.
#[test]
fn long_expressions_are_laid_out_alike() {
    for (query, wanted) in pairs(include_str!("../promql/pretty.tsv")) {
        assert_eq!(prettify(&parse(&query, stable()).unwrap()), wanted, "{query:?}");
    }
}

/// Printing what was parsed from a print gives the same text, for every expression of the test files.
#[test]
fn the_printer_round_trips() {
    let own = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promql"));
    let mut count = 0;
    for path in upstream().map(|folder| files(&folder)).unwrap_or_default().into_iter().chain(own) {
        let text = std::fs::read_to_string(path).unwrap();
        for line in text.lines().map(str::trim).filter(|l| l.starts_with("eval ")) {
            // `eval instant at T`, `eval range from A to B step S`.
            let words = if line.starts_with("eval instant") { 4 } else { 8 };
            let Some(source) = line.splitn(words + 1, char::is_whitespace).nth(words).map(str::trim) else { continue };
            let expr = parse(source, Features::all()).unwrap_or_else(|e| panic!("{source}: {}", e[0]));
            let printed = print(&expr);
            for text in [&printed, &prettify(&expr)] {
                let again = print(&parse(text, Features::all()).unwrap_or_else(|e| panic!("{text}: {}", e[0])));
                assert_eq!(printed, again, "{source}");
            }
            count += 1;
        }
    }
    assert!(count > if upstream().is_some() { 1800 } else { 20 }, "only {count} expressions");
}

/// What would overflow a stack or fill the memory is refused with the limit named.
#[test]
fn hostile_texts_are_refused() {
    let message = |query: &str| parse(query, stable()).unwrap_err()[0].message.clone();
    assert!(message(&"a".repeat(10 * 1024 * 1024)).contains("10485760 bytes is longer than the limit of 1048576 bytes"));
    let nested = [
        format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("{}1", "-".repeat(10_000)),
        format!("{}1", "1^".repeat(10_000)),
        format!("{}a{}", "abs(".repeat(10_000), ")".repeat(10_000)),
        format!("a{}", "[1m:]".repeat(10_000)),
        format!("a[{}1{}]", "(".repeat(10_000), ")".repeat(10_000)),
        format!("1{}", "+1".repeat(10_000)),
    ];
    for query in nested {
        assert!(message(&query).contains("nested deeper than the limit of 500 levels"), "{}", &query[..20]);
    }
    // What is long but flat, or deep but within the limit, is fine.
    assert!(parse(&format!("up{{a=~\"{}\"}}", "x|".repeat(5000)), stable()).is_ok());
    assert!(parse(&format!("{}1{}", "(".repeat(400), ")".repeat(400)), stable()).is_ok());
    assert!(parse(&format!("a{}", " or a".repeat(400)), stable()).is_ok());
}
