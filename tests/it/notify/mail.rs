//! The conversation with mail servers: encryption, logins, refusals, silence.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use promlet::alerts::notification::{FailureKind, Measured, Notification, NotifiedAlert, Outcome, Reason, Status};
use promlet::alerts::{Receiver, fingerprint};
use promlet::client::{SecretSource, TlsOptions};
use promlet::clock::Clock;
use promlet::model::{Alert, DurationMs, Labels, Secret, TimestampMs};
use promlet::notify::build;
use promlet::notify::options::{EmailOptions, Integration, NotifyOptions, ReceiverOptions, Threading};
use promlet::telemetry::Registry;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::peers::{MailPeer, MailScript};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/notify").join(name)
}

/// With a certificate for `localhost`, signed by an authority that only these tests know.
pub fn tls_acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsAcceptor::from(Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()))
}

pub fn options(port: u16) -> EmailOptions {
    EmailOptions {
        send_resolved: true,
        to: "me@localhost".to_owned(),
        from: "promlet@localhost".to_owned(),
        smarthost_host: "localhost".to_owned(),
        smarthost_port: port,
        hello: "box".to_owned(),
        auth_username: String::new(),
        auth_password: None,
        auth_secret: None,
        auth_identity: String::new(),
        require_tls: false,
        force_implicit_tls: None,
        tls: TlsOptions::default(),
        headers: Vec::new(),
        html: None,
        text: None,
        threading: Threading::default(),
    }
}

pub fn email(port: u16) -> Integration {
    Integration::Email(Box::new(options(port)))
}

fn trusting(options: EmailOptions) -> EmailOptions {
    let tls = TlsOptions { ca: Some(SecretSource::File(file("authority.pem"))), ..TlsOptions::default() };
    EmailOptions { require_tls: true, tls, ..options }
}

fn with_login(options: EmailOptions) -> EmailOptions {
    let password = Some(SecretSource::Inline(Secret::new("geheim")));
    EmailOptions { auth_username: "user".to_owned(), auth_password: password, ..options }
}

async fn send(options: EmailOptions) -> Outcome {
    let receiver = ReceiverOptions { name: "all".to_owned(), integrations: vec![Integration::Email(Box::new(options))] };
    let options = NotifyOptions { receivers: vec![receiver], ..NotifyOptions::default() };
    let receivers: Vec<Receiver> = build(&options, &Clock::system(), &Registry::default()).unwrap();
    receivers[0].integrations[0].notify.notify(&notification()).await
}

pub fn notification() -> Notification {
    let labels = Labels::from_pairs([("alertname", "A")]);
    let alert = Alert {
        labels: labels.clone(),
        annotations: Labels::empty(),
        starts_at: TimestampMs(0),
        ends_at: TimestampMs(i64::MAX),
        generator_url: String::new(),
        value: None,
    };
    Notification {
        id: "an-id".to_owned(),
        receiver: "all".to_owned(),
        integration: "email[0]".to_owned(),
        status: Status::Firing,
        reason: Reason::First,
        alerts: vec![NotifiedAlert {
            fingerprint: fingerprint::of(&labels),
            alert,
            status: Status::Firing,
            ended_while_down: false,
            measured: Measured::default(),
        }],
        group_labels: labels,
        route_labels: Labels::empty(),
        group_key: "{}:{alertname=\"A\"}".to_owned(),
        external_url: "http://promlet".to_owned(),
        at: TimestampMs(0),
        may_repeat: false,
        memo: None,
        in_place_of: Vec::new(),
        deadline: DurationMs::seconds(30),
    }
}

fn is_failure(outcome: &Outcome, gives_up: bool, text: &str) {
    let failure = outcome.as_ref().expect_err("it should have failed");
    assert_eq!(failure.kind == FailureKind::GiveUp, gives_up, "{failure}");
    assert!(failure.detail.contains(text), "{text}: {failure}");
}

#[tokio::test]
async fn starttls_and_a_login_with_plain() {
    let script = MailScript { starttls: Some(tls_acceptor()), auth: "LOGIN PLAIN", ..MailScript::default() };
    let mail = MailPeer::start(script).await;
    let outcome = send(with_login(trusting(options(mail.port)))).await;
    assert_eq!(outcome.map(|delivered| delivered.detail), Ok("250 kept".to_owned()));
    let said = mail.said();
    assert!(said.contains("EHLO box\nSTARTTLS\nEHLO box\nAUTH PLAIN AHVzZXIAZ2VoZWlt\nMAIL FROM:<promlet@localhost>"), "{said}");
    assert!(said.contains("Message-ID: <an-id@localhost>"), "{said}");
}

