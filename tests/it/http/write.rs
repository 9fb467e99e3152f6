//! Remote write through the door: statuses, refusals, and that what was acknowledged can be asked for.

use super::client::{ask, get};
use super::fixture::{Fixture, START, Wishes};

const HEADERS: [(&str, &str); 2] = [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")];

fn part(tag: u8, bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 128);
    [&[tag, bytes.len() as u8], bytes].concat()
}

fn series(labels: &[(&str, &str)], at: i64, value: f64) -> Vec<u8> {
    let mut message = Vec::new();
    for (name, text) in labels {
        message.extend(part(0x0a, &[part(0x0a, name.as_bytes()), part(0x12, text.as_bytes())].concat()));
    }
    let mut sample = [&[0x09][..], &value.to_le_bytes(), &[0x10]].concat();
    let mut rest = at as u64;
    while rest >= 0x80 {
        sample.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    sample.push(rest as u8);
    message.extend(part(0x12, &sample));
    part(0x0a, &message)
}

fn pack(message: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(message).unwrap()
}

#[tokio::test]
async fn without_the_flag_the_door_is_not_there() {
    let fixture = Fixture::start().await;
    let response = ask(fixture.address, "POST", "/api/v1/write", &HEADERS, &pack(b"")).await;
    let text = "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n";
    assert_eq!((response.status, response.text().as_str()), (404, text));
}

#[tokio::test]
async fn what_is_acknowledged_can_be_asked_for() {
    let fixture = Fixture::with(Wishes { remote_write: true, ..Wishes::default() }).await;
    let write = async |body: Vec<u8>| ask(fixture.address, "POST", "/api/v1/write", &HEADERS, &body).await;
    let pushed = [("__name__", "pushed"), ("instance", "i"), ("job", "j")];
    let taken = write(pack(&series(&pushed, START + 60_000, 7.5))).await;
    assert_eq!((taken.status, taken.body.len()), (204, 0));
    let answer = get(fixture.address, "/api/v1/query?query=pushed&time=1700000060").await.text();
    assert!(answer.contains(r#""value":[1700000060,"7.5"]"#), "{answer}");
    // the same again is fine, another value is not, and what stands beside it is taken
    assert_eq!(write(pack(&series(&pushed, START + 60_000, 7.5))).await.status, 204);
    let both = [series(&pushed, START + 60_000, 8.0), series(&[("__name__", "beside")], START + 60_000, 1.0)].concat();
    let partly = write(pack(&both)).await;
    assert_eq!(partly.status, 400);
    assert!(partly.text().starts_with("duplicate sample for timestamp: 1 not taken, the first of pushed{"), "{}", partly.text());
    assert!(get(fixture.address, "/api/v1/query?query=beside&time=1700000060").await.text().contains(r#""1""#));
}

#[tokio::test]
async fn other_media_codings_and_damage_are_refused_in_prometheus_words() {
    let fixture = Fixture::with(Wishes { remote_write: true, ..Wishes::default() }).await;
    let kind = |kind| [("Content-Type", kind), ("Content-Encoding", "snappy")];
    let v2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    let gzip = [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "gzip")];
    for (headers, body, status, text) in [
        (kind("text/plain"), pack(b""), 415, "expected application/x-protobuf as the first (media) part, got text/plain content-type\n"),
        (
            kind(v2),
            pack(b""),
            415,
            "io.prometheus.write.v2.Request protobuf message is not accepted by this server; only accepts prometheus.WriteRequest\n",
        ),
        (gzip, pack(b""), 415, "gzip encoding (compression) is not accepted by this server; only snappy is acceptable\n"),
        (HEADERS, b"xx".to_vec(), 400, "snappy: corrupt input\n"),
        (HEADERS, pack(&[0xff, 0xff]), 400, "unexpected EOF\n"),
        (HEADERS, vec![0x80, 0x80, 0x80, 0x80, 0x08, 1], 400, "snappy: decoded length 2147483648 exceeds limit 33554432\n"),
        (kind("application/x-protobuf;proto=prometheus.WriteRequest"), pack(b""), 204, ""),
    ] {
        let response = ask(fixture.address, "POST", "/api/v1/write", &headers, &body).await;
        assert_eq!((response.status, response.text().as_str()), (status, text));
    }
}
