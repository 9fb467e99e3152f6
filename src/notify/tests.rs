//! What is sent, held against Alertmanager 0.33.1 and read as a person would.

mod answers;

use std::path::PathBuf;

use super::options::{SlackField, SlackOptions};
use super::texts::Texts;
use super::{email, http, slack, webhook, words};
use crate::alerts::fingerprint;
use crate::alerts::notification::{FailureKind, Measured, Notification, NotifiedAlert, Reason, Status, Threshold};
use crate::model::{Alert, DurationMs, Labels, TimestampMs};
use crate::notify::options::EmailOptions;
use crate::telemetry::Registry;

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_767_225_600_000;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

fn alert(pairs: &[(&str, &str)], annotations: &[(&str, &str)], starts_at: i64, ends_at: Option<i64>, url: &str) -> NotifiedAlert {
    let labels = labels(pairs);
    NotifiedAlert {
        fingerprint: fingerprint::of(&labels),
        status: if ends_at.is_some() { Status::Resolved } else { Status::Firing },
        ended_while_down: false,
        measured: Measured::default(),
        alert: Alert {
            labels,
            annotations: self::labels(annotations),
            starts_at: TimestampMs(starts_at),
            ends_at: TimestampMs(ends_at.unwrap_or(i64::MAX)),
            generator_url: url.to_owned(),
            value: None,
        },
    }
}

fn notification(alerts: Vec<NotifiedAlert>) -> Notification {
    let firing = alerts.iter().any(|alert| alert.status == Status::Firing);
    Notification {
        id: "0f0e0d0c-0b0a-4908-8706-050403020100".to_owned(),
        receiver: "my.hook".to_owned(),
        integration: "webhook[0]".to_owned(),
        status: if firing { Status::Firing } else { Status::Resolved },
        reason: Reason::NewAlerts,
        alerts,
        group_labels: labels(&[("alertname", "A"), ("team", "a\"b")]),
        route_labels: Labels::empty(),
        group_key: "{}/{sev=~\"x|y\",team=\"a\\\"b\"}:{alertname=\"A\", team=\"a\\\"b\"}".to_owned(),
        external_url: "http://am.example/x".to_owned(),
        at: TimestampMs(NEW_YEAR + 300_000),
        may_repeat: false,
        memo: None,
        in_place_of: Vec::new(),
        deadline: DurationMs::seconds(10),
    }
}

fn first() -> NotifiedAlert {
    let pairs = [("alertname", "A"), ("team", "a\"b"), ("sev", "x"), ("instance", "i<1>")];
    alert(&pairs, &[("summary", "s & t")], NEW_YEAR + 120, None, "http://g/x?a=1&b=2")
}

fn second() -> NotifiedAlert {
    let pairs = [("alertname", "A"), ("team", "a\"b"), ("sev", "y")];
    alert(&pairs, &[("summary", "s & t"), ("d", "\u{e9}")], NEW_YEAR, None, "")
}

