//! Walls between rooms: every `crate::…` path in `src/` is held against the table of who may use whom.
//!
//! The table is the one of `ARCHITECTURE.md`: a new arrow is an edit here, seen in review.

use std::collections::BTreeMap;

use crate::sources::rust_files;

const BASE: [&str; 3] = ["model", "clock", "telemetry"];

/// Room and the rooms it may use; `base` stands for model, clock and telemetry.
const ROOMS: [(&str, &str); 31] = [
    ("model", ""),
    ("clock", "model"),
    ("telemetry", "model clock"),
    ("yaml", "model"),
    ("client", "base"),
    ("state", "base"),
    ("discovery", "base client yaml"),
    ("exposition", "model telemetry"),
    ("relabel", "model"),
    ("scrape", "base client discovery exposition relabel storage"),
    ("storage", "model"),
    ("tsdb", "base storage"),
    ("blocks", "base storage"),
    ("remote", "base storage"),
    ("promql", "base storage"),
    ("promqltest", "base storage promql"),
    ("template", "model"),
    ("rules", "base storage template"),
    ("lint", "base promql rules"),
    ("manifests", "model yaml"),
    ("alerts", "base state"),
    ("notifier", "base client discovery relabel"),
    ("notify", "base alerts client template yaml"),
    ("heartbeat", "base client"),
    ("config", "model yaml relabel client discovery scrape rules alerts notifier notify heartbeat http"),
    ("http", "base promql storage scrape rules alerts remote ui"),
    ("shell", "base client promql"),
    ("ui", ""),
    ("bundled", ""),
    ("demo", "base storage"),
    ("app", "*"),
];

/// Rooms of which others may take only some files: `(from, to, files)`.
const DOORS: [(&str, &str, &str); 12] = [
    ("config", "client", "options"),
    ("config", "discovery", "options"),
    ("config", "scrape", "options"),
    ("config", "rules", "options"),
    ("config", "alerts", "options"),
    ("config", "notifier", "options"),
    ("config", "notify", "options"),
    ("config", "heartbeat", "options"),
    ("config", "http", "options"),
    ("lint", "rules", "options"),
    ("http", "scrape", "view"),
    ("http", "rules", "view"),
];

#[test]
fn every_import_follows_the_table() {
    let table: BTreeMap<&str, &str> = ROOMS.into_iter().collect();
    let mut wrong = Vec::new();
    for source in rust_files("src") {
        let room = room_of(&source.path);
        if room == "commands" || room == "main" || room == "bin" || room == "lib" {
            continue;
        }
        let Some(may) = table.get(room) else {
            wrong.push(format!("{}: the room {room} is not in the table", source.path));
            continue;
        };
        for path in crate_paths(&source.text) {
            let target = path.split("::").next().unwrap_or("");
            if target != room && !allowed(may, target) {
                wrong.push(format!("{}: {room} may not use {target}", source.path));
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn narrow_doors_stay_narrow() {
    let mut wrong = Vec::new();
    for source in rust_files("src") {
        let room = room_of(&source.path);
        for (from, to, files) in DOORS {
            let narrow = |path: &String| path.strip_prefix(to).and_then(|rest| rest.strip_prefix("::")).map(str::to_owned);
            for inner in crate_paths(&source.text).iter().filter(|_| room == from).filter_map(narrow) {
                let first = inner.split("::").next().unwrap_or("");
                let is_type = first.starts_with(|c: char| c.is_ascii_uppercase());
                if !is_type && !files.split(' ').any(|file| file == first) {
                    wrong.push(format!("{}: {from} reaches into {to}::{first}", source.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn room_of(path: &str) -> &str {
    path.trim_start_matches("src/").split(['/', '.']).next().unwrap_or("")
}

fn allowed(may: &str, target: &str) -> bool {
    may == "*" || may.split(' ').any(|room| room == target || (room == "base" && BASE.contains(&target)))
}

/// What follows each `crate::` outside comments, brace groups taken apart at their first level.
fn crate_paths(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            paths.extend(first_level(group));
        } else {
            paths.push(rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect());
        }
    }
    paths
}

fn first_level(group: &str) -> Vec<String> {
    let (mut depth, mut items, mut item) = (0i32, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(std::mem::take(&mut item)),
            c if depth == 0 && !c.is_whitespace() => item.push(c),
            _ => {}
        }
    }
    items.push(item);
    items.retain(|item| !item.is_empty());
    items
}

#[test]
fn paths_are_read_out_of_code() {
    let text =
        "use crate::model::Labels;\nuse crate::{clock::Clock, tsdb::{a, b}};\n// crate::http\nlet x = crate::storage::append::Row::new();";
    assert_eq!(crate_paths(text), ["model::Labels", "clock::Clock", "tsdb::", "storage::append::Row::new"]);
}
