//! `promlet routes test k=v...`: who hears of an alert with these labels. The first line is what `amtool config routes test` prints.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{USAGE, serve, warn};
use crate::alerts::options::{AlertsOptions, GroupBy};
use crate::alerts::routing::{Node, Tree, group_key, group_labels};
use crate::config;
use crate::model::matcher::text as matchers;
use crate::model::{Labels, MatchOp};

#[derive(Args, Debug)]
pub struct RoutesTestFlags {
    /// The alert's labels, as name=value
    #[arg(value_name = "LABEL=VALUE")]
    labels: Vec<String>,
    /// Alertmanager configuration file
    #[arg(long = "alertmanager.config.file", alias = "config.file", value_name = "FILE", default_value = "alertmanager.yml")]
    config_file: PathBuf,
    /// The receivers that should hear of it, comma-separated; others are a failure
    #[arg(long = "verify.receivers", value_name = "NAMES")]
    expected: Option<String>,
    /// Prints only the names
    #[arg(short, long)]
    quiet: bool,
}

/// The exit code is 1 where the file cannot be read or other receivers would hear of it than was expected.
pub fn run(flags: &RoutesTestFlags, out: &mut dyn Write) -> ExitCode {
    let labels = match read_labels(&flags.labels) {
        Ok(labels) => labels,
        Err(problem) => {
            warn(&problem);
            return ExitCode::from(USAGE);
        }
    };
    let loaded = match config::load_alertmanager(&flags.config_file, "", &serve::environment(&[]).checkers) {
        Ok(loaded) => loaded,
        Err(problems) => {
            problems.iter().for_each(|problem| warn(&problem.to_string()));
            return ExitCode::FAILURE;
        }
    };
    let heard = receivers(&loaded.alerts, &labels);
    let expected = flags.expected.as_deref().filter(|expected| *expected != heard);
    let details = if flags.quiet { String::new() } else { describe(&loaded.alerts, &labels) };
    if let Err(error) = write!(out, "{heard}\n{details}") {
        return if error.kind() == io::ErrorKind::BrokenPipe { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match expected {
        Some(expected) => {
            warn(&format!("expected {expected}, and {heard} would hear of it"));
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

/// Values may stand in quotes, as in a matcher.
fn read_labels(texts: &[String]) -> Result<Labels, String> {
    let mut pairs = Vec::new();
    for text in texts {
        let (found, _) = matchers::parse(text).map_err(|error| format!("{text} is no label: {error}; write name=value"))?;
        for matcher in found {
            if matcher.op != MatchOp::Equal {
                return Err(format!("{text} is no label: an alert has values, not patterns; write name=value"));
            }
            pairs.push((matcher.name.clone(), matcher.value.clone()));
        }
    }
    Ok(Labels::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
}

/// Comma-separated, in the order of the routes.
fn receivers(options: &AlertsOptions, labels: &Labels) -> String {
    let tree = Tree::new(&options.route);
    let names: Vec<&str> = tree.routes_of(labels).into_iter().map(|at| tree.node(at).route.receiver.as_str()).collect();
    names.join(",")
}

fn describe(options: &AlertsOptions, labels: &Labels) -> String {
    let tree = Tree::new(&options.route);
    tree.routes_of(labels).into_iter().map(|at| describe_one(tree.node(at), labels)).collect()
}

fn describe_one(node: &Node, labels: &Labels) -> String {
    let route = &node.route;
    let by = match &route.group_by {
        GroupBy::All => "every label".to_owned(),
        GroupBy::Names(names) if names.is_empty() => "nothing: one group".to_owned(),
        GroupBy::Names(names) => names.join(", "),
    };
    let mut text = format!("\n{}\n  route  {}\n", route.receiver, node.key);
    let key = group_key(node, &group_labels(route, labels));
    let _ = writeln!(text, "  group  {} (by {by})", key.strip_prefix(&node.key).map_or(key.as_str(), |rest| rest.trim_start_matches(':')));
    let _ = writeln!(
        text,
        "  told   first after {}, of news every {}, again every {}",
        route.group_wait, route.group_interval, route.repeat_interval
    );
    for (word, names) in [("not during", &route.mute_time_intervals), ("only during", &route.active_time_intervals)] {
        if !names.is_empty() {
            let _ = writeln!(text, "  {word} {}", names.join(", "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_amtool_reads_them() {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let read = read_labels(&texts(&["a=b", "c=\"d e\"", "f="])).unwrap();
        assert_eq!(read, Labels::from_pairs([("a", "b"), ("c", "d e"), ("f", "")]));
        assert!(read_labels(&texts(&["a=~b"])).unwrap_err().contains("not patterns"));
        assert!(read_labels(&texts(&["a"])).unwrap_err().contains("name=value"));
    }
}
