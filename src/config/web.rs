//! The file of `--web.config.file`, as Prometheus's exporters have it: TLS, passwords and headers for the server's own pages.

mod passwords;
mod tls;

use std::path::Path;

use crate::http::options::{RateLimit, WebOptions};
use crate::model::number::quote;
use crate::model::{Problem, Secret};
use crate::yaml::shape::resolve_paths;
use crate::yaml::{self, Kind, Node, Problems, Section, Source, field, scalar};

use super::Loaded;

static HTTP: Section = Section {
    name: "http_server_config",
    fields: &[&[field("http2", Kind::Bool).default("true"), field("headers", Kind::Map(&Kind::Text))]],
};
static RATE_LIMIT: Section = Section { name: "rate_limit", fields: &[&[field("interval", Kind::GoDuration), field("burst", Kind::Count)]] };
static WEB: Section = Section {
    name: "web configuration",
    fields: &[&[
        field("tls_server_config", Kind::Section(&tls::TLS_SERVER)),
        field("http_server_config", Kind::Section(&HTTP)),
        field("rate_limit", Kind::Section(&RATE_LIMIT)),
        field("basic_auth_users", Kind::Map(&Kind::Secret)),
    ]],
};

/// Headers that may be set, with the values they may have; any where there are none.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebConfig {
    pub options: WebOptions,
    pub notes: Vec<Problem>,
}

pub fn load_web(path: &Path) -> Loaded<WebConfig> {
    parse_web(&Source::read(path).map_err(|problem| vec![problem])?, path.parent().unwrap_or(Path::new("")))
}

/// Relative paths count from `folder`. Certificates are not read.
pub fn parse_web(source: &Source, folder: &Path) -> Loaded<WebConfig> {
    let mut problems = Problems::new(source);
    let mut options = WebOptions { tls: None, http2: true, headers: Vec::new(), users: Vec::new(), rate_limit: None };
    if let Some(mut root) = yaml::parse(source, &mut problems).filter(|root| !root.is_null()) {
        yaml::check(&root, &WEB, &mut problems);
        resolve_paths(&mut root, &WEB, folder);
        options = build(&root, &mut problems);
    }
    let (errors, notes) = problems.finish();
    if errors.is_empty() { Ok(WebConfig { options, notes }) } else { Err(errors) }
}

fn build(root: &Node, problems: &mut Problems<'_>) -> WebOptions {
    let http = root.get("http_server_config");
    WebOptions {
        tls: root.get("tls_server_config").and_then(|given| tls::tls(given, problems)),
        http2: http.and_then(|http| http.flag("http2")).unwrap_or(true),
        headers: http.map(|http| headers(http, problems)).unwrap_or_default(),
        users: users(root, problems),
        rate_limit: root.get("rate_limit").and_then(rate_limit),
    }
}

fn headers(http: &Node, problems: &mut Problems<'_>) -> Vec<(String, String)> {
    let entries = http.get("headers").map(Node::entries).unwrap_or_default();
    for entry in entries {
        let value = entry.value.as_text().unwrap_or("");
        match HEADERS.iter().find(|(name, _)| *name == entry.key) {
            None => problems.error(entry.key_span, format!("HTTP header {} can not be configured", quote(&entry.key))),
            Some((name, allowed)) if !allowed.is_empty() && !allowed.contains(&value) => {
                let allowed: Vec<String> = allowed.iter().map(|word| quote(word)).collect();
                let message = format!("invalid value for {name}. Expected one of: [{}], but got: {}", allowed.join(" "), quote(value));
                problems.error(entry.value.span, message);
            }
            Some(_) => {}
        }
    }
    http.pairs("headers").into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn users(root: &Node, problems: &mut Problems<'_>) -> Vec<(String, Secret)> {
    let entries = root.get("basic_auth_users").map(Node::entries).unwrap_or_default();
    for entry in entries {
        if let Err(reason) = passwords::check(entry.value.as_text().unwrap_or("")) {
            let help = "make one with: htpasswd -nBC 10 NAME";
            problems.error_with(entry.key_span, format!("user {}: {reason}", quote(&entry.key)), Some(help.to_owned()));
        }
    }
    entries.iter().filter_map(|entry| Some((entry.key.clone(), Secret::new(entry.value.as_text()?)))).collect()
}

/// None for an interval of nothing.
fn rate_limit(node: &Node) -> Option<RateLimit> {
    let interval = scalar::go_duration(node.text("interval")?).ok().filter(|interval| interval.0 > 0)?;
    Some(RateLimit { interval, burst: node.unsigned("burst").unwrap_or(0) })
}

#[cfg(test)]
mod tests;
