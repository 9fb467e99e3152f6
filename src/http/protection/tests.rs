//! A protected server on loopback: who comes in, over what, and what a changed file changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::http::Server;
use crate::http::options::{ClientAuth, Pem, RateLimit, ServerTls};
use crate::model::{DurationMs, Secret, TimestampMs};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/");

fn pem(name: &str) -> Pem {
    Pem::File(PathBuf::from(format!("{FOLDER}{name}")))
}

fn encrypted(change: impl FnOnce(&mut ServerTls)) -> WebOptions {
    let mut tls = ServerTls {
        cert: pem("host.pem"),
        key: pem("host.key"),
        client_auth: ClientAuth::None,
        client_ca: None,
        allowed_sans: None,
        tls12: true,
        tls13: true,
        cipher_suites: Vec::new(),
        prefer_server_order: true,
        curves: Vec::new(),
    };
    change(&mut tls);
    WebOptions { tls: Some(tls), ..open() }
}

fn open() -> WebOptions {
    WebOptions { tls: None, http2: true, headers: Vec::new(), users: Vec::new(), rate_limit: None }
}

/// What the file says, to be changed while the server runs.
type File = Arc<Mutex<Result<WebOptions, String>>>;
use std::sync::Mutex;

async fn serve(options: WebOptions, clock: Clock) -> (u16, File) {
    let file: File = Arc::new(Mutex::new(Ok(options)));
    let read = file.clone();
    let registry = Registry::default();
    let reader: ReadWeb = Arc::new(move || read.lock().unwrap().clone().map(Arc::new));
    let protection = Protection::new(reader, clock, &registry).unwrap();
    let router = Router::new().route("/-/healthy", get(|| async { ([("x-frame-options", "sameorigin")], "well\n") }));
    let server = Server::new(router, 0, &registry).protected(protection);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { server.run(listener, std::future::pending()).await });
    (port, file)
}

/// Who asks, and over what.
#[derive(Default)]
struct Asker {
    identity: Option<&'static str>,
    version: Option<reqwest::tls::Version>,
}

async fn ask(port: u16, asker: Asker, login: Option<(&str, &str)>) -> Result<reqwest::Response, reqwest::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates("authority.pem") {
        roots.add(certificate).unwrap();
    }
    let versions: &[&rustls::SupportedProtocolVersion] = match asker.version {
        Some(reqwest::tls::Version::TLS_1_2) => &[&rustls::version::TLS12],
        Some(_) => &[&rustls::version::TLS13],
        None => rustls::ALL_VERSIONS,
    };
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap().with_root_certificates(roots);
    let config = match asker.identity {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let key = std::fs::read(format!("{FOLDER}{name}.key")).unwrap();
            let key = rustls_pki_types::pem::PemObject::from_pem_slice(&key).unwrap();
            builder.with_client_auth_cert(certificates(&format!("{name}.pem")), key).unwrap()
        }
    };
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).tls_backend_preconfigured(config).build().unwrap();
    let request = client.get(format!("https://localhost:{port}/-/healthy"));
    match login {
        Some((name, password)) => request.basic_auth(name, Some(password)),
        None => request,
    }
    .send()
    .await
}

fn certificates(name: &str) -> Vec<rustls_pki_types::CertificateDer<'static>> {
    let text = std::fs::read(Path::new(FOLDER).join(name)).unwrap();
    <rustls_pki_types::CertificateDer<'_> as rustls_pki_types::pem::PemObject>::pem_slice_iter(&text).map(Result::unwrap).collect()
}