#[tokio::test]
async fn implicit_tls_and_a_login_with_login() {
    let script = MailScript { implicit_tls: Some(tls_acceptor()), auth: "LOGIN", ..MailScript::default() };
    let mail = MailPeer::start(script).await;
    let options = EmailOptions { force_implicit_tls: Some(true), ..with_login(trusting(options(mail.port))) };
    send(options).await.unwrap();
    assert!(mail.said().contains("AUTH LOGIN\ndXNlcg==\nZ2VoZWlt\nMAIL"), "{}", mail.said());
}

// The conversation of RFC 2195, section 2.
#[tokio::test]
async fn a_secret_answers_a_challenge_without_encryption() {
    let challenge = "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+";
    let mail = MailPeer::start(MailScript { answers: vec![("AUTH CRAM-MD5", challenge)], ..MailScript::default() }).await;
    let secret = Some(SecretSource::Inline(Secret::new("tanstaaftanstaaf")));
    let options = EmailOptions { auth_username: "tim".to_owned(), auth_secret: secret.clone(), ..options(mail.port) };
    send(options.clone()).await.unwrap();
    assert!(mail.said().contains("AUTH CRAM-MD5\ndGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\nMAIL"), "{}", mail.said());
    let mail = MailPeer::start(MailScript { answers: vec![("AUTH", "504 what?")], ..MailScript::default() }).await;
    is_failure(&send(EmailOptions { smarthost_port: mail.port, ..options }).await, true, "504");
}

#[tokio::test]
async fn what_a_server_refuses_is_named_and_not_hammered() {
    let with = |answers: Vec<(&'static str, &'static str)>| MailPeer::start(MailScript { answers, ..MailScript::default() });
    let mail = with(vec![("RCPT", "550 no such user")]).await;
    is_failure(&send(options(mail.port)).await, true, "recipient me@localhost refused: RCPT TO: permanent error (550)");
    let mail = with(vec![("RCPT", "450 come back later")]).await;
    is_failure(&send(options(mail.port)).await, false, "450");
    let mail = with(vec![("RCPT TO:<me@localhost>", "550 no such user")]).await;
    let both = EmailOptions { to: "me@localhost, you@localhost".to_owned(), ..options(mail.port) };
    let detail = send(both).await.unwrap().detail;
    assert!(detail.starts_with("250 kept; not delivered to me@localhost (RCPT TO: permanent error (550)"), "{detail}");
    let mail = with(vec![("END", "554 spam")]).await;
    is_failure(&send(options(mail.port)).await, true, "DATA: permanent error (554)");
    let mail = with(vec![("CONNECT", "421 too busy")]).await;
    is_failure(&send(options(mail.port)).await, false, "421");
}

#[tokio::test]
async fn missing_encryption_and_strangers_certificates_are_refused() {
    let mail = MailPeer::start(MailScript::default()).await;
    is_failure(&send(trusting(options(mail.port))).await, true, "does not offer STARTTLS, and require_tls is true");
    let mail = MailPeer::start(MailScript { starttls: Some(tls_acceptor()), ..MailScript::default() }).await;
    let strict = EmailOptions { require_tls: true, ..options(mail.port) };
    is_failure(&send(strict).await, true, "tls_config.ca_file");
    let mail = MailPeer::start(MailScript { auth: "XOAUTH2", ..MailScript::default() }).await;
    is_failure(&send(with_login(options(mail.port))).await, true, "neither AUTH PLAIN nor AUTH LOGIN");
}

#[tokio::test]
async fn a_server_without_any_login_is_not_asked_for_one() {
    let mail = MailPeer::start(MailScript::default()).await;
    send(with_login(options(mail.port))).await.unwrap();
    assert!(!mail.said().contains("AUTH"), "{}", mail.said());
}

/// Runs under a clock that jumps ahead when everybody waits.
#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_costs_ten_seconds_at_any_step() {
    for step in ["CONNECT", "EHLO", "AUTH", "USERNAME", "PASSWORD", "MAIL", "RCPT", "DATA", "END"] {
        let mail = MailPeer::start(MailScript { answers: vec![(step, "")], auth: "LOGIN", ..MailScript::default() }).await;
        is_over_in_time(step, with_login(options(mail.port))).await;
    }
    // The same behind STARTTLS, and where TLS comes first.
    for step in ["STARTTLS", "HANDSHAKE", "AUTH", "MAIL"] {
        let script = MailScript { answers: vec![(step, "")], auth: "PLAIN", starttls: Some(tls_acceptor()), ..MailScript::default() };
        is_over_in_time(step, with_login(trusting(options(MailPeer::start(script).await.port)))).await;
    }
    for step in ["CONNECT", "HANDSHAKE", "EHLO"] {
        let script = MailScript { answers: vec![(step, "")], implicit_tls: Some(tls_acceptor()), ..MailScript::default() };
        let port = MailPeer::start(script).await.port;
        is_over_in_time(step, EmailOptions { force_implicit_tls: Some(true), ..trusting(options(port)) }).await;
    }
}

