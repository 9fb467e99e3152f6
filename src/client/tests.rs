//! Clients against small local servers: TLS, secrets in files, redirects.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::model::Secret;

/// A certificate for localhost that signs itself, valid for a hundred years, and used by nobody else.
const CERTIFICATE: &str = include_str!("../../tests/tls/server.pem");
const KEY: &str = include_str!("../../tests/tls/server.key");

pub(super) type Requests = Arc<Mutex<Vec<String>>>;

/// Answers every request with what `answer` gives, over TLS if asked. Gives the port and what was asked.
pub(super) async fn serve(tls: bool, answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (u16, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Requests::default();
    let (seen, answer) = (requests.clone(), Arc::new(answer));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (seen, answer, acceptor) = (seen.clone(), answer.clone(), acceptor.clone());
            tokio::spawn(async move {
                if tls {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        converse(stream, &seen, &*answer).await;
                    }
                } else {
                    converse(stream, &seen, &*answer).await;
                }
            });
        }
    });
    (port, requests)
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, seen: &Requests, answer: &(dyn Fn(&str) -> String + Send + Sync)) {
    let mut head = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        head.push(byte);
        if head.ends_with(b"\r\n\r\n") {
            let length =
                String::from_utf8_lossy(&head).to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            if stream.read_exact(&mut body).await.is_err() {
                return;
            }
            head.extend(body);
            let text = String::from_utf8_lossy(&std::mem::take(&mut head)).into_owned();
            let reply = answer(&text);
            seen.lock().unwrap().push(text);
            if stream.write_all(reply.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

pub(super) fn page(_: &str) -> String {
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\na 1\n".to_owned()
}

pub(super) async fn fetch(url: String, client: ClientOptions) -> Result<String, FetchError> {
    let (headers, timeout) = (Vec::new(), Duration::from_secs(5));
    let options = FetchOptions { url, headers, client: Arc::new(client), compression: true, body_size_limit: 0, timeout };
    let mut body = Vec::new();
    Fetcher::new(options).await?.fetch(&mut body).await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn tls_is_verified_unless_told_otherwise() {
    let (port, _) = serve(true, page).await;
    let url = format!("https://localhost:{port}/metrics");
    let error = fetch(url.clone(), ClientOptions::default()).await.unwrap_err().to_string();
    assert!(error.contains("tls: ") && error.contains("certificate"), "{error}");
    let with = |tls: TlsOptions| ClientOptions { tls, ..ClientOptions::default() };
    let trusting = with(TlsOptions { ca: Some(SecretSource::Inline(Secret::new(CERTIFICATE))), ..TlsOptions::default() });
    assert_eq!(fetch(url.clone(), trusting.clone()).await.as_deref(), Ok("a 1\n"));
    let mut misnamed = trusting.clone();
    misnamed.tls.server_name = Some("elsewhere.example".into());
    assert!(fetch(url.clone(), misnamed).await.is_err());
    let mut outdated = trusting.clone();
    outdated.tls.max_version = Some(TlsVersion::Tls11);
    assert!(fetch(url.clone(), outdated).await.unwrap_err().to_string().contains("neither TLS12 nor TLS13"));
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let mut bound = trusting.clone();
        (bound.tls.min_version, bound.tls.max_version) = (Some(version), Some(version));
        assert_eq!(fetch(url.clone(), bound).await.as_deref(), Ok("a 1\n"));
    }
    let careless = with(TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() });
    assert_eq!(fetch(url.clone(), careless).await.as_deref(), Ok("a 1\n"));
    let outbound = Outbound::new(&trusting, Timeouts::total(Duration::from_secs(5))).unwrap();
    let answer = outbound.request(reqwest::Method::GET, &url).await.unwrap().send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "a 1\n");
    let broken = with(TlsOptions { ca: Some(SecretSource::File("/none/ca.pem".into())), ..TlsOptions::default() });
    assert!(fetch(url, broken).await.unwrap_err().to_string().starts_with("unable to read file /none/ca.pem: "));
}

#[tokio::test]
async fn secrets_in_files_are_read_at_each_use() {
    let (port, requests) = serve(false, page).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "first\n").unwrap();
    let bearer = Authorization { scheme: "Bearer".into(), credentials: Some(SecretSource::File(path.clone())) };
    let client = ClientOptions { authorization: Some(bearer), ..ClientOptions::default() };
    let options = FetchOptions {
        url: format!("http://127.0.0.1:{port}/"),
        headers: vec![("accept", "x/y".into())],
        client: Arc::new(client),
        compression: true,
        body_size_limit: 0,
        timeout: Duration::from_secs(5),
    };
    let mut fetcher = Fetcher::new(options).await.unwrap();
    let mut body = Vec::new();
    fetcher.fetch(&mut body).await.unwrap();
    std::fs::write(&path, "second").unwrap();
    fetcher.fetch(&mut body).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = fetcher.fetch(&mut body).await.unwrap_err().to_string();
    assert!(error.starts_with("unable to read file ") && error.contains("token"), "{error}");
    let requests = requests.lock().unwrap();
    assert!(requests[0].contains("authorization: Bearer first\r\n") && requests[0].contains("accept: x/y\r\n"));
    assert!(requests[1].contains("authorization: Bearer second\r\n"));
}

