//! From a discovered address to the URL that alerts are posted to. Pure.

use super::options::AlertmanagerOptions;
use crate::model::number::quote;
use crate::model::{Labels, LabelsBuilder};
use crate::relabel::{self, Outcome};

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const ALERTS_PATH: &str = "__alerts_path__";
const ENDPOINT: &str = "/api/v2/alerts";

/// What becomes of one discovered address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Url(String),
    /// Relabeling took out what would have been this URL.
    Dropped(String),
}

/// The error is Prometheus's sentence.
pub(super) fn find(options: &AlertmanagerOptions, address: &str, group: &Labels) -> Result<Place, String> {
    let mut labels = group.to_builder();
    labels.set(ADDRESS, address);
    for (name, value) in [(SCHEME, options.scheme.as_str()), (ALERTS_PATH, &path(&options.path_prefix))] {
        if group.get(name).is_none() {
            labels.set(name, value);
        }
    }
    let before = url(&labels);
    let labels = match relabel::apply(&options.relabel, labels) {
        Outcome::Kept(labels) => labels,
        Outcome::Dropped(_) => return Ok(Place::Dropped(before)),
    };
    let address = labels.get(ADDRESS).unwrap_or("");
    if address.contains('/') {
        return Err(format!("{} is not a valid hostname", quote(address)));
    }
    Ok(Place::Url(url(&labels)))
}

fn url(labels: &LabelsBuilder) -> String {
    let text = |name: &str| labels.get(name).unwrap_or("");
    let path = text(ALERTS_PATH);
    let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
    format!("{}://{}{slash}{path}", text(SCHEME), text(ADDRESS))
}

/// The prefix and the endpoint as one clean path.
fn path(prefix: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in prefix.split('/').chain(ENDPOINT.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientOptions;
    use crate::model::DurationMs;
    use crate::model::regex::AnchoredRegex;
    use crate::relabel::{Action, Step};

    fn options(path_prefix: &str, relabel: Vec<Step>) -> AlertmanagerOptions {
        AlertmanagerOptions {
            scheme: "http".to_owned(),
            path_prefix: path_prefix.to_owned(),
            timeout: DurationMs::seconds(10),
            client: ClientOptions::default(),
            discovery: Vec::new(),
            relabel,
            alert_relabel: Vec::new(),
        }
    }

    fn step(action: Action, source: &str, regex: &str, target: &str, replacement: &str) -> Step {
        Step {
            action,
            source_labels: vec![source.to_owned()],
            separator: ";".to_owned(),
            regex: AnchoredRegex::new(regex).unwrap(),
            modulus: 0,
            target_label: target.to_owned(),
            replacement: replacement.to_owned(),
        }
    }

    #[test]
    fn addresses_become_urls() {
        let at = |prefix: &str, address: &str, group: &[(&str, &str)]| {
            find(&options(prefix, Vec::new()), address, &Labels::from_pairs(group.iter().copied()))
        };
        let url = |text: &str| Ok(Place::Url(text.to_owned()));
        assert_eq!(at("", "am:9093", &[]), url("http://am:9093/api/v2/alerts"));
        assert_eq!(at("/a/./b//../c/", "am", &[]), url("http://am/a/c/api/v2/alerts"));
        assert_eq!(at("x", "am", &[(SCHEME, "https"), (ALERTS_PATH, "/y")]), url("https://am/y"), "a group's labels go first");
        assert_eq!(at("", "am/x", &[]), Err("\"am/x\" is not a valid hostname".to_owned()));
    }

    #[test]
    fn relabeling_moves_and_drops() {
        let moved = vec![step(Action::Replace, "port", "(.+)", ADDRESS, "other:$1"), step(Action::Drop, "role", "standby", "", "$1")];
        let place = |labels: &[(&str, &str)]| find(&options("", moved.clone()), "am:1", &Labels::from_pairs(labels.iter().copied()));
        assert_eq!(place(&[("port", "7")]), Ok(Place::Url("http://other:7/api/v2/alerts".to_owned())));
        assert_eq!(place(&[("port", "7"), ("role", "standby")]), Ok(Place::Dropped("http://am:1/api/v2/alerts".to_owned())));
    }
}
