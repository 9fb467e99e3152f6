//! Input that means harm: bombs, depth, sizes. Each ends at once with one clear problem.

use promlet::config::load_prometheus;

use super::environment;

fn first_problem(text: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("prometheus.yml");
    std::fs::write(&path, text).expect("writable");
    let problems = load_prometheus(&path, &environment()).err().unwrap_or_default();
    problems.first().map(|problem| problem.message.clone()).unwrap_or_default()
}

#[test]
fn bombs_end_at_their_limit() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let alias = format!("*a{}", level - 1);
        laughs.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", ")));
    }
    assert!(first_problem(&laughs).contains("aliases expanded"), "{}", first_problem(&laughs));
    let mut chain = String::from("a0: &a0 [x]\n");
    for level in 1..200 {
        chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(first_problem(&chain).contains("nested deeper"), "{}", first_problem(&chain));
    assert!(first_problem(&"[".repeat(100_000)).contains("YAML") || first_problem(&"[".repeat(100_000)).contains("nested"));
    assert!(!first_problem(&"- ".repeat(100_000)).is_empty());
    assert!(!first_problem(&"? ".repeat(50_000)).is_empty());
    assert!(!first_problem("a: &a [*a]\n").is_empty());
    assert!(!first_problem("a: *nowhere\n").is_empty());
}

#[test]
fn large_and_odd_files_are_refused_or_read() {
    assert!(first_problem(&"x".repeat(17 * 1024 * 1024)).contains("the limit is"));
    let many = format!("scrape_configs:\n{}", "- nonsense: 1\n".repeat(2000));
    assert!(!first_problem(&many).is_empty());
    let long_key = format!("{}: 1\n", "k".repeat(900));
    assert!(first_problem(&long_key).contains("not found in prometheus.yml"));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("latin1.yml");
    std::fs::write(&path, b"global:\n  query_log_file: \xe9\n").expect("writable");
    let problems = load_prometheus(&path, &environment()).expect_err("not text");
    assert_eq!((problems[0].line, problems[0].message.as_str()), (2, "not valid UTF-8"));
    assert!(load_prometheus(folder.path(), &environment()).expect_err("a folder")[0].message.contains("folder"));
    assert!(load_prometheus(&folder.path().join("none"), &environment()).expect_err("none")[0].message.contains("cannot be read"));
}

/// Files with bytes dropped, doubled or replaced, by a fixed sequence: whatever they say, reading ends without a panic.
#[test]
fn damaged_files_never_panic() {
    let data =
        |name: &str| std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(name)).expect("readable");
    let rules = b"groups:\n- name: g\n  rules:\n  - alert: \"A\\u00e9\"\n    expr: >-\n      rate(x[5m]\n      > 1\n    for: 1h30m\n    annotations: {a: 'it''s {{ x }'}\n".to_vec();
    let folder = tempfile::tempdir().expect("a folder");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let path = folder.path().join("damaged.yml");
    for original in [data("prometheus.yml"), data("alertmanager.yml"), rules] {
        for _ in 0..120 {
            let mut text = original.clone();
            for _ in 0..1 + next(4) {
                let at = next(text.len());
                match next(3) {
                    0 => drop(text.remove(at)),
                    1 => text.insert(at, b"[]{}:-&*!|>'\"\n \t\\x1\xc3"[next(20)]),
                    _ => text.truncate(at.max(10)),
                }
            }
            std::fs::write(&path, &text).expect("writable");
            let told = [
                load_prometheus(&path, &environment()).err(),
                promlet::config::load_alertmanager(&path, "", &environment().checkers).err(),
                promlet::config::load_rules(&path, &environment().checkers).err(),
            ];
            told.into_iter().flatten().flatten().for_each(|problem| drop(problem.to_string()));
        }
    }
}
