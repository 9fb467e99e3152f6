//! `prometheus.yml`: what is read, what is shown, what is refused.

use std::path::Path;

use promlet::client::SecretSource;
use promlet::config::{PrometheusConfig, load_prometheus};
use promlet::discovery::DiscoveryOptions;
use promlet::model::{DurationMs, Problem};

use super::environment;

/// Writes files into a folder of their own and loads the first.
fn load(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<PrometheusConfig, Vec<Problem>>) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("writable");
    }
    let mut environment = environment();
    environment.variables.insert("ZONE".to_owned(), "eu".to_owned());
    let loaded = load_prometheus(&folder.path().join(files[0].0), &environment);
    (folder, loaded)
}

/// `FILE:LINE:COLUMN MESSAGE` with the file's bare name.
fn told(problems: &[Problem]) -> Vec<String> {
    let name = |problem: &Problem| Path::new(&problem.file).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    problems.iter().map(|p| format!("{}:{}:{} {}", name(p), p.line, p.column, p.message)).collect()
}

fn refused(text: &str) -> Vec<String> {
    told(&load(&[("prometheus.yml", text)]).1.expect_err("bad"))
}

/// The expected text is what Prometheus 3.5.3 shows for the same file, but for what its successor 3.14 shows otherwise: no
/// protocols in `global` unless set, the scheme of names, flags of native histograms and extra metrics, two more of OTLP's defaults. A key that it shows
/// by accident (`outofordertimewindow`) is left out.
#[test]
fn status_shows_what_prometheus_shows() {
    let data = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(name);
    // Loaded as a bare name, since paths are shown joined to the folder.
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("prometheus.yml");
    std::fs::copy(data("prometheus.yml"), &copy).expect("writable");
    let config = load_prometheus(&copy, &environment()).expect("good");
    let shown = config.original_yaml.replace(&format!("{}/", folder.path().display()), "");
    let expected = std::fs::read_to_string(data("prometheus.status.yml")).expect("readable");
    let numbered = shown.lines().zip(expected.lines()).enumerate();
    let difference = numbered.into_iter().find(|(_, (ours, theirs))| ours != theirs);
    assert_eq!(difference, None, "\n{shown}");
    assert_eq!(shown.lines().count(), expected.lines().count());
}

#[test]
fn jobs_inherit_and_paths_are_joined() {
    let text = "global:\n  scrape_interval: 5s\n  sample_limit: 100\n  external_labels: {zone: '${ZONE}', pid: $$x}\nrule_files: [r*.yml]\nscrape_config_files: [jobs/*.yml]\nscrape_configs:\n- job_name: 010\n  honor_labels: yes\n  sample_limit: 0\n  static_configs:\n  - targets: [a:1, b:2]\n    labels: {v: 1.0}\n  file_sd_configs: [{files: [t/*.json]}]\n  authorization: {credentials_file: token}\n  metric_relabel_configs: [{regex: go_.*, source_labels: [__name__], action: DROP}]\n";
    let rules = "groups: [{name: g, rules: [{record: r, expr: up}]}]";
    let (folder, loaded) = load(&[("prometheus.yml", text), ("r1.yml", rules), ("r2.yml", rules)]);
    let config = loaded.expect("good");
    let job = &config.scrape[0];
    assert_eq!(job.job_name, "010");
    assert_eq!((job.scrape_interval, job.scrape_timeout), (DurationMs::seconds(5), DurationMs::seconds(5)));
    assert_eq!((job.limits.samples, job.honor_labels, job.honor_timestamps), (100, true, true));
    assert_eq!(job.protocols.len(), 4);
    assert_eq!(job.metric_relabel.len(), 1);
    let token = job.client.authorization.as_ref().and_then(|authorization| authorization.credentials.clone());
    assert_eq!(token, Some(SecretSource::File(folder.path().join("token"))));
    let [DiscoveryOptions::Static(groups), DiscoveryOptions::File { patterns, refresh_interval }] = &job.discovery[..] else {
        panic!("two mechanisms")
    };
    assert_eq!((groups[0].targets.len(), groups[0].labels.get("v")), (2, Some("1.0")));
    assert_eq!((patterns, *refresh_interval), (&vec![folder.path().join("t/*.json")], DurationMs::seconds(300)));
    assert_eq!((config.rules.len(), config.rule_files.len()), (2, 2));
    assert_eq!((config.external_labels.get("zone"), config.external_labels.get("pid")), (Some("eu"), Some("$x")));
}

