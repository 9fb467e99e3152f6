//! The shipped `rules/` and `dashboards/`: every expression parses, every dashboard is what Grafana imports, and what the
//! trainer's documentation says is there to the letter.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use promlet::bundled;
use promlet::config::{Checkers, load_rules};
use promlet::model::Span;
use promlet::promql::{Features, parse};
use serde_json::Value as Json;

use crate::sources::root;

/// Grafana's grid has so many columns.
const GRID_COLUMNS: u64 = 24;

/// What Grafana puts in before it asks, longest names first.
const GRAFANA_WORDS: [(&str, &str); 6] =
    [("$__rate_interval", "1m"), ("$__interval", "15s"), ("$__range", "1h"), ("$instance", ".*"), ("$gpu", ".*"), ("${datasource}", "x")];

/// What is wrong with an expression, in stock PromQL.
fn wrong_expression(text: &str) -> Vec<(Span, String)> {
    parse(text, Features::default()).err().unwrap_or_default().into_iter().map(|error| (error.span, error.message)).collect()
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut found: Vec<PathBuf> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    found.sort();
    assert!(!found.is_empty(), "{folder}");
    found
}

fn names(found: &[PathBuf]) -> BTreeSet<&str> {
    found.iter().filter_map(|path| path.file_name()?.to_str()).collect()
}

fn json(path: &Path) -> Json {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn list<'a>(of: &'a Json, key: &str) -> &'a [Json] {
    of[key].as_array().map_or(&[], Vec::as_slice)
}

fn expressions(panel: &Json) -> Vec<&str> {
    list(panel, "targets").iter().map(|target| target["expr"].as_str().unwrap()).collect()
}