/// The whole answer to a request without TLS.
async fn plain_answer(port: u16, headers: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(format!("GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn basic(login: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(login))
}

#[tokio::test]
async fn passwords_stand_before_everything_and_are_renewed() {
    let user = |password: &str| vec![("me".to_owned(), Secret::new(bcrypt::hash(password, 4).unwrap()))];
    let headers = vec![("X-Frame-Options".to_owned(), "deny".to_owned()), ("X-XSS-Protection".to_owned(), "1".to_owned())];
    let (port, file) = serve(WebOptions { users: user("right"), headers, ..open() }, Clock::system()).await;
    let refused = plain_answer(port, "").await;
    assert!(refused.starts_with("HTTP/1.1 401 Unauthorized\r\n") && refused.ends_with("\r\n\r\nUnauthorized\n"), "{refused}");
    assert!(refused.contains("www-authenticate: Basic\r\n") && refused.contains("x-frame-options: deny\r\n"), "{refused}");
    for wrong in ["me:wrong", "you:right", "me", ":", "me:right2"] {
        assert!(plain_answer(port, &basic(wrong)).await.starts_with("HTTP/1.1 401 "), "{wrong}");
    }
    assert!(plain_answer(port, "Authorization: Bearer x\r\n").await.starts_with("HTTP/1.1 401 "));
    let good = plain_answer(port, &basic("me:right")).await;
    assert!(good.starts_with("HTTP/1.1 200 OK\r\n") && good.contains("x-frame-options: sameorigin\r\n"), "{good}");
    assert!(good.contains("x-xss-protection: 1\r\n"), "{good}");
    *file.lock().unwrap() = Ok(WebOptions { users: user("new"), ..open() });
    assert!(plain_answer(port, &basic("me:right")).await.starts_with("HTTP/1.1 401 "));
    assert!(plain_answer(port, &basic("me:new")).await.starts_with("HTTP/1.1 200 "));
    *file.lock().unwrap() = Err("broken".to_owned());
    assert!(plain_answer(port, &basic("me:new")).await.starts_with("HTTP/1.1 500 "));
}

#[tokio::test]
async fn a_bucket_of_requests_empties_and_fills() {
    let clock = Clock::manual(TimestampMs(0));
    let limit = RateLimit { interval: DurationMs(1_000), burst: 2 };
    let (port, _) = serve(WebOptions { rate_limit: Some(limit), ..open() }, clock.clone()).await;
    for expected in ["200", "200", "429"] {
        assert!(plain_answer(port, "").await.starts_with(&format!("HTTP/1.1 {expected} ")));
    }
    clock.advance(DurationMs(1_000));
    for expected in ["200", "429"] {
        assert!(plain_answer(port, "").await.starts_with(&format!("HTTP/1.1 {expected} ")));
    }
}

#[tokio::test]
async fn tls_is_spoken_in_the_versions_that_are_wanted_and_certificates_are_renewed() {
    let (port, file) = serve(encrypted(|_| {}), Clock::system()).await;
    for version in [reqwest::tls::Version::TLS_1_2, reqwest::tls::Version::TLS_1_3] {
        let asker = Asker { version: Some(version), ..Asker::default() };
        assert_eq!(ask(port, asker, None).await.unwrap().status(), 200);
    }
    assert_eq!(plain_answer(port, "").await, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
    *file.lock().unwrap() = Ok(encrypted(|tls| {
        tls.tls12 = false;
        (tls.cert, tls.key) = (pem("host2.pem"), pem("host2.key"));
    }));
    assert!(ask(port, Asker { version: Some(reqwest::tls::Version::TLS_1_2), ..Asker::default() }, None).await.is_err());
    assert_eq!(ask(port, Asker::default(), None).await.unwrap().status(), 200);
    *file.lock().unwrap() = Ok(encrypted(|tls| tls.cert = pem("none.pem")));
    assert!(ask(port, Asker::default(), None).await.is_err());
    *file.lock().unwrap() = Ok(open());
    assert!(ask(port, Asker::default(), None).await.is_err(), "encryption that is gone from the file is not gone from the server");
}

#[tokio::test]
async fn clients_show_the_certificates_that_are_asked_for() {
    use ClientAuth::{None as Nothing, Request, RequireAndVerify, RequireAny, VerifyIfGiven};
    let san = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    // without a certificate, with one of the authority, with one of another
    let cases = [
        (Nothing, None, [true, true, true]),
        (Request, None, [true, true, true]),
        (RequireAny, None, [false, true, true]),
        (VerifyIfGiven, None, [true, true, false]),
        (RequireAndVerify, None, [false, true, false]),
        (RequireAndVerify, san(&["me@example.org"]), [false, true, false]),
        (RequireAndVerify, san(&["elsewhere.example"]), [false, false, false]),
        (RequireAny, san(&["client.example"]), [false, true, true]),
        (VerifyIfGiven, san(&["spiffe://x/y", "z"]), [false, true, false]),
    ];
    for (client_auth, allowed, expected) in cases {
        let options = encrypted(|tls| {
            (tls.client_auth, tls.allowed_sans) = (client_auth, allowed.clone());
            tls.client_ca = Some(pem("authority.pem"));
        });
        let (port, _) = serve(options, Clock::system()).await;
        for (identity, expected) in [None, Some("client"), Some("stranger")].into_iter().zip(expected) {
            let answer = ask(port, Asker { identity, ..Asker::default() }, None).await;
            assert_eq!(answer.is_ok(), expected, "{client_auth:?} {allowed:?} {identity:?}: {answer:?}");
        }
    }
}

#[test]
fn what_cannot_work_is_told_at_the_start() {
    let told = |change: fn(&mut ServerTls)| check(encrypted(change).tls.as_ref().unwrap(), true).unwrap_err();
    assert!(told(|tls| tls.cert = pem("none.pem")).starts_with("failed to read cert_file ("));
    assert!(told(|tls| tls.key = pem("client.key")).starts_with("failed to load X509KeyPair: "));
    assert!(told(|tls| tls.key = Pem::Inline(Secret::new("x"))).starts_with("failed to load X509KeyPair: "));
    assert!(told(|tls| tls.cipher_suites = vec!["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384".to_owned()]).contains("HTTP/2-required"));
    assert_eq!(check(encrypted(|tls| tls.curves = vec!["CurveP384".to_owned()]).tls.as_ref().unwrap(), true), Ok(()));
}
