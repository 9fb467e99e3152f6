//! Readiness, life cycle, pages, redirects, prefixes, compression and cross-origin headers.

use std::io::Read;

use super::client::{ask, get};
use super::fixture::{Fixture, Wishes};

#[tokio::test]
async fn before_readiness_and_while_stopping_the_apis_refuse() {
    let fixture = Fixture::start().await;
    fixture.readiness.set_stopping();
    for path in ["/api/v1/query?query=1", "/api/v2/status", "/-/ready", "/federate?match[]=up"] {
        let response = get(fixture.address, path).await;
        assert_eq!((response.status, response.text().as_str()), (503, "Service Unavailable\n"), "{path}");
        assert_eq!(response.header("x-prometheus-stopping"), Some("true"), "{path}");
    }
    for path in ["/-/healthy", "/api/v1/status/walreplay", "/api/v1/notifications"] {
        assert_eq!(get(fixture.address, path).await.status, 200, "{path}");
    }
    assert_eq!(get(fixture.address, "/metrics").await.status, 200);
}

#[tokio::test]
async fn the_life_cycle_asks_for_its_flag() {
    let fixture = Fixture::with(Wishes { lifecycle: true, ..Wishes::default() }).await;
    let reload = ask(fixture.address, "POST", "/-/reload", &[], b"").await;
    assert_eq!((reload.status, reload.text().as_str()), (500, "failed to reload config: prometheus.yml:3:1: no such key\n"));
    let quit = ask(fixture.address, "PUT", "/-/quit", &[], b"").await;
    assert_eq!((quit.status, quit.text().as_str()), (200, "Requesting termination... Goodbye!"));
    assert_eq!(*fixture.quits.lock().unwrap(), 1);
    assert!(fixture.readiness.is_stopping());
}

