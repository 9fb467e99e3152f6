//! `promlet check config|rules|alertmanager|web-config FILE...`: what the files say, or everything that is wrong with them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::alerts::options::Route;
use crate::app::files::whole;
use crate::config::{self, Environment};
use crate::http::protection;
use crate::model::Problem;

/// What kind of file is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `prometheus.yml`, with the rule files and scrape config files it names.
    Config,
    Rules,
    Alertmanager,
    /// The file of `--web.config.file`, with the certificates it names.
    Web,
}

/// Checks each file and writes what was found: facts and notes, then problems. Success only where every file is right.
pub fn run(subject: Subject, files: &[PathBuf], environment: &Environment, out: &mut dyn Write) -> ExitCode {
    match check_all(subject, files, environment, out) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

/// True where every file is right; the error is one of writing.
pub fn check_all(subject: Subject, files: &[PathBuf], environment: &Environment, out: &mut dyn Write) -> std::io::Result<bool> {
    let mut all_right = true;
    for file in files {
        let (facts, notes, errors) = match subject {
            Subject::Config => check_config(file, environment),
            Subject::Rules => check_rules(file, environment),
            Subject::Alertmanager => check_alertmanager(file, environment),
            Subject::Web => check_web(file),
        };
        all_right &= errors.is_empty();
        let shown = file.display();
        if errors.is_empty() {
            writeln!(out, "{shown}: {facts}")?;
        }
        for note in &notes {
            writeln!(out, "note: {note}")?;
        }
        for error in &errors {
            writeln!(out, "{error}")?;
        }
        if !errors.is_empty() {
            writeln!(out, "{shown}: {}", plural(errors.len(), "problem"))?;
        }
    }
    out.flush()?;
    Ok(all_right)
}

type Outcome = (String, Vec<Problem>, Vec<Problem>);

fn check_config(file: &Path, environment: &Environment) -> Outcome {
    match config::load_prometheus(file, environment) {
        Ok(config) => {
            let promlet = match beside(file) {
                Ok(promlet) => promlet,
                Err(problems) => return (String::new(), config.notes, problems),
            };
            let (alerting, recording) = config::rules::count(&config.rules);
            let facts = format!(
                "{}, {}, {}, {}",
                plural(config.scrape.len(), "scrape job"),
                plural(config.rule_files.len(), "rule file"),
                plural(alerting, "alerting rule"),
                plural(recording, "recording rule"),
            );
            let facts =
                if promlet.heartbeats.is_empty() { facts } else { format!("{facts}, {}", plural(promlet.heartbeats.len(), "heartbeat")) };
            (facts, [config.notes, promlet.notes].concat(), config.missing_files)
        }
        Err(problems) => (String::new(), Vec::new(), problems),
    }
}

/// `promlet.yml`, where it lies beside the file.
fn beside(file: &Path) -> config::Loaded<config::PromletConfig> {
    let file = file.parent().unwrap_or(Path::new("")).join("promlet.yml");
    if file.is_file() { config::load_promlet(&file) } else { Ok(config::PromletConfig::default()) }
}

fn check_rules(file: &Path, environment: &Environment) -> Outcome {
    match config::load_rules(file, &environment.checkers) {
        Ok(rules) => {
            let (alerting, recording) = rules.counts();
            let groups = plural(rules.groups.len(), "group");
            (format!("{groups}, {}, {}", plural(alerting, "alerting rule"), plural(recording, "recording rule")), rules.notes, Vec::new())
        }
        Err(problems) => (String::new(), Vec::new(), problems),
    }
}

fn check_alertmanager(file: &Path, environment: &Environment) -> Outcome {
    match config::load_alertmanager(file, "", &environment.checkers) {
        Ok(mut config) => {
            let added = beside(file).and_then(|promlet| promlet.add_to(&mut config.alerts, &mut config.notify));
            if let Err(problems) = added {
                return (String::new(), config.notes, problems);
            }
            let facts = format!(
                "{}, {}, {}, {}, {}",
                plural(count_routes(&config.alerts.route), "route"),
                plural(config.alerts.inhibit_rules.len(), "inhibit rule"),
                plural(config.notify.receivers.len(), "receiver"),
                plural(config.notify.templates.len(), "template"),
                plural(config.alerts.time_intervals.len(), "time interval"),
            );
            (facts, config.notes, Vec::new())
        }
        Err(problems) => (String::new(), Vec::new(), problems),
    }
}

fn check_web(file: &Path) -> Outcome {
    let web = match config::load_web(file) {
        Ok(web) => web,
        Err(problems) => return (String::new(), Vec::new(), problems),
    };
    let options = &web.options;
    if let Some(Err(reason)) = options.tls.as_ref().map(|tls| protection::check(tls, options.http2)) {
        return (String::new(), web.notes, vec![whole(file, reason)]);
    }
    let encrypted = match (&options.tls, options.http2) {
        (None, _) => "no TLS",
        (Some(_), true) => "TLS, HTTP/2",
        (Some(_), false) => "TLS",
    };
    (format!("{encrypted}, {}, {}", plural(options.users.len(), "user"), plural(options.headers.len(), "header")), web.notes, Vec::new())
}

fn count_routes(route: &Route) -> usize {
    1 + route.routes.iter().map(count_routes).sum::<usize>()
}

pub(super) fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
