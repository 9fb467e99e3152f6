//! Tokens from small local servers that grant, refuse, or answer nonsense.

use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA384, RsaKeyPair, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject;
use serde_json::{Map, Value, json};

use super::*;
use crate::client::tests::{fetch, page, serve};
use crate::client::{Assertion, ClientOptions, RsaAlgorithm, SecretSource};
use crate::model::{DurationMs, TimestampMs};

/// Made for these tests, used by nobody.
const KEY: &str = include_str!("../../../tests/tls/rsa.key");

fn answer(status: &str, kind: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn granted(body: &str) -> String {
    answer("200 OK", "application/json", body)
}

fn options(port: u16, grant: Grant, clock: Clock) -> OAuth2 {
    OAuth2 {
        client_id: "the id".to_owned(),
        grant,
        scopes: vec!["read".to_owned(), "write".to_owned()],
        token_url: format!("http://127.0.0.1:{port}/token"),
        endpoint_params: vec![("audience".to_owned(), "a&b".to_owned())],
        client: Box::default(),
        tokens: TokenCache::with_clock(clock),
    }
}

fn with_secret(secret: &str) -> Grant {
    Grant::Secret(Some(SecretSource::Inline(Secret::new(secret))))
}

fn manual() -> Clock {
    Clock::manual(TimestampMs(1_700_000_000_000))
}

/// The text of the error that an answer leads to.
async fn refusal(answer: String) -> String {
    let (port, _) = serve(false, move |_| answer.clone()).await;
    options(port, with_secret("hush"), manual()).authorization().await.unwrap_err().to_string().replace(&port.to_string(), "PORT")
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_again_before_it_expires() {
    let (port, heard) = serve(false, |_| granted(r#"{"access_token":"t1","token_type":"bearer","expires_in":60}"#)).await;
    let clock = manual();
    let oauth2 = options(port, with_secret("s p:cial"), clock.clone());
    let copy = oauth2.clone();
    let both = tokio::join!(oauth2.authorization(), copy.authorization());
    assert_eq!((both.0.unwrap().expose(), both.1.unwrap().expose()), ("Bearer t1", "Bearer t1"));
    clock.advance(DurationMs(49_000));
    oauth2.authorization().await.unwrap();
    assert_eq!(heard.lock().unwrap().len(), 1);
    clock.advance(DurationMs(1_000));
    oauth2.authorization().await.unwrap();
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 2);
    let pair = STANDARD.encode("the+id:s+p%3Acial");
    assert!(
        heard[0].starts_with("POST /token HTTP/1.1\r\n") && heard[0].contains(&format!("authorization: Basic {pair}\r\n")),
        "{}",
        heard[0]
    );
    assert!(heard[0].contains("content-type: application/x-www-form-urlencoded\r\n"), "{}", heard[0]);
    assert!(heard[0].ends_with("\r\n\r\naudience=a%26b&grant_type=client_credentials&scope=read+write"), "{}", heard[0]);
    assert!(!format!("{oauth2:?}").contains("s p:cial"));
}

#[tokio::test]
async fn a_server_that_wants_the_form_gets_it_and_is_remembered() {
    let (port, heard) = serve(false, |request| {
        if request.contains("authorization: Basic") {
            return answer("401 Unauthorized", "application/json", r#"{"error":"invalid_client"}"#);
        }
        answer("200 OK", "text/plain; charset=utf-8", "access_token=a%2Bb&token_type=Custom&expires_in=1")
    })
    .await;
    let clock = manual();
    let oauth2 = options(port, with_secret("hush"), clock.clone());
    assert_eq!(oauth2.authorization().await.unwrap().expose(), "Custom a+b");
    clock.advance(DurationMs(1_000));
    oauth2.authorization().await.unwrap();
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 3);
    assert!(heard[1].ends_with("client_id=the+id&client_secret=hush&grant_type=client_credentials&scope=read+write"), "{}", heard[1]);
    assert!(!heard[1].contains("authorization") && heard[2] == heard[1]);
}

#[tokio::test]
async fn refusals_name_server_and_status_and_no_secret() {
    let server = "oauth2: cannot fetch token from http://127.0.0.1:PORT/token: ";
    let cases = [
        (answer("401 Unauthorized", "text/plain", "go\naway"), "401 Unauthorized, response: go away"),
        (answer("503 Service Unavailable", "text/plain", ""), "503 Service Unavailable"),
        (answer("200 OK", "text/html", "<html>log in</html>"), "cannot parse json: expected value at line 1 column 1"),
        (granted("[]"), "the answer is no JSON object"),
        (granted(r#"{"token_type":"bearer"}"#), "server response missing access_token"),
        (granted(r#"{"error":"invalid_scope","error_description":"no such"}"#), "\"invalid_scope\" no such"),
        (answer("200 OK", "application/json", &" ".repeat(ANSWER_BYTES_MAX + 1)), "the answer is longer than 1048576 bytes"),
    ];
    for (answer, expected) in cases {
        assert_eq!(refusal(answer).await, format!("{server}{expected}"));
    }
    let mut closed = options(1, with_secret("hush"), manual());
    closed.token_url = "http://me:hush@127.0.0.1:1/token".to_owned();
    let error = closed.authorization().await.unwrap_err().to_string();
    assert!(
        error.starts_with("oauth2: cannot fetch token from http://me:xxxxx@127.0.0.1:1/token: ") && error.contains("refused"),
        "{error}"
    );
    closed.endpoint_params = vec![("scope".to_owned(), "x".to_owned())];
    closed.tokens = TokenCache::with_clock(manual());
    assert!(closed.authorization().await.unwrap_err().to_string().ends_with("cannot overwrite parameter \"scope\""));
}

#[tokio::test]
async fn a_failure_is_told_to_all_who_come_within_a_second() {
    let (port, heard) = serve(false, |_| answer("500 Internal Server Error", "text/plain", "")).await;
    let clock = manual();
    let oauth2 = options(port, with_secret("hush"), clock.clone());
    for _ in 0..3 {
        assert!(oauth2.authorization().await.is_err());
    }
    assert_eq!(heard.lock().unwrap().len(), 2, "header, then form");
    clock.advance(DurationMs(1_000));
    assert!(oauth2.authorization().await.is_err());
    assert_eq!(heard.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn another_secret_in_the_file_asks_for_another_token() {
    let count = AtomicUsize::new(0);
    let (port, _) = serve(false, move |_| granted(&format!(r#"{{"access_token":"t{}"}}"#, count.fetch_add(1, Ordering::SeqCst)))).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "one\n").unwrap();
    let oauth2 = options(port, Grant::Secret(Some(SecretSource::File(path.clone()))), manual());
    assert_eq!(oauth2.authorization().await.unwrap().expose(), "Bearer t0");
    assert_eq!(oauth2.authorization().await.unwrap().expose(), "Bearer t0");
    std::fs::write(&path, "two").unwrap();
    assert_eq!(oauth2.authorization().await.unwrap().expose(), "Bearer t1");
    std::fs::remove_file(&path).unwrap();
    assert!(oauth2.authorization().await.unwrap_err().to_string().starts_with("unable to read file "));
}

#[tokio::test]
async fn an_assertion_is_signed_with_the_key() {
    let seen = Arc::new(StdMutex::new(String::new()));
    let last = seen.clone();
    let (port, _) = serve(false, move |request| {
        *last.lock().unwrap() = request.rsplit("\r\n").next().unwrap_or("").to_owned();
        granted(r#"{"access_token":"t","expires_in":"3600"}"#)
    })
    .await;
    let claims: Map<String, Value> = [("tenant".to_owned(), json!(7))].into_iter().collect();
    let assertion = Assertion {
        key: Some(SecretSource::Inline(Secret::new(KEY))),
        key_id: "k1".to_owned(),
        issuer: String::new(),
        audience: "them".to_owned(),
        algorithm: RsaAlgorithm::Rs384,
        claims,
    };
    let oauth2 = options(port, Grant::Assertion(assertion.clone()), manual());
    assert_eq!(oauth2.authorization().await.unwrap().expose(), "Bearer t");
    let form = seen.lock().unwrap().clone();
    let token = form.strip_prefix("assertion=").unwrap();
    let rest = "&audience=a%26b&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&scope=read+write";
    let token = token.strip_suffix(rest).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let der = rustls_pki_types::PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let public = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap().public_key().as_ref().to_vec();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA384, public).verify(signed.as_bytes(), &decoded(signature)).unwrap();
    let (header, body) = signed.split_once('.').unwrap();
    let json = |text: &str| serde_json::from_slice::<Value>(&decoded(text)).unwrap();
    assert_eq!(json(header), json!({"alg": "RS384", "typ": "JWT", "kid": "k1"}));
    let mut body = json(body);
    assert_eq!(body["jti"].take().as_str().map(str::len), Some(36));
    let expected = json!({"iss": "the id", "sub": "the id", "aud": "them", "iat": 1_700_000_000, "exp": 1_700_000_600, "jti": null, "scope": "read write", "tenant": 7});
    assert_eq!(body, expected);
    let unfit = Assertion { key: Some(SecretSource::Inline(Secret::new("hush"))), ..assertion };
    let error = options(port, Grant::Assertion(unfit), manual()).authorization().await.unwrap_err().to_string();
    assert!(error.contains("client_certificate_key: no RSA key in PEM form") && !error.contains("hush"), "{error}");
}

#[tokio::test]
async fn scrapes_and_messages_carry_the_token() {
    let (tokens, _) = serve(true, |_| granted(r#"{"access_token":"t"}"#)).await;
    let (port, heard) = serve(false, page).await;
    let mut oauth2 = options(tokens, with_secret("hush"), Clock::system());
    oauth2.token_url = format!("https://localhost:{tokens}/token");
    let client = |oauth2: &OAuth2| ClientOptions { oauth2: Some(oauth2.clone()), ..ClientOptions::default() };
    let url = format!("http://127.0.0.1:{port}/metrics");
    let error = fetch(url.clone(), client(&oauth2)).await.unwrap_err().to_string();
    let start = format!("Get \"{url}\": oauth2: cannot fetch token from https://localhost:{tokens}/token: ");
    assert!(error.starts_with(&start) && error.contains("certificate"), "{error}");
    oauth2.client.tls.insecure_skip_verify = true;
    oauth2.tokens = TokenCache::default();
    assert_eq!(fetch(url.clone(), client(&oauth2)).await.as_deref(), Ok("a 1\n"));
    let outbound = Outbound::new(&client(&oauth2), Timeouts::total(Duration::from_secs(5))).unwrap();
    outbound.request(Method::GET, &url).await.unwrap().send().await.unwrap();
    for request in heard.lock().unwrap().iter() {
        assert!(request.contains("authorization: Bearer t\r\n"), "{request}");
    }
}