#[tokio::test]
async fn outbound_redirects_keep_configured_headers_at_home() {
    let (other, elsewhere) = serve(false, page).await;
    let (port, _) = serve(false, move |request| {
        let to = if request.starts_with("GET /near") { "/page".to_owned() } else { format!("http://localhost:{other}/") };
        if request.starts_with("GET /page") {
            page("")
        } else {
            format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
        }
    })
    .await;
    let ask = async |client: ClientOptions, path: &str| {
        let outbound = Outbound::new(&client, Timeouts::total(Duration::from_secs(5))).unwrap();
        let request = outbound.request(reqwest::Method::GET, &format!("http://127.0.0.1:{port}{path}")).await.unwrap();
        request.send().await.unwrap().status().as_u16()
    };
    let keyed = ClientOptions { headers: vec![("X-Key".into(), SecretSource::Inline(Secret::new("k")))], ..ClientOptions::default() };
    assert_eq!(ask(keyed.clone(), "/near").await, 200);
    assert_eq!(ask(keyed, "/far").await, 302);
    assert!(elsewhere.lock().unwrap().is_empty());
    let basic = BasicAuth { username: SecretSource::Inline(Secret::new("me")), password: None };
    let basic = ClientOptions { basic_auth: Some(basic), ..ClientOptions::default() };
    assert_eq!(ask(basic.clone(), "/far").await, 200);
    assert!(!elsewhere.lock().unwrap()[0].contains("authorization"));
    assert_eq!(ask(ClientOptions { follow_redirects: false, ..basic }, "/near").await, 302);
}

#[tokio::test]
async fn renewed_certificates_are_used() {
    let (port, _) = serve(true, |_| "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\na 1\n".to_owned()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, include_str!("../../tests/tls/authority.pem")).unwrap();
    let tls = TlsOptions { ca: Some(SecretSource::File(path.clone())), ..TlsOptions::default() };
    let client = ClientOptions { tls, ..ClientOptions::default() };
    let url = format!("https://localhost:{port}/");
    let outbound = Outbound::new(&client, Timeouts::total(Duration::from_secs(5))).unwrap();
    let timeout = Duration::from_secs(5);
    let (headers, client) = (Vec::new(), Arc::new(client));
    let options = FetchOptions { url: url.clone(), headers, client, compression: true, body_size_limit: 0, timeout };
    let (mut fetcher, mut body) = (Fetcher::new(options).await.unwrap(), Vec::new());
    let ask = async || outbound.request(reqwest::Method::GET, &url).await.unwrap().send().await;
    assert!(ask().await.is_err() && fetcher.fetch(&mut body).await.is_err());
    std::fs::write(&path, CERTIFICATE).unwrap();
    assert!(ask().await.is_ok() && fetcher.fetch(&mut body).await.is_ok());
    std::fs::remove_file(&path).unwrap();
    assert!(outbound.request(reqwest::Method::GET, &url).await.unwrap_err().to_string().starts_with("unable to read file "));
}

#[test]
fn limits_are_told_apart() {
    assert_eq!(within_limit(9, 10), Ok(()));
    assert_eq!(within_limit(10, 10), Err(FetchError::BodySizeLimit));
    assert_eq!(within_limit(BODY_BYTES_MAX, 0), Ok(()));
    assert!(within_limit(BODY_BYTES_MAX + 1, 0).unwrap_err().to_string().contains("268435456 bytes"));
}
