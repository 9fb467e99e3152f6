//! Alertmanager's API v2 over the real routing: what its tools post and read.

use super::client::{ask, get};
use super::fixture::Fixture;
use super::golden;

#[tokio::test]
async fn api_v2_answers_as_alertmanager_does() {
    golden::run("v2.http", &Fixture::start().await).await;
}

#[tokio::test]
async fn a_silence_suppresses_until_it_is_expired() {
    let fixture = Fixture::start().await;
    let json = [("Content-Type", "application/json; charset=utf-8")];
    let post = async |path: &str, body: &str| ask(fixture.address, "POST", path, &json, body.as_bytes()).await;
    assert_eq!(post("/api/v2/alerts", r#"[{"labels":{"alertname":"A","severity":"page"}}]"#).await.status, 200);
    let matchers = r#""matchers":[{"name":"alertname","value":"A","isRegex":false}]"#;
    let times = r#""startsAt":"2023-11-14T22:00:00Z","endsAt":"2023-11-15T22:00:00+00:00""#;
    let silence = post("/api/v2/silences", &format!(r#"{{{matchers},{times},"createdBy":"me","comment":"c"}}"#)).await;
    assert_eq!(silence.status, 200, "{}", silence.text());
    let text = silence.text();
    let id = text.strip_prefix(r#"{"silenceID":""#).and_then(|rest| rest.strip_suffix("\"}\n")).unwrap().to_owned();
    let held = get(fixture.address, "/api/v2/alerts").await.text();
    assert!(held.contains(&format!(r#""silencedBy":["{id}"],"state":"suppressed""#)), "{held}");
    assert_eq!(get(fixture.address, "/api/v2/alerts?silenced=false").await.text(), "[]\n");
    assert_eq!(ask(fixture.address, "DELETE", &format!("/api/v2/silence/{id}"), &[], b"").await.status, 200);
    let one = get(fixture.address, &format!("/api/v2/silence/{id}")).await.text();
    assert!(one.contains(r#""status":{"state":"expired"}"#), "{one}");
    assert!(!get(fixture.address, "/api/v2/alerts?silenced=false").await.text().contains("suppressed"));
    assert_eq!(get(fixture.address, "/api/v2/silences?expired=false").await.text(), "[]\n");
    assert!(get(fixture.address, "/api/v2/silences?filter=alertname=A").await.text().contains(&id));
    assert_eq!(get(fixture.address, "/api/v2/silences?filter=alertname=B").await.text(), "[]\n");
}