/// The documentation of the trainer's metrics, where the shared files are there.
fn documentation() -> Option<String> {
    let shared = std::env::var_os("PROMLET_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    std::fs::read_to_string(shared.join("seeds/grpo-training-metrics.md")).ok()
}

#[test]
fn all_of_both_folders_is_embedded() {
    let embedded = |files: &[bundled::File]| files.iter().map(|file| file.name.to_owned()).collect::<BTreeSet<_>>();
    let of = |folder, extension| names(&files(folder, extension)).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(embedded(bundled::RULES), of("rules", "yml"));
    assert_eq!(embedded(bundled::DASHBOARDS), of("dashboards", "json"));
}

#[test]
fn every_rule_parses() {
    let checkers = Checkers { expr: wrong_expression, ..Checkers::none() };
    for path in files("rules", "yml").into_iter().chain(files("rules/documented", "yml")) {
        let loaded = load_rules(&path, &checkers).unwrap_or_else(|problems| panic!("{problems:?}"));
        let (alerting, recording) = loaded.counts();
        assert!(alerting + recording > 0, "{}", path.display());
    }
}

#[test]
fn every_expression_of_a_dashboard_parses() {
    for path in files("dashboards", "json") {
        let dashboard = json(&path);
        for panel in list(&dashboard, "panels") {
            let found = expressions(panel);
            assert!(!found.is_empty(), "{}: {}", path.display(), panel["title"]);
            for expression in found {
                let asked = GRAFANA_WORDS.iter().fold(expression.to_owned(), |text, (word, value)| text.replace(word, value));
                assert!(!asked.contains('$'), "{}: {expression} has an unknown variable", path.display());
                assert_eq!(wrong_expression(&asked), [], "{}: {expression}", path.display());
            }
        }
    }
}

#[test]
fn every_dashboard_is_what_grafana_imports() {
    let mut uids = BTreeSet::new();
    for path in files("dashboards", "json") {
        let (dashboard, name) = (json(&path), path.file_stem().unwrap().to_str().unwrap());
        assert_eq!(dashboard["uid"], name, "the address is the file's name");
        assert!(uids.insert(name.to_owned()) && dashboard["title"].as_str().is_some_and(|title| !title.is_empty()), "{name}");
        assert!(dashboard["schemaVersion"].as_u64().is_some_and(|version| version >= 36), "{name}: data sources are references");
        assert!(dashboard.get("id").is_none_or(Json::is_null), "{name}: an id belongs to one Grafana only");
        let mut ids = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for panel in list(&dashboard, "panels") {
            let title = panel["title"].as_str().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: {title} has another panel's id");
            assert!(panel["type"].as_str().is_some_and(|kind| ["timeseries", "stat", "gauge", "table"].contains(&kind)), "{name}: {title}");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{name}: {title}");
            let side = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            let (x, y, w, h) = (side("x"), side("y"), side("w"), side("h"));
            assert!(w > 0 && h > 0 && x + w <= GRID_COLUMNS, "{name}: {title}");
            for cell in (x..x + w).flat_map(|column| (y..y + h).map(move |row| (column, row))) {
                assert!(taken.insert(cell), "{name}: {title} lies over another panel");
            }
            let refs: BTreeSet<_> = list(panel, "targets").iter().map(|target| target["refId"].as_str().unwrap()).collect();
            assert_eq!(refs.len(), expressions(panel).len(), "{name}: {title}");
        }
        let variables: Vec<_> = list(&dashboard["templating"], "list").iter().map(|v| v["name"].as_str().unwrap()).collect();
        assert!(variables.contains(&"datasource"), "{name}");
    }
}

/// A panel as documented: its title, its kind, its queries.
#[derive(Debug, Default, PartialEq)]
struct Panel {
    title: String,
    kind: String,
    queries: Vec<String>,
}

/// Titles of dashboards with their panels, read off the documentation's headings, bold titles and quoted queries.
fn documented_panels(text: &str) -> Vec<(String, Vec<Panel>)> {
    let (_, section) = text.split_once("### Recommended Dashboards").unwrap();
    let (section, _) = section.split_once("### Alert Rules").unwrap();
    let mut found: Vec<(String, Vec<Panel>)> = Vec::new();
    for line in section.lines() {
        if let Some(heading) = line.strip_prefix("#### ") {
            let title = heading.split_once(". ").unwrap().1.trim_end_matches(" Dashboard");
            found.push((title.to_owned(), Vec::new()));
        } else if let Some((_, bold)) = line.split_once(". **") {
            let (title, kind) = bold.split_once("** (").unwrap();
            let kind = match kind.trim_end_matches(')') {
                "Graph" => "timeseries".to_owned(),
                other => other.to_lowercase(),
            };
            found.last_mut().unwrap().1.push(Panel { title: title.to_owned(), kind, queries: Vec::new() });
        } else if let Some(query) = line.split('`').nth(1) {
            found.last_mut().unwrap().1.last_mut().unwrap().queries.push(query.to_owned());
        }
    }
    found
}

#[test]
fn the_training_dashboards_are_the_documented_ones() {
    let Some(text) = documentation() else { return };
    let documented = documented_panels(&text);
    assert_eq!(documented.iter().map(|(_, panels)| panels.len()).sum::<usize>(), 14, "{documented:?}");
    let shipped: Vec<Json> = files("dashboards", "json")
        .iter()
        .filter(|p| p.file_stem().unwrap().to_str().unwrap().starts_with("grpo-"))
        .map(|p| json(p))
        .collect();
    assert_eq!(shipped.len(), documented.len());
    for (title, panels) in &documented {
        let dashboard = shipped.iter().find(|d| d["title"] == title.as_str()).unwrap_or_else(|| panic!("no dashboard {title}"));
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        let of = |panel: &Json| Panel {
            title: text(&panel["title"]),
            kind: text(&panel["type"]),
            queries: expressions(panel).into_iter().map(str::to_owned).collect(),
        };
        assert_eq!(&list(dashboard, "panels").iter().map(of).collect::<Vec<_>>(), panels, "{title}");
    }
}

/// The lines of a rule file without indentation, comments, group headings and empty lines.
fn bare(text: &str) -> Vec<&str> {
    let heading = |line: &str| line == "groups:" || line == "rules:" || line == "- name: training_alerts";
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#') && !heading(line)).collect()
}

#[test]
fn the_documented_rules_are_unchanged() {
    let Some(text) = documentation() else { return };
    let blocks = text.split("```yaml").skip(1).filter_map(|block| block.split("```").next());
    let documented: Vec<&str> = blocks.filter(|block| block.contains("expr:")).flat_map(bare).collect();
    let shipped = std::fs::read_to_string(root().join("rules/documented/grpo.yml")).unwrap();
    assert_eq!(bare(&shipped), documented);
    assert_eq!(documented.iter().filter(|line| line.starts_with("- alert:") || line.starts_with("- record:")).count(), 8);
}
