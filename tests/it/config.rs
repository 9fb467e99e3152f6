//! Configuration files: others' corpora load or are refused as Prometheus and Alertmanager do it; our own bad files are told in full.

mod alertmanager;
mod check;
mod corpus;
mod hostile;
mod judged;
mod ours;
mod prometheus;
mod rules;

use std::path::{Path, PathBuf};

use promlet::config::{Checkers, Environment};

/// The shared test files beside the project, where they are there.
pub fn shared(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PROMLET_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let folder = root.join(part);
    folder.exists().then_some(folder)
}

/// No variables; a stand-in for the languages: an expression with an odd number of round brackets is wrong at its end.
fn environment() -> Environment {
    Environment { variables: std::collections::BTreeMap::new(), checkers: checkers() }
}

fn checkers() -> Checkers {
    Checkers { expr: brackets, template: |_, text| braces(text), notification: braces, ..Checkers::none() }
}

fn brackets(text: &str) -> Vec<(promlet::model::Span, String)> {
    let end = promlet::model::Span::new(text.len(), text.len());
    if text.matches('(').count() == text.matches(')').count() { Vec::new() } else { vec![(end, "unclosed left parenthesis".to_owned())] }
}

fn braces(text: &str) -> Option<String> {
    (text.matches("{{").count() != text.matches("}}").count()).then(|| "unclosed action".to_owned())
}