async fn is_over_in_time(step: &str, options: EmailOptions) {
    let began = tokio::time::Instant::now();
    let outcome = within_reason(send(options)).await;
    // Looking at a mail takes servers long: there they have the rest of the time.
    let (most, word) = if step == "END" { (31, "DATA: the whole took longer than 30 s") } else { (11, "silent for 10 s") };
    assert!(began.elapsed().as_secs() <= most, "{step}: {:?}", began.elapsed());
    let failure = outcome.expect_err(step);
    let is_named = failure.detail.contains(word);
    assert!(matches!(failure.kind, FailureKind::Retry { .. }) && is_named, "{step}: {failure}");
}

async fn within_reason<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(std::time::Duration::from_secs(120), work).await.expect("no step may hang")
}

/// A mail that the server has is never sent again, whatever comes of the goodbye.
#[tokio::test(start_paused = true)]
async fn a_mail_that_was_accepted_counts_whatever_happens_at_the_end() {
    for goodbye in ["", "421 closing", "500 what?", "nonsense"] {
        let mail = MailPeer::start(MailScript { answers: vec![("QUIT", goodbye)], ..MailScript::default() }).await;
        let began = tokio::time::Instant::now();
        assert_eq!(within_reason(send(options(mail.port))).await.map(|delivered| delivered.detail), Ok("250 kept".to_owned()));
        assert!(began.elapsed().as_secs() < 1, "nobody waits for the goodbye");
    }
}

#[tokio::test]
async fn servers_that_speak_otherwise_are_understood_or_named() {
    let with = |answers: Vec<(&'static str, &'static str)>| MailPeer::start(MailScript { answers, ..MailScript::default() });
    let mail = with(vec![("EHLO", "250-peer\r\n250 AUTH LOGIN PLAIN"), ("AUTH PLAIN", "334 ")]).await;
    send(with_login(options(mail.port))).await.unwrap();
    assert!(mail.said().contains("AUTH PLAIN AHVzZXIAZ2VoZWlt\nAHVzZXIAZ2VoZWlt"), "{}", mail.said());
    let mail = with(vec![("EHLO", "250-peer\r\n250 AUTH CRAM-MD5")]).await;
    is_failure(&send(with_login(options(mail.port))).await, true, "set auth_secret");
    let mail = with(vec![("CONNECT", "HTTP/1.1 400 Bad Request")]).await;
    is_failure(&send(options(mail.port)).await, false, "(is this a mail server's port?)");
    let mail = with(vec![("DATA", "250 what for?")]).await;
    is_failure(&send(options(mail.port)).await, false, "does not want the mail");
    let mail = with(vec![("RCPT TO:<you@localhost>", "550 no"), ("RCPT TO:<me@localhost>", "451 later")]).await;
    let both = EmailOptions { to: "me@localhost, you@localhost".to_owned(), ..options(mail.port) };
    is_failure(&send(both).await, false, "451");
    let mail = with(vec![("MAIL", "250-a\r\n251 b")]).await;
    is_failure(&send(options(mail.port)).await, false, "response error");
    let endless: &'static str = Box::leak("x".repeat(300_000).into_boxed_str());
    let mail = with(vec![("CONNECT", endless)]).await;
    is_failure(&send(options(mail.port)).await, false, "says more than 262144 bytes");
}

/// What a label holds stays within the header that shows it.
#[tokio::test]
async fn line_breaks_in_labels_make_no_headers() {
    let mail = MailPeer::start(MailScript::default()).await;
    let receiver = ReceiverOptions { name: "all".to_owned(), integrations: vec![email(mail.port)] };
    let options = NotifyOptions { receivers: vec![receiver], ..NotifyOptions::default() };
    let receivers = build(&options, &Clock::system(), &Registry::default()).unwrap();
    let mut notification = notification();
    let labels = Labels::from_pairs([("alertname", "A\r\nBcc: all@localhost\r\n\r\n.\r\nQUIT"), ("b", "\nX-Own: 1")]);
    notification.alerts[0].alert.labels = labels.clone();
    notification.group_labels = labels;
    receivers[0].integrations[0].notify.notify(&notification).await.unwrap();
    let said = mail.said();
    let (headers, _) = said.split_once("\n\n").unwrap();
    assert!(!headers.lines().any(|line| line.starts_with("Bcc") || line.starts_with("X-Own") || line == "QUIT"), "{said}");
    assert_eq!(said.lines().filter(|line| *line == ".").count(), 1, "{said}");
}
