//! `alertmanager.yml`: what is read, what is shown, what is refused.

use std::path::{Path, PathBuf};

use promlet::alerts::options::GroupBy;
use promlet::client::SecretSource;
use promlet::config::{AlertmanagerConfig, load_alertmanager};
use promlet::model::DurationMs;
use promlet::notify::options::Integration;

use super::{checkers, shared};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(name)
}

fn load(text: &str) -> Result<AlertmanagerConfig, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("alertmanager.yml");
    std::fs::write(&path, text).expect("writable");
    let told = |problems: Vec<promlet::model::Problem>| problems.iter().map(|p| format!("{}:{} {}", p.line, p.column, p.message)).collect();
    load_alertmanager(&path, "http://here/", &checkers()).map_err(told)
}

/// The expected text was shown by Alertmanager 0.33.1 for the same file, which has every receiver and every inherited setting.
#[test]
fn status_shows_what_alertmanager_shows() {
    let config = load_alertmanager(&data("alertmanager.yml"), "http://here/", &checkers()).expect("good");
    let expected = std::fs::read_to_string(data("alertmanager.status.yml")).expect("readable");
    let differences: Vec<String> = config
        .alerts
        .original
        .lines()
        .zip(expected.lines())
        .enumerate()
        .filter(|(_, (ours, theirs))| ours != theirs)
        .map(|(line, (ours, theirs))| format!("{}: {ours:?} instead of {theirs:?}", line + 1))
        .take(5)
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(config.alerts.original.lines().count(), expected.lines().count());
}

