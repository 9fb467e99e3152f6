//! `alertmanager.yml`: routing, inhibition, time intervals, receivers.

mod demands;
mod fields;
mod inherit;
mod intervals;
mod other_fields;
mod receiver_fields;
mod receivers;
mod route;
mod templates;

use std::path::{Path, PathBuf};

use crate::alerts::options::AlertsOptions;
use crate::model::{DurationMs, Problem, Span};
use crate::notify::options::NotifyOptions;
use crate::yaml::shape::{resolve_paths, settle_nulls};
use crate::yaml::{self, Node, Problems, Source};

use super::http_client::{HTTP_CONFIG, settle_bearer};
use super::{Checkers, Loaded, paths};
use fields::ALERTMANAGER;
use inherit::INTEGRATIONS;
pub use receivers::given::Given;

/// `alertmanager.yml`, checked.
#[derive(Clone, Debug)]
pub struct AlertmanagerConfig {
    pub alerts: AlertsOptions,
    pub notify: NotifyOptions,
    pub notes: Vec<Problem>,
}

/// Reads the file; `external_url` is the server's own address as people reach it.
pub fn load_alertmanager(path: &Path, external_url: &str, checkers: &Checkers) -> Loaded<AlertmanagerConfig> {
    let source = Source::read(path).map_err(|problem| vec![problem])?;
    parse_alertmanager(&source, &paths::folder_of(path), external_url, checkers)
}

/// The same for a text that is at hand; relative paths count from `folder`.
pub fn parse_alertmanager(source: &Source, folder: &Path, external_url: &str, checkers: &Checkers) -> Loaded<AlertmanagerConfig> {
    let mut problems = Problems::new(source);
    let parsed = yaml::parse(source, &mut problems);
    if parsed.is_none() && problems.has_errors() {
        return Err(problems.finish().0);
    }
    let mut root = parsed.filter(|root| !root.is_null()).unwrap_or_else(|| Node::empty_map(Span::default()));
    yaml::check(&root, &ALERTMANAGER, &mut problems);
    resolve(&mut root, folder);
    settle_nulls(&mut root, &ALERTMANAGER);
    demands::of_file(&root, &mut problems);
    let global = root.get("global").cloned().unwrap_or_else(|| Node::empty_map(Span::default()));
    inherit::check_global(&global, &mut problems);
    if let Some(node) = global.get("smtp_smarthost").filter(|node| node.as_text().is_some_and(|text| !text.is_empty())) {
        let text = node.as_text().unwrap_or_default();
        receivers::host_port(text).map_err(|message| problems.error(node.span, message)).ok();
    }
    if let Some(client) = global.get("http_config") {
        super::http_client::client(client, &mut problems);
    }
    templates::check(&root, checkers, &mut problems);
    let used = route::receivers(&root);
    let receivers = receivers::read(&mut root, &global, &used, &mut problems);
    let time_intervals = intervals::read(&mut root, &mut problems);
    let inhibit_rules = route::inhibit_rules(&mut root, &mut problems);
    let receiver_names: Vec<String> = receivers.iter().map(|receiver| receiver.name.clone()).collect();
    let interval_names: Vec<String> = time_intervals.iter().map(|interval| interval.name.clone()).collect();
    let names = route::Names::new(&receiver_names, &interval_names);
    let route = match root.get_mut("route").filter(|route| !route.is_null()) {
        Some(node) => Some(route::root(node, &names, &mut problems)),
        None => {
            let suggestion = Some("begin with route: {receiver: NAME} and a receiver of that name".to_owned());
            problems.error_with(Span::default(), "no route provided in config", suggestion);
            None
        }
    };
    for item in root.get("templates").map(Node::items).unwrap_or_default() {
        if item.as_text().is_some_and(paths::is_malformed) {
            problems.error(item.span, "syntax error in pattern");
        }
    }
    let (errors, notes) = problems.finish();
    let (Some(route), true) = (route, errors.is_empty()) else { return Err(errors) };
    let templates = root.texts("templates").iter().flat_map(|pattern| paths::expand(&PathBuf::from(pattern))).collect();
    let alerts = AlertsOptions {
        fallbacks: Vec::new(),
        resolve_timeout: global.duration("resolve_timeout").unwrap_or(DurationMs::seconds(300)),
        route,
        inhibit_rules,
        time_intervals,
        receivers: receiver_names,
        external_url: external_url.trim_end_matches('/').to_owned(),
        original: yaml::print(&root, &ALERTMANAGER),
    };
    Ok(AlertmanagerConfig { alerts, notify: NotifyOptions { receivers, templates, ..NotifyOptions::default() }, notes })
}

/// Only templates and the files of HTTP clients count from the file's folder; every other file from the working directory.
fn resolve(root: &mut Node, folder: &Path) {
    let client = |node: &mut Node| {
        if let Some(client) = node.get_mut("http_config") {
            resolve_paths(client, &HTTP_CONFIG, folder);
            settle_bearer(client);
        }
    };
    if let Some(global) = root.get_mut("global") {
        client(global);
    }
    for receiver in root.get_mut("receivers").map(Node::items_mut).unwrap_or_default() {
        for kind in &INTEGRATIONS {
            receiver.get_mut(kind.key).map(Node::items_mut).unwrap_or_default().iter_mut().for_each(client);
        }
    }
    static TEMPLATES: yaml::Section =
        yaml::Section { name: "templates", fields: &[&[yaml::field("templates", yaml::Kind::List(&yaml::Kind::Path))]] };
    resolve_paths(root, &TEMPLATES, folder);
}