// Recorded from Alertmanager 0.33.1.
#[test]
fn the_webhooks_body_is_alertmanagers_to_the_byte() {
    let recorded = concat!(
        r#"{"receiver":"my\\.hook","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"A","instance":"i\u003c1\u003e","#,
        r#""sev":"x","team":"a\"b"},"annotations":{"summary":"s \u0026 t"},"startsAt":"2026-01-01T00:00:00.12Z","#,
        r#""endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://g/x?a=1\u0026b=2","fingerprint":"d04cb32e210107bc"},"#,
        r#"{"status":"firing","labels":{"alertname":"A","sev":"y","team":"a\"b"},"annotations":{"d":"é","summary":"s \u0026 t"},"#,
        r#""startsAt":"2026-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"2457ba4e17cd1dc6"}],"#,
        r#""notification_reason":"new alerts added","groupLabels":{"alertname":"A","team":"a\"b"},"#,
        r#""commonLabels":{"alertname":"A","team":"a\"b"},"commonAnnotations":{"summary":"s \u0026 t"},"#,
        r#""externalURL":"http://am.example/x","version":"4","#,
        r#""groupKey":"{}/{sev=~\"x|y\",team=\"a\\\"b\"}:{alertname=\"A\", team=\"a\\\"b\"}","truncatedAlerts":0}"#,
        "\n"
    );
    assert_eq!(webhook::body(&notification(vec![first(), second()]), 0).unwrap(), recorded.trim_end());
    let cut = webhook::body(&notification(vec![first(), second()]), 1).unwrap();
    assert!(cut.contains("\"truncatedAlerts\":1") && !cut.contains("2457ba4e17cd1dc6"), "{cut}");
    let ended = alert(&[("alertname", "A")], &[], NEW_YEAR, Some(NEW_YEAR + 1000), "");
    let ended = webhook::body(&notification(vec![ended]), 0).unwrap();
    assert!(ended.contains(r#""status":"resolved""#) && ended.contains(r#""endsAt":"2026-01-01T00:00:01Z""#), "{ended}");
}

fn slack_options() -> SlackOptions {
    SlackOptions { channel: Some("#c".to_owned()), ..SlackOptions::default() }
}

fn texts(files: &[(&str, &str)], upstream: bool) -> Result<Texts, String> {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.path().join(name)).collect();
    for (path, (_, text)) in paths.iter().zip(files) {
        std::fs::write(path, text).unwrap();
    }
    Texts::read(&paths, upstream, &Registry::default()).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn slack_body(options: &SlackOptions, texts: &Texts, notification: &Notification) -> serde_json::Value {
    let mut write = texts.rendering("slack", notification, notification.at);
    serde_json::from_str(&slack::body(options, notification, None, &mut write).unwrap()).unwrap()
}

// Recorded from Alertmanager 0.33.1, but for the link's place of work.
#[test]
fn slack_with_upstreams_texts_is_what_alertmanager_sends() {
    let mut options = slack_options();
    options.fields = vec![SlackField { title: "t".to_owned(), value: "v".to_owned(), short: None }];
    options.actions = vec![super::options::SlackAction {
        kind: "button".to_owned(),
        text: "x".to_owned(),
        url: "http://u".to_owned(),
        ..Default::default()
    }];
    let (texts, notification) = (texts(&[], true).unwrap(), notification(vec![first(), second()]));
    let mut write = texts.rendering("slack", &notification, notification.at);
    let recorded = concat!(
        r##"{"channel":"#c","username":"Alertmanager","attachments":[{"title":"[FIRING:2] A a\"b ","##,
        r#""title_link":"http://am.example/x/#/alerts?receiver=my%5C.hook","text":"","#,
        r#""fallback":"[FIRING:2] A a\"b  | http://am.example/x/#/alerts?receiver=my%5C.hook","callback_id":"","#,
        r#""fields":[{"title":"t","value":"v","short":false}],"actions":[{"type":"button","text":"x","url":"http://u"}],"#,
        r#""footer":"","color":"danger","mrkdwn_in":["fallback","pretext","text"]}]}"#,
        "\n"
    );
    assert_eq!(slack::body(&options, &notification, None, &mut write).unwrap(), recorded.trim_end());
}

#[test]
fn without_templates_a_message_says_what_a_person_needs() {
    let pairs = [("alertname", "HighLoss"), ("severity", "critical"), ("run", "7<8>"), ("job", "trainer")];
    let annotations = [("summary", "Loss is high"), ("description", "It rose & rose."), ("runbook_url", "http://wiki/loss")];
    let mut one = alert(&pairs, &annotations, NEW_YEAR, None, "http://p/query?g0.expr=loss%20%3E%201");
    one.alert.value = Some(12.500_000_1);
    one.measured.threshold = Some(Threshold { operator: ">", value: 1.0 });
    let said = slack_body(&slack_options(), &texts(&[], false).unwrap(), &notification(vec![one.clone()]));
    let attachment = &said["attachments"][0];
    assert_eq!(attachment["title"], "[FIRING:1] HighLoss (critical) job=trainer run=7&lt;8&gt;");
    assert_eq!(
        attachment["text"],
        "*HighLoss* (critical) job=`trainer` run=`7&lt;8&gt;`\nLoss is high\nIt rose &amp; rose.\n\
         Value 12.5 (threshold: &gt; 1), firing since 2026-01-01 00:00:00 UTC (5m)\n\
         <http://p/query?g0.expr=loss%20%3E%201|Graph> | <http://wiki/loss|Runbook> | \
         <http://am.example/x/alerts?silence=%7Balertname%3D%22HighLoss%22%2Cjob%3D%22trainer%22%2Crun%3D%227%3C8%3E%22%2C\
         severity%3D%22critical%22%7D|Silence>"
    );
    assert_eq!(attachment["color"], "danger");
    let mut two = one.clone();
    two.alert.labels = labels(&[("alertname", "HighLoss"), ("severity", "critical"), ("run", "9"), ("job", "trainer")]);
    (two.status, two.alert.ends_at) = (Status::Resolved, TimestampMs(NEW_YEAR + 61_000));
    two.measured.peak = Some(97.26);
    let text = words::plain::text(&notification(vec![one, two]), &[]);
    assert!(text.contains("FIRING: HighLoss (critical)\nLoss is high"), "{text}");
    assert!(text.contains("RESOLVED: HighLoss"), "{text}");
    assert!(text.contains("Labels: run=9\n"), "common labels are not repeated: {text}");
    assert!(text.contains("resolved at 2026-01-01 00:01:01 UTC after 1m 1s (since 2026-01-01 00:00:00 UTC), peak 97.26"), "{text}");
}

#[test]
fn ten_alerts_are_described_and_the_others_counted() {
    let many = |count: usize| {
        let one =
            |n: usize| alert(&[("alertname", "A"), ("instance", format!("i{n:02}").as_str())], &[("summary", "s")], NEW_YEAR, None, "");
        notification((0..count).map(one).collect())
    };
    let (told, figures) = (many(47), Vec::new());
    let plain = words::plain::text(&told, &[]);
    assert_eq!(plain.matches("FIRING: A").count(), 10);
    assert!(plain.contains("+37 more: http://am.example/x/alerts"), "{plain}");
    assert!(words::html::page(&told, &figures, &[]).contains("href=\"http://am.example/x/alerts\">+37 more</a>"));
    assert!(words::slack::text(&told, &[]).contains("<http://am.example/x/alerts|+37 more>"));
    assert!(words::markdown::text(&told, &[]).contains("[+37 more](http://am.example/x/alerts)"));
    // Where ten have no room, all that have none are counted.
    let mut long = told;
    long.alerts.iter_mut().for_each(|one| one.alert.annotations = labels(&[("summary", &"x".repeat(900))]));
    let slack = words::slack::text(&long, &["why".repeat(100)]);
    let shown = slack.matches("*A*").count();
    assert!(shown < 10 && slack.contains(&format!("|+{} more>", 47 - shown)), "{shown}");
    assert!(slack.chars().count() <= super::limits::SLACK_TEXT_MAX && slack.contains("why_"), "{}", slack.len());
}

#[test]
fn a_silence_is_filled_in_for_what_fires() {
    let one = alert(&[("alertname", "A b"), ("caf\u{e9}", "x\"y"), ("0", "z")], &[], NEW_YEAR, None, "");
    let told = notification(vec![one.clone()]);
    let shown = &words::described(&told).0[0].links;
    let url = "http://am.example/x/alerts?silence=%7B%220%22%3D%22z%22%2Calertname%3D%22A+b%22%2C%22caf%C3%A9%22%3D%22x%5C%22y%22%7D";
    assert_eq!(*shown, [("Silence", url.to_owned())]);
    let mut huge = one.clone();
    huge.alert.labels = labels(&[("alertname", "A"), ("path", &"/".repeat(600))]);
    assert!(words::described(&notification(vec![huge])).0[0].links.is_empty(), "no mail program keeps such a link whole");
    let mut ended = one;
    ended.status = Status::Resolved;
    assert!(words::described(&notification(vec![ended])).0[0].links.is_empty());
}

#[test]
fn a_template_that_fails_gives_way_to_our_text_and_is_named() {
    let mut options = slack_options();
    options.title = Some("{{ .NoSuchField }}".to_owned());
    options.text = Some("{{ (index .Alerts 5).Labels.x }}".to_owned());
    options.channel = Some("{{ template \"nope\" . }}".to_owned());
    let said = slack_body(&options, &texts(&[], false).unwrap(), &notification(vec![first()]));
    let attachment = &said["attachments"][0];
    assert!(attachment["title"].as_str().unwrap().starts_with("[FIRING:1] A"), "{said}");
    let text = attachment["text"].as_str().unwrap();
    assert!(text.contains("s &amp; t") && text.contains("template of slack title fails") && text.contains("slack channel fails"), "{text}");
}

#[test]
fn files_override_the_defaults_by_their_names() {
    let files = [("a.tmpl", "{{ define \"slack.default.title\" }}T {{ .Status }}{{ end }}{{ define \"slack.default.text\" }}X{{ end }}")];
    let said = slack_body(&slack_options(), &texts(&files, false).unwrap(), &notification(vec![first()]));
    assert_eq!((&said["attachments"][0]["title"], &said["attachments"][0]["text"]), (&"T firing".into(), &"X".into()));
    let error = texts(&[("bad.tmpl", "{{ define \"x\" }}")], false).err().unwrap();
    assert!(error.contains("bad.tmpl"), "{error}");
}

#[test]
fn labels_call_nobody_and_stay_in_their_place() {
    let pairs = [
        ("alertname", "<!channel>\n*A*"),
        ("b", "one\n\n@channel `two` <!here>"),
        ("<@U1>", "x"),
        ("c", "abc\u{202e}cba"),
        ("d", " \n "),
        ("e", &"y".repeat(500)),
    ];
    let annotations = [("summary", "@here @Everyone <!everyone> someone@all.example")];
    let told = notification(vec![alert(&pairs, &annotations, NEW_YEAR, None, "")]);
    let slack = words::slack::text(&told, &[]);
    assert!(!slack.contains("<!") && !slack.contains("<@"), "{slack}");
    assert!(slack.contains("b=`one @channel 'two' &lt;!here&gt;` c=`abccba` d=`\"\"` e=`yyy"), "{slack}");
    assert!(!slack.split("<http").next().unwrap().contains(&"y".repeat(150)), "{slack}");
    let markdown = words::markdown::text(&told, &[]);
    assert!(markdown.contains("\\@\u{200b}here \\@\u{200b}Everyone") && markdown.contains("someone\\@\u{200b}all.example"), "{markdown}");
    assert_eq!(words::title(&told).lines().count(), 1);
    assert!(words::title(&told).chars().count() <= 300, "{}", words::title(&told));
    assert_eq!([1e20, 1.5e-7, 1.25e30].map(words::number), ["1e20", "1.5e-7", "1.25e30"]);
}

#[test]
fn slacks_answers_are_understood() {
    let answer = |status: u16, body: &str| http::Answer {
        status: reqwest::StatusCode::from_u16(status).unwrap(),
        is_json: body.starts_with('{'),
        body: body.to_owned(),
        retry_after: (status == 429).then_some(DurationMs::seconds(7)),
        redirect: None,
    };
    let kind = |status, body| slack::judge(&answer(status, body)).map_err(|failure| failure.kind);
    assert_eq!(kind(200, "ok"), Ok(()));
    assert_eq!(kind(200, "{\"ok\":true}"), Ok(()));
    assert_eq!(kind(200, "no"), Err(FailureKind::GiveUp));
    assert_eq!(kind(200, "<html>"), Err(FailureKind::Retry { after: None }), "somebody else answered");
    assert_eq!(kind(200, "{\"ok\":false,\"error\":\"channel_not_found\"}"), Err(FailureKind::GiveUp));
    assert_eq!(kind(500, "x"), Err(FailureKind::Retry { after: None }));
    assert_eq!(kind(429, "x"), Err(FailureKind::Retry { after: Some(DurationMs::seconds(7)) }));
    assert_eq!(kind(404, "no_service"), Err(FailureKind::GiveUp));
}

pub(super) fn email_options() -> EmailOptions {
    EmailOptions {
        send_resolved: true,
        to: "me@localhost, Other <you@example.org>".to_owned(),
        from: "promlet@localhost".to_owned(),
        smarthost_host: "127.0.0.1".to_owned(),
        smarthost_port: 0,
        hello: "localhost".to_owned(),
        auth_username: String::new(),
        auth_password: None,
        auth_secret: None,
        auth_identity: String::new(),
        require_tls: false,
        force_implicit_tls: None,
        tls: crate::client::TlsOptions::default(),
        headers: vec![("X-Team".to_owned(), "{{ .GroupLabels.team }}".to_owned())],
        html: None,
        text: None,
        threading: crate::notify::options::Threading::default(),
    }
}

#[test]
fn a_mail_has_a_plain_part_a_page_and_names_itself_and_its_group() {
    let texts = texts(&[], false).unwrap();
    let write = |notification: &Notification| {
        let mut write = texts.rendering("email", notification, notification.at);
        let letter = email::Letter::write(&email_options(), notification, &[], &mut write, notification.at).unwrap();
        (String::from_utf8(letter.bytes).unwrap(), letter.to.len())
    };
    let (mail, recipients) = write(&notification(vec![first(), second()]));
    assert_eq!(recipients, 2);
    let headers: Vec<&str> = mail.split("\r\n\r\n").next().unwrap().split("\r\n").collect();
    let header = |name: &str| headers.iter().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name} in {mail}")).trim();
    assert_eq!(header("Subject:"), "[FIRING:2] A team=a\"b");
    assert_eq!(header("Message-ID:"), "<0f0e0d0c-0b0a-4908-8706-050403020100@localhost>");
    assert_eq!(header("Date:"), "Thu, 01 Jan 2026 00:05:00 +0000");
    assert_eq!(header("X-Team:"), "a\"b");
    assert_eq!(header("Auto-Submitted:"), "auto-generated");
    let (again, _) = write(&notification(vec![first()]));
    assert!(again.contains(&format!("References: {}", header("References:"))), "one thread per group");
    let upstream = |daily| {
        let threading = crate::notify::options::Threading::Upstream { daily };
        let (options, one) = (EmailOptions { threading, ..email_options() }, notification(vec![first()]));
        let mut write = texts.rendering("email", &one, one.at);
        String::from_utf8(email::Letter::write(&options, &one, &[], &mut write, one.at).unwrap().bytes).unwrap()
    };
    let key = crate::notify::group_id::of(&notification(vec![first()]));
    assert!(upstream(true).contains(&format!("In-Reply-To: <alert-{:.16}-2026-01-01@alertmanager>", key)), "{}", upstream(true));
    assert!(upstream(false).contains(&format!("References: <alert-{:.16}-@alertmanager>", key)), "{}", upstream(false));
    let plain = mail.find("text/plain").unwrap();
    assert!(plain < mail.find("text/html").unwrap() && mail.contains("multipart/alternative"), "{mail}");
    let whole = mail.replace("=\r\n", "");
    assert!(whole.contains("i&lt;1&gt;"), "label text is never HTML: {mail}");
}

#[test]
fn a_chart_is_a_part_beside_the_page_that_shows_it() {
    let (texts, told) = (texts(&[], false).unwrap(), notification(vec![first()]));
    let chart = crate::notify::evidence::Chart {
        of: told.alerts[0].fingerprint,
        png: b"\x89PNG".to_vec(),
        alt: "Chart of \"A\"".to_owned(),
        caption: "Dashed: > 5.".to_owned(),
        legend: vec![("#3b82f6", "run=<7>".to_owned())],
    };
    let write = |options: &EmailOptions| {
        let mut write = texts.rendering("email", &told, told.at);
        let letter = email::Letter::write(options, &told, std::slice::from_ref(&chart), &mut write, told.at).unwrap();
        String::from_utf8(letter.bytes).unwrap()
    };
    let mail = write(&email_options());
    let at = |text: &str| mail.find(text).unwrap_or_else(|| panic!("{text} in {mail}"));
    let order = ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"].map(at);
    assert!(order.is_sorted(), "{mail}");
    assert!(mail.contains("Content-ID: <chart-1.0f0e0d0c-0b0a-4908-8706-050403020100@localhost>"), "{mail}");
    assert!(mail.contains("Content-Disposition: inline; filename=\"chart-1.png\""), "{mail}");
    assert!(mail.replace("=\r\n", "").contains("alt=3D\"Chart of &#34;A&#34;\""), "{mail}");
    let own = write(&EmailOptions { html: Some("<p>mine</p>".to_owned()), ..email_options() });
    assert!(!own.contains("image/png") && !own.contains("related"), "{own}");
}

#[test]
fn a_mail_whose_template_fails_is_still_a_mail() {
    let texts = texts(&[], false).unwrap();
    let mut options = email_options();
    options.html = Some("<p>{{ .Nope }}</p>".to_owned());
    options.headers = vec![("Subject".to_owned(), "{{ .Nope }}".to_owned())];
    let notification = notification(vec![first()]);
    let mut write = texts.rendering("email", &notification, notification.at);
    let letter = email::Letter::write(&options, &notification, &[], &mut write, notification.at).unwrap();
    let mail = String::from_utf8(letter.bytes).unwrap();
    assert!(mail.contains("Subject: [FIRING:1] A") && mail.contains("template of email html"), "{mail}");
    options.to = "nobody".to_owned();
    let error = email::Letter::write(&options, &notification, &[], &mut write, notification.at).unwrap_err();
    assert_eq!(error.kind, FailureKind::GiveUp);
}
