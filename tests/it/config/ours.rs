//! `promlet.yml`: fallbacks and heartbeats as they are meant, and each mistake with its place.

use promlet::alerts::Fallback;
use promlet::config::{Checkers, load_alertmanager, load_promlet};
use promlet::heartbeat::options::Method;
use promlet::model::DurationMs;

const ROUTES: &str = "route: {receiver: on-call}
receivers:
- {name: on-call, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}
- {name: mail, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}
- {name: nobody}
";

/// The errors of a file, one a line, without its path.
fn errors(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (routes, ours) = (folder.path().join("alertmanager.yml"), folder.path().join("promlet.yml"));
    std::fs::write(&routes, ROUTES).unwrap();
    std::fs::write(&ours, text).unwrap();
    let mut loaded = load_alertmanager(&routes, "http://x", &Checkers::none()).unwrap();
    let outcome = load_promlet(&ours).and_then(|promlet| promlet.add_to(&mut loaded.alerts, &mut loaded.notify));
    let problems = outcome.err().unwrap_or_default();
    problems.iter().map(|problem| format!("{}:{} {}\n", problem.line, problem.column, problem.message)).collect()
}

#[test]
fn fallbacks_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (routes, ours) = (folder.path().join("alertmanager.yml"), folder.path().join("promlet.yml"));
    std::fs::write(&routes, ROUTES).unwrap();
    std::fs::write(
        &ours,
        "receivers:\n- {name: on-call, fallback: {receiver: mail, after: 90s}}\n- {name: nobody, fallback: {receiver: mail}}\n",
    )
    .unwrap();
    let mut loaded = load_alertmanager(&routes, "http://x", &Checkers::none()).unwrap();
    load_promlet(&ours).unwrap().add_to(&mut loaded.alerts, &mut loaded.notify).unwrap();
    let fallback =
        |of: &str, seconds: i64| Fallback { of: of.to_owned(), receiver: "mail".to_owned(), after: DurationMs::seconds(seconds) };
    assert_eq!(loaded.alerts.fallbacks, [fallback("on-call", 90), fallback("nobody", 300)]);
}

#[test]
fn fallbacks_that_lead_nowhere_are_refused() {
    let said = |fallbacks: &str| errors(&format!("receivers:\n{fallbacks}"));
    let table = [
        (
            "- {name: on-call, fallback: {receiver: gone}}\n",
            "2:40 receiver \"gone\", the fallback of \"on-call\", is not in alertmanager.yml: add it there\n",
        ),
        (
            "- {name: on-call, fallback: {receiver: nobody}}\n",
            "2:40 receiver \"nobody\", the fallback of \"on-call\", has no integrations: it tells nobody\n",
        ),
        ("- {name: on-call, fallback: {receiver: on-call}}\n", "2:40 receiver \"on-call\" cannot be its own fallback\n"),
        ("- {name: on-call, fallback: {after: 1m}}\n", "2:29 missing receiver in the fallback of \"on-call\"\n"),
        (
            "- {name: on-call, fallback: {receiver: mail, after: 0s}}\n",
            "2:53 after must be longer than 0: how long a message may wait for \"on-call\"\n",
        ),
        (
            "- {name: on-call, fallback: {receiver: mail}}\n- {name: mail, fallback: {receiver: on-call}}\n",
            "2:3 fallbacks go in a circle: on-call -> mail -> on-call\n",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(said(text), expected, "{text}");
    }
}

#[test]
fn heartbeats_are_read_and_mistakes_named() {
    let folder = tempfile::tempdir().unwrap();
    let ours = folder.path().join("promlet.yml");
    let read = |text: &str| {
        std::fs::write(&ours, text).unwrap();
        load_promlet(&ours).unwrap().heartbeats
    };
    let one = read("heartbeat: {url: 'https://a.example/x', interval: 30s}\n");
    assert_eq!((one.len(), one[0].name.as_str(), one[0].method), (1, "heartbeat[0]", Method::Get));
    assert_eq!((one[0].interval, one[0].timeout), (DurationMs::seconds(30), DurationMs::seconds(10)));
    let two = read(
        "heartbeat:\n- {name: a, url_file: a.url, method: post}\n- {url: 'http://b.example', fail_url: 'http://b.example/fail', interval: 5s}\n",
    );
    assert_eq!((two[0].method, two[0].interval, two[1].timeout), (Method::Post, DurationMs::seconds(60), DurationMs::seconds(5)));
    assert!(two[1].fail_url.is_some() && two[1].name == "heartbeat[1]");
    assert!(read("heartbeat:\n").is_empty());
    let table = [
        ("heartbeat: {interval: 1m}\n", "1:12 one of url or url_file must be configured in heartbeat\n"),
        ("heartbeat: {url: 'http://x', interval: 500ms}\n", "1:40 interval 500ms of a heartbeat is shorter than 1s\n"),
        (
            "heartbeat: {url: 'http://x', interval: 5s, timeout: 10s}\n",
            "1:53 timeout 10s of a heartbeat must be longer than 0 and not longer than its interval, 5s\n",
        ),
        ("heartbeat: [{name: a, url: 'http://x'}, {name: a, url: 'http://y'}]\n", "1:48 heartbeat \"a\" is not unique\n"),
        ("heartbeat: [{url: 'http://x', url_file: f}]\n", "1:31 at most one of url & url_file must be configured\n"),
    ];
    for (text, expected) in table {
        assert_eq!(errors(text), expected, "{text}");
    }
}
