//! While queries that take long run, and more of them than there are cores: what is short has its answer.

use std::net::SocketAddr;

use promlet::model::number::quote;
use tokio::task::JoinHandle;

use super::client::{ask, get};
use super::fixture::Fixture;

/// Runs until its client goes away.
const LONG: &str = "/api/v1/query?query=sum_over_time(quantile_over_time(0.5, (vector(time()) %25 7)[9d:1s])[9d:1s])";
const FORM: [(&str, &str); 1] = [("Content-Type", "application/x-www-form-urlencoded")];

/// Four of them, on two cores, once they are on the list of what runs.
async fn busy(address: SocketAddr) -> Vec<JoinHandle<u16>> {
    let running: Vec<_> = (0..4).map(|_| tokio::spawn(async move { get(address, LONG).await.status })).collect();
    while get(address, "/api/v1/status/active_queries").await.text().matches("quantile_over_time").count() < 4 {
        tokio::task::yield_now().await;
    }
    running
}

#[tokio::test]
async fn what_is_short_does_not_wait_for_what_is_long() {
    let fixture = Fixture::start().await;
    let running = busy(fixture.address).await;
    let selectors: String = (0..1000).map(|n| format!("&match[]={}", format_args!("{{job=~\"x|{n}\"}}"))).collect();
    let long_error = format!("query=up{} %2B", " ".repeat(5000));
    for (path, status, text) in [
        ("/api/v1/query?query=sum(", 400, "unclosed left parenthesis"),
        ("/api/v1/query_range?query=up{a=~\"(\"}&start=0&end=1&step=1", 400, "missing closing"),
        ("/api/v1/format_query?query=a%2Bb", 200, "a + b"),
        ("/api/v1/parse_query?query=a", 200, "vectorSelector"),
        ("/api/v1/metadata", 200, "success"),
        ("/api/v1/status/tsdb", 200, "headStats"),
        ("/api/v1/query?query=1", 200, "scalar"),
        ("/api/v1/label/job/values", 200, "\"x\""),
        ("/-/healthy", 200, ""),
    ] {
        let response = get(fixture.address, path).await;
        assert_eq!(response.status, status, "{path}: {}", response.text());
        assert!(response.text().contains(text), "{path}: {}", response.text());
    }
    let response = ask(fixture.address, "POST", "/api/v1/query", &FORM, long_error.as_bytes()).await;
    assert_eq!(response.status, 400, "{}", response.text());
    let response = ask(fixture.address, "POST", "/api/v1/series", &FORM, selectors.as_bytes()).await;
    assert_eq!(response.text().matches(&quote("up")).count(), 2, "{}", response.text());
    assert!(running.iter().all(|query| !query.is_finished()));
    for query in running {
        query.abort();
    }
    while get(fixture.address, "/api/v1/status/active_queries").await.text().contains("quantile_over_time") {
        tokio::task::yield_now().await;
    }
}