#[test]
fn all_files_are_told_in_one_run() {
    let main = "global: {scrape_timeout: 2m, scrape_intervall: 1m}\nrule_files: [rules.yml, absent.yml]\nscrape_config_files: [jobs.yml, jobs.yml]\nscrape_configs:\n- job_name: a\n  scrape_timeout: 10x\n  static_configs: [{targets: ['http://x/y']}]\n  honor_labels: \"yes\"\n  relabel_configs:\n  - {action: keepp, regex: '('}\n- job_name: a\n";
    let (_folder, loaded) = load(&[
        ("prometheus.yml", main),
        ("rules.yml", "groups:\n- name: g\n  rules:\n  - record: r\n    expr: sum(\n"),
        ("jobs.yml", "scrape_configs:\n- job_name: b\n  static_configs: [{target: [x]}]\n"),
    ]);
    let problems = told(&loaded.expect_err("bad"));
    for expected in [
        "prometheus.yml:1:10 global scrape timeout greater than scrape interval",
        "prometheus.yml:1:30 field scrape_intervall not found in global",
        "prometheus.yml:6:19 unknown unit \"x\" in duration \"10x\"",
        "prometheus.yml:8:17 \"honor_labels\": expected true or false, found \"yes\"",
        "prometheus.yml:10:14 unknown relabel action \"keepp\"",
        "prometheus.yml:11:13 found multiple scrape configs with job name \"a\"",
        "jobs.yml:3:21 field target not found in static_config",
        "jobs.yml:2:13 found multiple scrape configs with job name \"b\"",
        "rules.yml:5:15 group \"g\", rule 1, \"r\": could not parse expression: unclosed left parenthesis",
    ] {
        assert!(problems.iter().any(|told| told.starts_with(expected)), "{expected} is not in {problems:#?}");
    }
    assert!(problems.iter().any(|told| told.contains("error parsing regexp")), "{problems:#?}");
}

#[test]
fn what_is_not_acted_on_is_named_once() {
    let text = "runtime: {gogc: 50}\nremote_write: [{url: 'http://x', queue_config: {capacity: 5}}]\nscrape_configs:\n- job_name: a\n  consul_sd_configs: [{server: c}]\n- job_name: b\n  consul_sd_configs: [{server: d}]\n  oauth2: {client_id: a, token_url: b, client_secret_ref: c}\n";
    let notes = told(&load(&[("prometheus.yml", text)]).1.expect("good").notes);
    assert_eq!(
        notes,
        [
            "prometheus.yml:1:1 \"runtime\" is known but not acted on by this version",
            "prometheus.yml:2:1 \"remote_write\" is known but not acted on by this version",
            "prometheus.yml:5:3 \"consul_sd_configs\" is known but not acted on by this version",
            "prometheus.yml:8:40 \"client_secret_ref\" is known but not acted on by this version",
        ]
    );
}

#[test]
fn secrets_are_hidden_everywhere() {
    let text = "scrape_configs:\n- job_name: a\n  basic_auth: {username: u, password: hush}\n  proxy_url: http://me:hush@proxy\n- job_name: b\n  bearer_token: hush\n- job_name: c\n  http_headers: {x: {secrets: [hush]}}\n  consul_sd_configs: [{token: hush}]\n";
    let config = load(&[("prometheus.yml", text)]).1.expect("good");
    assert!(!config.original_yaml.contains("hush"), "{}", config.original_yaml);
    assert!(!format!("{:?}", config.scrape).contains("\"hush\""));
}

#[test]
fn yaml_itself_may_be_broken() {
    assert!(refused("scrape_configs:\n  - a: b\n c: d\n")[0].starts_with("prometheus.yml:3:"));
    assert!(refused("a: [1, 2\n")[0].contains("not valid YAML"));
    assert!(refused("scrape_configs:\n\t- job_name: a\n")[0].starts_with("prometheus.yml:2:"));
    assert_eq!(refused("- a\n"), ["prometheus.yml:1:1 expected a prometheus.yml as a mapping of keys to values, found a list"]);
    assert!(load(&[("prometheus.yml", "")]).1.is_ok());
    assert!(load(&[("prometheus.yml", "\u{feff}scrape_configs:\r\n- job_name: a\r\n")]).1.is_ok());
    let merged = "scrape_configs:\n- &base\n  job_name: a\n  scrape_interval: 7s\n- <<: *base\n  job_name: b\n";
    let config = load(&[("prometheus.yml", merged)]).1.expect("good");
    assert_eq!(config.scrape[1].scrape_interval, DurationMs::seconds(7));
}
