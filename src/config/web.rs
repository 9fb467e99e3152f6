//! The file of `--web.config.file`: TLS and passwords for the server's own pages. promlet has neither yet, and says so rather than
//! serve openly what such a file was written to protect.

use std::path::Path;

use crate::model::Problem;
use crate::yaml::{self, Kind, Node, Problems, Section, Source, field};

use super::Loaded;

static WEB: Section = Section {
    name: "web configuration",
    fields: &[&[field("tls_server_config", Kind::Any), field("http_server_config", Kind::Any), field("basic_auth_users", Kind::Any)]],
};
const PROTECTING: [(&str, &str); 2] = [("tls_server_config", "encryption"), ("basic_auth_users", "passwords")];

/// The notes of a file that asks for nothing promlet lacks.
pub fn load_web(path: &Path) -> Loaded<Vec<Problem>> {
    let source = Source::read(path).map_err(|problem| vec![problem])?;
    let mut problems = Problems::new(&source);
    if let Some(root) = yaml::parse(&source, &mut problems).filter(|root| !root.is_null()) {
        yaml::check(&root, &WEB, &mut problems);
        refuse_protection(&root, &mut problems);
        if root.get("http_server_config").is_some() {
            problems.note(
                root.key_span("http_server_config"),
                "http_server_config",
                "\"http_server_config\" is known but not acted on by this version",
            );
        }
    }
    let (errors, notes) = problems.finish();
    if errors.is_empty() { Ok(notes) } else { Err(errors) }
}

fn refuse_protection(root: &Node, problems: &mut Problems<'_>) {
    for (key, what) in PROTECTING {
        let is_asked_for = root.get(key).is_some_and(|node| !node.entries().is_empty() || node.as_text().is_some());
        if is_asked_for {
            let message = format!("{key} asks for {what} on promlet's own pages, which this version does not have");
            let help =
                "put a reverse proxy that does this before promlet, have promlet listen on 127.0.0.1 only, and leave --web.config.file out";
            problems.error_with(root.key_span(key), message, Some(help.to_owned()));
        }
    }
}
