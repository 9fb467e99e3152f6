//! Sizes and shapes: a `//!` line first, at most 500 lines a file and 70 a function, no `mod.rs`, no file names that say nothing.

use crate::sources::rust_files;

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const EMPTY_NAMES: [&str; 6] = ["mod", "utils", "util", "helpers", "common", "misc"];

/// `path` or `path::function`, with the reason. This list may only shrink.
const EXCEPTIONS: [(&str, &str); 0] = [];

fn excepted(what: &str) -> bool {
    EXCEPTIONS.iter().any(|(path, _)| *path == what)
}

#[test]
fn files_say_what_they_are_and_stay_small() {
    let mut wrong = Vec::new();
    for source in ["src", "tests", "benches"].into_iter().flat_map(rust_files) {
        let lines = source.text.lines().count();
        let name = source.path.rsplit('/').next().unwrap_or("").trim_end_matches(".rs");
        if !source.text.starts_with("//!") {
            wrong.push(format!("{}: begin with a //! line that says what the file is for", source.path));
        }
        if lines > FILE_LINES_MAX && !excepted(&source.path) {
            wrong.push(format!("{}: {lines} lines, at most {FILE_LINES_MAX}: make rooms", source.path));
        }
        if EMPTY_NAMES.contains(&name) {
            wrong.push(format!("{}: name the file for what it holds", source.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn functions_stay_small() {
    let mut wrong = Vec::new();
    for source in ["src", "tests", "benches"].into_iter().flat_map(rust_files) {
        for (name, lines) in functions(&source.text) {
            let what = format!("{}::{name}", source.path);
            if lines > FUNCTION_LINES_MAX && !excepted(&what) {
                wrong.push(format!("{what}: {lines} lines, at most {FUNCTION_LINES_MAX}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn exceptions_are_needed() {
    let all: Vec<_> = ["src", "tests", "benches"].into_iter().flat_map(rust_files).collect();
    for (what, reason) in EXCEPTIONS {
        let (path, function) = what.split_once(".rs::").map_or((what.to_owned(), None), |(p, f)| (format!("{p}.rs"), Some(f)));
        let source = all.iter().find(|source| source.path == path).unwrap_or_else(|| panic!("{what} is gone: take it off the list"));
        let over = match function {
            None => source.text.lines().count() > FILE_LINES_MAX,
            Some(name) => functions(&source.text).iter().any(|(n, lines)| n == name && *lines > FUNCTION_LINES_MAX),
        };
        assert!(over && !reason.is_empty(), "{what} is within the limits: take it off the list");
    }
}

/// Name and length of each function of formatted source: from its `fn` line to the closing brace at the same indent.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(name) = function_name(line.trim_start()) else { continue };
        let closing = format!("{}}}", " ".repeat(indent));
        let one_line_or_none = line.trim_end().ends_with(['}', ';']);
        let end = lines[at..].iter().position(|l| *l == closing);
        if let (false, Some(length)) = (one_line_or_none, end) {
            found.push((name, length + 1));
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let allowed = |w: &&str| matches!(*w, "pub" | "async" | "const" | "unsafe" | "extern" | "fn") || w.starts_with("pub(");
    let mut last = "";
    for word in words.by_ref() {
        if !allowed(&word) {
            if last != "fn" {
                return None;
            }
            return Some(word.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
        last = word;
    }
    None
}

#[test]
fn function_lengths_are_measured() {
    let text = "impl A {\n    pub fn a(&self) {\n        b();\n    }\n    fn c();\n}\n";
    assert_eq!(functions(text), [("a".to_owned(), 3)]);
}