#[test]
fn corpus_files_are_judged_as_alertmanager_judges_them() {
    let Some(folder) = shared("corpus/alertmanager-config") else { return };
    let good = [
        "conf.good",
        "group-by-all",
        "http-config.good",
        "default-webhook-url",
        "default-app-token",
        "default-bot-token",
        "default-api-secret",
    ];
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).expect("readable").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let expected = good.iter().any(|part| name.contains(part));
        match load_alertmanager(&entry.path(), "", &checkers()) {
            Ok(_) if !expected => wrong.push(format!("{name}: loaded")),
            Err(problems) if expected => wrong.push(format!("{name}: {}", problems[0])),
            Err(problems) => eprintln!("{name}: {}", problems[0].message),
            Ok(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn settings_are_inherited() {
    let config = load(
        "global:\n  slack_api_url: http://s/x\n  smtp_smarthost: m:25\n  smtp_from: alerts@example.org\n  smtp_require_tls: no\nroute:\n  receiver: r\n  group_by: [a]\n  group_wait: 5s\n  routes:\n  - matchers: ['b=\"1\"', a=2]\n    group_by: ['...']\n    routes:\n    - receiver: n\n      repeat_interval: 1d\nreceivers:\n- name: r\n  slack_configs: [{channel: c}]\n  email_configs: [{to: team@example.org}]\n  webhook_configs: [{url: 'http://w', timeout: 1m30s}]\n- name: n\n",
    )
    .expect("good");
    let child = &config.alerts.route.routes[0];
    assert_eq!((child.receiver.as_str(), child.group_wait, &child.group_by), ("r", DurationMs::seconds(5), &GroupBy::All));
    assert_eq!(child.matchers.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a=\"2\"", "b=\"1\""]);
    let leaf = &child.routes[0];
    assert_eq!(
        (leaf.receiver.as_str(), leaf.repeat_interval, leaf.group_interval),
        ("n", DurationMs::seconds(86400), DurationMs::seconds(300))
    );
    let kinds: Vec<&str> = config.notify.receivers[0].integrations.iter().map(Integration::kind).collect();
    assert_eq!(kinds, ["webhook", "email", "slack"]);
    let [Integration::Webhook(webhook), Integration::Email(email), Integration::Slack(slack)] =
        &config.notify.receivers[0].integrations[..]
    else {
        panic!("three integrations")
    };
    assert_eq!((webhook.sending.timeout, webhook.sending.send_resolved), (DurationMs::seconds(90), true));
    assert_eq!((email.smarthost_host.as_str(), email.smarthost_port, email.require_tls, email.html.is_none()), ("m", 25, false, true));
    assert!(matches!(&slack.api_url, Some(SecretSource::Inline(secret)) if secret.expose() == "http://s/x"));
    assert_eq!((slack.channel.as_deref(), slack.title.is_none()), (Some("c"), true));
    assert_eq!(config.alerts.external_url, "http://here");
    assert!(!config.alerts.original.contains("http://s/x"));
}

#[test]
fn every_problem_is_told_with_alertmanagers_words() {
    let problems = load(
        "global: {smtp_auth_password: a, smtp_auth_password_file: b}\nroute:\n  receiver: nobody\n  group_by: [a, a, '...']\n  group_interval: 0s\n  routes:\n  - matchers: ['a=\"b']\n    match_re: {x: '('}\n    mute_time_intervals: [weekend]\n    group_wait: 1.5h\n    recevier: x\nreceivers:\n- name: r\n  email_configs: [{to: team@example.org}]\n  webhook_configs: [{timeout: 1d}]\n- name: r\ntime_intervals:\n- name: t\n  time_intervals:\n  - times: [{start_time: '22:00', end_time: '06:00'}]\n    weekdays: ['saturday:monday']\n    months: [mai]\n    days_of_month: ['-1:5', '40']\n    location: Nowhere/Here\n",
    )
    .expect_err("bad");
    for expected in [
        "at most one of smtp_auth_password & smtp_auth_password_file must be configured",
        "undefined receiver \"nobody\" used in route",
        "duplicated label \"a\" in group_by",
        "cannot have wildcard group_by (`...`) and other labels at the same time",
        "group_interval cannot be zero",
        "bad matcher format",
        "error parsing regexp",
        "undefined time interval \"weekend\" used in route",
        "unknown unit \".\" in duration \"1.5h\"",
        "field recevier not found in route",
        "no global SMTP smarthost set",
        "no global SMTP from set",
        "time: unknown unit \"d\" in duration \"1d\"",
        "one of url or url_file must be configured",
        "notification config name \"r\" is not unique",
        "start time cannot be equal or greater than end time",
        "start day cannot be before end day",
        "mai is not a valid month (did you mean may?)",
        "end day must be negative if start day is negative",
        "40 is not a valid day of the month: out of range",
        "unknown time zone Nowhere/Here",
    ] {
        assert!(problems.iter().any(|told| told.contains(expected)), "{expected} is not in {problems:#?}");
    }
    assert!(load("").expect_err("empty")[0].contains("no route provided in config"));
}

/// Alertmanager loads such a file and sends an empty field later: here it is refused, with every place.
#[test]
fn broken_templates_are_refused() {
    let text = "route: {receiver: r}\nreceivers:\n- name: r\n  slack_configs:\n  - api_url: http://s\n    title: '{{ .Status'\n    fields: [{title: a, value: '{{'}]\n";
    let told = load(text).expect_err("broken");
    assert_eq!(told, ["6:12 \"title\" is a broken template: unclosed action", "7:32 \"value\" is a broken template: unclosed action"]);
}

/// What reads as a template is rendered on made-up alerts, with the configuration's template files.
#[test]
fn templates_that_fail_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.tmpl"), "{{ define \"mine\" }}{{ .Status }}{{ end }}{{ define \"bad\" }}{{ .Nope }}{{ end }}")
        .expect("writable");
    let path = folder.path().join("alertmanager.yml");
    let judge = |title: &str, more: &str| {
        let text = format!(
            "route: {{receiver: r}}\ntemplates: ['*.tmpl']\nreceivers:\n- name: r\n  slack_configs:\n  - {{api_url: http://s, {more}title: '{title}'}}\n"
        );
        std::fs::write(&path, text).expect("writable");
        let loaded = load_alertmanager(&path, "", &promlet::commands::serve::environment(&[]).checkers);
        loaded.err().map(|problems| format!("{}: {}", problems[0].line, problems[0].message))
    };
    assert_eq!(judge("{{ template \"mine\" . }} {{ template \"slack.default.title\" . }}", ""), None);
    let told = judge("{{ template \"bad\" . }}", "").expect("refused");
    assert!(
        told.starts_with("6: the template of \"title\" fails on firing alerts: ") && told.contains("can't evaluate field Nope"),
        "{told}"
    );
    assert_eq!(judge("{{ (index .Alerts.Firing 0).Status }}", ""), None, "nothing is sent when they are resolved");
    let told = judge("{{ (index .Alerts.Firing 0).Status }}", "send_resolved: true, ").expect("refused");
    assert!(told.contains("fails on resolved alerts"), "{told}");
    std::fs::write(folder.path().join("b.tmpl"), "{{ end }}").expect("writable");
    let told = judge("x", "").expect("refused");
    assert!(told.starts_with("2: ") && told.contains("b.tmpl: "), "{told}");
}
