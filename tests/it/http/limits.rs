//! Bad input and bad luck: each is refused in its place, and nothing else suffers.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::{ask, get, parse};
use super::fixture::{Fixture, Wishes};

const FORM: [(&str, &str); 1] = [("Content-Type", "application/x-www-form-urlencoded")];

#[tokio::test]
async fn a_form_beyond_ten_megabytes_is_refused() {
    let fixture = Fixture::start().await;
    let body = format!("query={}", "x".repeat((10 << 20) + 1));
    let response = ask(fixture.address, "POST", "/api/v1/query", &FORM, body.as_bytes()).await;
    assert_eq!(response.status, 400);
    assert!(response.text().contains("error parsing form values: http: POST too large"), "{}", response.text());
    assert_eq!(get(fixture.address, "/api/v1/query?query=1").await.status, 200);
}

#[tokio::test]
async fn who_sends_too_much_before_listening_still_hears_why() {
    let fixture = Fixture::start().await;
    let body = vec![b'x'; 40 << 20];
    for (path, kind, status) in
        [("/api/v1/query", FORM[0].1, 400), ("/api/v2/alerts", "application/json", 413), ("/nowhere", "text/plain", 404)]
    {
        let mut stream = TcpStream::connect(fixture.address).await.unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap_or_else(|error| panic!("{path} cut the sender off: {error}"));
        let mut heard = vec![0; 4096];
        let length = stream.read(&mut heard).await.unwrap();
        assert_eq!(parse(&heard[..length]).status, status, "{path}");
    }
}

#[tokio::test]
async fn a_query_too_long_for_an_address_is_told_the_way_out() {
    let fixture = Fixture::start().await;
    for (bytes, status, limit) in [(70_000, 414, "65534 bytes"), (10 << 20, 431, "1048576 bytes")] {
        let mut stream = TcpStream::connect(fixture.address).await.unwrap();
        // the one before on this connection has an answer of its own
        stream.write_all(b"GET /api/v1/query?query=1 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut heard = vec![0; 4096];
        let length = stream.read(&mut heard).await.unwrap();
        assert_eq!(parse(&heard[..length]).status, 200);
        let head = format!("GET /api/v1/query?query={} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(bytes));
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.unwrap();
        let response = parse(&heard);
        assert_eq!((response.status, response.header("content-type")), (status, Some("application/json")));
        let text = response.text();
        assert!(text.starts_with(r#"{"status":"error","errorType":"bad_data","error":"the "#), "{text}");
        assert!(text.contains(limit) && text.contains("as a form in a POST, which may hold 10485760 bytes"), "{text}");
        assert_eq!(response.header("content-length"), Some(text.len().to_string().as_str()));
    }
    let families = fixture.registry.gather();
    assert!(families.iter().any(|family| family.name == "promlet_http_heads_refused_total" && family.samples[0].2 == 2.0));
}

#[tokio::test]
async fn a_post_of_too_many_alerts_is_refused_before_it_is_held() {
    let fixture = Fixture::start().await;
    let body = format!("[{}{{}}]", "{},".repeat(3 << 20));
    let response = ask(fixture.address, "POST", "/api/v2/alerts", &[("Content-Type", "application/json")], body.as_bytes()).await;
    assert_eq!(response.status, 400);
    assert!(response.text().contains("more than 20000 alerts in one request"), "{}", response.text());
}

#[tokio::test]
async fn a_query_of_megabytes_or_ten_thousand_parentheses_is_refused_with_its_limit() {
    let fixture = Fixture::start().await;
    let long = format!("query=1{}", "%2B1".repeat(2 << 20));
    let deep = format!("query={}1{}", "(".repeat(10_000), ")".repeat(10_000));
    for body in [long, deep] {
        let response = ask(fixture.address, "POST", "/api/v1/query", &FORM, body.as_bytes()).await;
        assert_eq!(response.status, 400);
        let text = response.text();
        assert!(text.contains("limit") && text.len() < 1000, "{}", &text[..text.len().min(1000)]);
    }
    assert_eq!(get(fixture.address, "/api/v1/query?query=1").await.status, 200);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_one_to_end() {
    let fixture = Fixture::with(Wishes { connections: 1, ..Wishes::default() }).await;
    let mut first = TcpStream::connect(fixture.address).await.unwrap();
    first.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut heard = vec![0; 1024];
    let length = first.read(&mut heard).await.unwrap();
    assert_eq!(parse(&heard[..length]).status, 200);
    // the second one is heard only when the first one is gone
    let second = tokio::spawn({
        let address = fixture.address;
        async move { get(address, "/-/healthy").await.status }
    });
    let waited = || {
        let families = fixture.registry.gather();
        families.iter().any(|family| family.name == "promlet_http_connections_waited_total" && family.samples[0].2 > 0.0)
    };
    while !waited() {
        tokio::task::yield_now().await;
    }
    assert!(!second.is_finished());
    drop(first);
    assert_eq!(second.await.unwrap(), 200);
}

#[tokio::test]
async fn a_deadline_of_nothing_is_a_timeout() {
    let fixture = Fixture::with(Wishes { timeout: Duration::ZERO, ..Wishes::default() }).await;
    let response = get(fixture.address, "/api/v1/query?query=up").await;
    assert_eq!(response.status, 503);
    assert!(response.text().contains("\"errorType\":\"timeout\""), "{}", response.text());
}

#[tokio::test]
async fn an_error_of_the_program_is_an_answer() {
    let fixture = Fixture::start().await;
    let response = get(fixture.address, "/api/v1/promlet/dashboards/broken").await;
    assert_eq!(response.status, 500);
    assert!(response.text().starts_with(r#"{"status":"error","errorType":"internal","error":"#), "{}", response.text());
    assert_eq!(get(fixture.address, "/-/healthy").await.status, 200);
}

#[tokio::test]
async fn a_stop_lets_requests_end_and_takes_no_new_ones() {
    let fixture = Fixture::start().await;
    let address = fixture.address;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /api/v1/promlet/dashboards/slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // connections are taken in turn: when this one is answered the slow one is at work
    assert_eq!(get(address, "/-/healthy").await.status, 200);
    fixture.stop.notify_one();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!fixture.running.is_finished());
    fixture.release.notify_one();
    let mut heard = Vec::new();
    slow.read_to_end(&mut heard).await.unwrap();
    assert_eq!(parse(&heard).status, 200);
    fixture.running.await.unwrap();
}
