//! `promlet check FILE|FOLDER|URL...` without a subject: each is what its text says.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::check::{self, Subject};
use super::check_rules::{CheckRulesFlags, Verdict};
use super::{USAGE, check_manifests, check_rules, check_target, serve};
use crate::clock::Clock;
use crate::lint::Known;
use crate::model::suggest::nearest;
use crate::yaml::{self, Problems, Source};

/// How often a target is asked.
const SCRAPES: u8 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Config,
    Rules,
    Alertmanager,
    Manifests,
    Target,
    RuleTests,
    Unknown,
}

/// What can be asked for by name.
const SUBJECTS: [&str; 6] = ["config", "rules", "alertmanager", "web-config", "manifests", "target"];

pub fn run(arguments: &[String]) -> ExitCode {
    let missing = arguments.iter().find(|argument| !is_address(argument) && *argument != "-" && !Path::new(argument).exists());
    if let Some(missing) = missing {
        let meant = nearest(missing, SUBJECTS).map(|near| format!(": did you mean '{near}'?")).unwrap_or_default();
        super::warn(&format!("check: {missing} is no file, no address, and none of {}{meant}", SUBJECTS.join(", ")));
        return ExitCode::from(USAGE);
    }
    match check_all(arguments, &mut io::stdout().lock()) {
        Ok(Verdict { files_wrong: 0, .. }) => ExitCode::SUCCESS,
        Ok(_) | Err(_) => ExitCode::FAILURE,
    }
}

fn is_address(argument: &str) -> bool {
    argument.starts_with("http://") || argument.starts_with("https://")
}

/// Checks all of one kind together: manifests speak of each other.
pub fn check_all(arguments: &[String], out: &mut dyn Write) -> io::Result<Verdict> {
    let mut verdict = Verdict::default();
    let kinds: Vec<(Kind, &String)> = arguments.iter().map(|argument| (kind(argument), argument)).collect();
    let files =
        |wanted: Kind| -> Vec<PathBuf> { kinds.iter().filter(|(kind, _)| *kind == wanted).map(|(_, file)| PathBuf::from(file)).collect() };
    for (wanted, subject) in [(Kind::Config, Subject::Config), (Kind::Alertmanager, Subject::Alertmanager)] {
        let right = check::check_all(subject, &files(wanted), &serve::environment(&[]), out)?;
        verdict.files_wrong += usize::from(!right);
    }
    let rules = CheckRulesFlags { files: files(Kind::Rules), ..CheckRulesFlags::default() };
    if !rules.files.is_empty() {
        verdict = verdict.with(check_rules::check_files(&rules, &Known::default(), out)?);
    }
    let manifests = files(Kind::Manifests);
    if !manifests.is_empty() {
        let (read, problems) = check_manifests::read(&manifests);
        verdict = verdict.with(check_manifests::check_all(&read, &problems, &Known::default(), out)?);
    }
    let targets: Vec<String> = kinds.iter().filter(|(kind, _)| *kind == Kind::Target).map(|(_, url)| (*url).clone()).collect();
    verdict = verdict.with(check_target::check_all(&targets, SCRAPES, &Clock::system(), out)?);
    for (kind, file) in kinds.iter().filter(|(kind, _)| matches!(kind, Kind::RuleTests | Kind::Unknown)) {
        let message = match kind {
            Kind::RuleTests => "holds unit tests of rules: promlet test rules runs them",
            _ => {
                "is none of prometheus.yml, alertmanager.yml, rules, Kubernetes manifests: check config|rules|alertmanager|manifests says as what it is to be read"
            }
        };
        writeln!(out, "{file}: {message}")?;
        verdict.files_wrong += 1;
    }
    out.flush()?;
    Ok(verdict)
}

fn kind(argument: &str) -> Kind {
    if is_address(argument) {
        return Kind::Target;
    }
    let path = Path::new(argument);
    if argument == "-" || path.is_dir() {
        return Kind::Manifests;
    }
    Source::read(path).map_or(Kind::Unknown, |source| kind_of(&source))
}

/// By the keys of the first document; of one that is not valid YAML by its lines.
fn kind_of(source: &Source) -> Kind {
    let document = yaml::parse_all(source, &mut Problems::new(source)).into_iter().next();
    let has = |key: &str| match &document {
        Some(document) => document.entries().iter().any(|entry| entry.key == key),
        None => source.text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'))),
    };
    let any = |keys: &[&str]| keys.iter().any(|key| has(key));
    match () {
        () if has("apiVersion") && has("kind") => Kind::Manifests,
        () if has("groups") => Kind::Rules,
        () if has("tests") => Kind::RuleTests,
        () if any(&["route", "receivers", "inhibit_rules"]) => Kind::Alertmanager,
        () if any(&["scrape_configs", "scrape_config_files", "rule_files", "remote_write", "remote_read", "alerting", "global"]) => {
            Kind::Config
        }
        () => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_keys_say() {
        let kind = |text: &str| kind_of(&Source::new("f", text));
        assert_eq!(kind("apiVersion: v1\nkind: Service\n"), Kind::Manifests);
        assert_eq!(kind("---\n---\napiVersion: v1\nkind: Service\n"), Kind::Manifests);
        assert_eq!(kind("groups: []\n"), Kind::Rules);
        assert_eq!(kind("groups:\n- name: [\n"), Kind::Rules);
        assert_eq!(kind("global: {}\nroute: {receiver: a}\n"), Kind::Alertmanager);
        assert_eq!(kind("global: {}\nrule_files: [a]\n"), Kind::Config);
        assert_eq!(kind("rule_files: [a]\ntests: []\n"), Kind::RuleTests);
        assert_eq!(kind("- a\n"), Kind::Unknown);
    }
}