#[tokio::test]
async fn the_admin_api_deletes_cleans_merges_and_copies() {
    let fixture = Fixture::with(Wishes { admin: true, ..Wishes::default() }).await;
    let error = |kind: &str, text: &str| format!(r#"{{"status":"error","errorType":"{kind}","error":"{text}"}}"#);
    let cases = [
        ("delete_series", 400, error("bad_data", "no match[] parameter provided")),
        (
            "delete_series?match[]=up&start=x",
            400,
            error("bad_data", r#"invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp"#),
        ),
        ("delete_series?match[]=up(", 400, error("bad_data", r#"invalid parameter \"match[]\": 1:3: parse error: unexpected \"(\""#)),
        ("delete_series?match[]=up&start=1&end=2", 204, String::new()),
        ("clean_tombstones", 204, String::new()),
        ("compact", 500, error("internal", "the disk is full")),
        ("snapshot", 200, r#"{"status":"success","data":{"name":"20171210T211224Z-2be6"}}"#.to_owned()),
        ("snapshot?skip_head=true", 500, error("internal", "no space")),
        (
            "snapshot?skip_head=x",
            400,
            error(
                "bad_data",
                r#"invalid parameter \"skip_head\": unable to parse boolean: strconv.ParseBool: parsing \"x\": invalid syntax"#,
            ),
        ),
    ];
    for (path, status, body) in cases {
        for method in ["POST", "PUT"] {
            let response = ask(fixture.address, method, &format!("/api/v1/admin/tsdb/{path}"), &[], b"").await;
            assert_eq!((response.status, response.text().as_str()), (status, body.as_str()), "{path}");
        }
    }
}

#[tokio::test]
async fn pages_and_assets_are_sent_as_the_browser_takes_them() {
    let fixture = Fixture::start().await;
    let to_query = [("/?g0.expr=up", "/query?g0.expr=up"), ("/graph?g0.expr=up&g0.tab=1", "/query?g0.expr=up&g0.tab=1")];
    for (path, location) in [("/", "/dashboards")].into_iter().chain(to_query) {
        let response = get(fixture.address, path).await;
        assert_eq!((response.status, response.header("location")), (302, Some(location)));
    }
    let page = get(fixture.address, "/alerts").await;
    let text = "<!doctype html><script src=\"/a.js\"></script>";
    assert_eq!((page.status, page.text().as_str(), page.header("cache-control")), (200, text, Some("no-cache")));
    assert_eq!(page.header("content-security-policy"), Some(promlet::ui::CONTENT_SECURITY_POLICY));
    let asset = ask(fixture.address, "GET", "/assets/app-1.js", &[("Accept-Encoding", "gzip, br")], b"").await;
    let mut text = String::new();
    flate2::read::GzDecoder::new(asset.body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), asset.header("content-type"), asset.header("etag")), ("export {}", Some("text/javascript"), Some("\"e1\"")));
    assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let again = ask(fixture.address, "GET", "/query", &[("If-None-Match", "\"e1\"")], b"").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(get(fixture.address, "/assets/../secret").await.status, 404);
}

#[tokio::test]
async fn everything_moves_below_a_prefix() {
    let fixture = Fixture::with(Wishes { prefix: "/prom".to_owned(), ..Wishes::default() }).await;
    assert_eq!(get(fixture.address, "/").await.header("location"), Some("/prom/"));
    assert_eq!(get(fixture.address, "/prom/").await.header("location"), Some("/prom/dashboards"));
    assert_eq!(get(fixture.address, "/prom/graph?x=1").await.header("location"), Some("/prom/query?x=1"));
    let page = get(fixture.address, "/prom/query").await;
    assert_eq!(page.text(), "<!doctype html><script src=\"/prom/a.js\"></script>", "the page's files are below the prefix too");
    assert_eq!(page.header("etag"), Some("\"e1/prom\""));
    assert_eq!(get(fixture.address, "/prom/-/ready").await.status, 200);
    assert_eq!(get(fixture.address, "/prom/api/v1/query?query=1&time=5").await.status, 200);
    assert_eq!(get(fixture.address, "/api/v1/query?query=1").await.status, 404);
    let handlers = fixture.registry.gather().into_iter().find(|family| family.name == "prometheus_http_requests_total").unwrap();
    let labels = |handler: &str| handlers.samples.iter().any(|(_, labels, _)| labels.contains(&("handler".to_owned(), handler.to_owned())));
    assert!(labels("/api/v1/query") && labels("/-/ready"), "{handlers:?}");
}

#[tokio::test]
async fn large_answers_are_compressed_on_request() {
    let fixture = Fixture::start().await;
    let path = "/api/v1/query_range?query=up&start=1700000000&end=1700000060&step=1";
    let plain = get(fixture.address, path).await;
    assert_eq!(plain.header("content-encoding"), None);
    for path in [path, "/api/v1/targets"] {
        let packed = ask(fixture.address, "GET", path, &[("Accept-Encoding", "gzip")], b"").await;
        assert_eq!((packed.header("content-encoding"), packed.header("content-type")), (Some("gzip"), Some("application/json")), "{path}");
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text, get(fixture.address, path).await.text());
    }
    let small = ask(fixture.address, "GET", "/api/v1/query?query=1", &[("Accept-Encoding", "gzip")], b"").await;
    assert_eq!(small.header("content-encoding"), None);
}

#[tokio::test]
async fn other_origins_are_answered_as_prometheus_and_alertmanager_do() {
    let fixture = Fixture::start().await;
    let from = [("Origin", "http://x")];
    let answer = ask(fixture.address, "GET", "/api/v1/query?query=1", &from, b"").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://x"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST, OPTIONS"));
    let preflight = ask(fixture.address, "OPTIONS", "/api/v1/query", &from, b"").await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, Some("http://x")));
    let local = get(fixture.address, "/api/v1/query?query=1").await;
    assert_eq!((local.header("access-control-allow-origin"), local.header("vary")), (None, Some("Origin")));
    let other = ask(fixture.address, "GET", "/api/v2/receivers", &from, b"").await;
    assert_eq!((other.header("access-control-allow-origin"), other.header("cache-control")), (Some("*"), Some("no-store")));
}
