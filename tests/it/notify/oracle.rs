//! The same alerts to a live Alertmanager and to promlet under the same routing: their webhooks must say the same, byte for byte.
//! Runs where `$PEERS/bin/alertmanager` is (the peers of `.ci/run`).

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use promlet::alerts::options::GroupBy;
use promlet::alerts::{Alerting, AlertsOptions, PostedAlert};
use promlet::clock::Clock;
use promlet::model::{DurationMs, Labels, Matcher, TimestampMs};
use promlet::notify::build;
use promlet::notify::options::{NotifyOptions, ReceiverOptions};
use promlet::state::State;
use promlet::telemetry::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::flow::webhook;
use super::peers::HttpPeer;

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_767_225_600_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends with the test, however that ends.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What happens, one step after the other has been heard: labels, annotations, milliseconds since the new year.
type Step = Vec<(Pairs, Pairs, i64, Option<i64>)>;
type Pairs = &'static [(&'static str, &'static str)];

fn steps() -> Vec<Step> {
    let one: &[_] = &[("alertname", "A"), ("team", "a\"b\\c"), ("sev", "x"), ("instance", "i<1>")];
    let two: &[_] = &[("alertname", "A"), ("team", "a\"b\\c"), ("sev", "y"), ("job", "j")];
    let other: &[_] = &[("alertname", "B & C"), ("sev", "z"), ("\u{e9}tat", "\u{2028}")];
    vec![
        vec![(one, &[("summary", "s & t\n\tu")], 120, None)],
        vec![(two, &[("summary", "s & t\n\tu"), ("d", "\u{e9}\u{1F600}")], 0, None)],
        vec![(other, &[], 1, None)],
        vec![(one, &[("summary", "s & t\n\tu")], 120, Some(1_234_567))],
        vec![(two, &[("summary", "new")], 0, Some(2_000_000)), (other, &[], 1, Some(2))],
    ]
}

/// How many messages have been heard after each step.
const HEARD: [usize; 5] = [1, 2, 3, 4, 6];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_say_what_a_live_alertmanager_says() {
    let Ok(peers) = std::env::var("PEERS") else { return };
    let program = PathBuf::from(peers).join("bin/alertmanager");
    if !program.exists() {
        return;
    }
    let theirs = HttpPeer::start(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let (port, _peer) = alertmanager(&program, folder.path(), theirs.port).await;
    let ours = HttpPeer::start(&[]).await;
    let alerting = promlet_with(folder.path(), ours.port);
    for (step, heard) in steps().into_iter().zip(HEARD) {
        post_to_alertmanager(port, &step).await;
        assert_eq!(alerting.accept(posted(&step)).await, Vec::<String>::new());
        let both = async {
            while theirs.heard().len() < heard || ours.heard().len() < heard {
                tokio::task::yield_now().await;
            }
        };
        let all = tokio::time::timeout(PATIENCE, both).await;
        assert!(all.is_ok(), "{heard} messages: {:#?} {:#?}", theirs.heard(), ours.heard());
    }
    alerting.stop().await;
    let bodies = |peer: &HttpPeer| {
        let mut bodies: Vec<String> = peer.heard().into_iter().map(|heard| heard.body.trim_end().to_owned()).collect();
        // The two groups of the last step may come in either order.
        bodies[4..].sort();
        bodies
    };
    for (ours, theirs) in bodies(&ours).iter().zip(bodies(&theirs)) {
        assert_eq!(*ours, theirs);
    }
}

fn promlet_with(folder: &std::path::Path, port: u16) -> Alerting {
    let (clock, registry) = (Clock::system(), Registry::default());
    let mut options = AlertsOptions::nobody("http://am.example/x");
    let route = &mut options.route;
    route.receiver = "my.hook".to_owned();
    route.group_by = GroupBy::Names(vec!["alertname".to_owned(), "team".to_owned()]);
    (route.group_wait, route.group_interval) = (DurationMs::seconds(1), DurationMs::seconds(1));
    route.repeat_interval = DurationMs::seconds(3600);
    let mut child = route.clone();
    child.matchers = vec![Matcher::equal("team", "a\"b\\c"), Matcher::new("sev", promlet::model::MatchOp::Regex, "x|y").unwrap()];
    route.routes = vec![child];
    let receiver = ReceiverOptions { name: "my.hook".to_owned(), integrations: vec![webhook(port)] };
    let receivers = build(&NotifyOptions { receivers: vec![receiver], ..NotifyOptions::default() }, &clock, &registry).unwrap();
    Alerting::start(options, receivers, State::open(folder, &registry).unwrap(), clock, &registry).unwrap()
}

async fn alertmanager(program: &std::path::Path, folder: &std::path::Path, hook: u16) -> (u16, Peer) {
    let configuration = format!(
        "route:\n  receiver: my.hook\n  group_by: [alertname, team]\n  group_wait: 1s\n  group_interval: 1s\n  repeat_interval: 1h\n  \
         routes:\n  - matchers: ['team=\"a\\\"b\\\\c\"', 'sev=~\"x|y\"']\n\
         receivers:\n- name: my.hook\n  webhook_configs:\n  - url: http://127.0.0.1:{hook}/hook\n"
    );
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, configuration).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let child = Command::new(program)
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.path={}", folder.join("peer").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(["--cluster.listen-address=", "--web.external-url=http://am.example/x", "--web.route-prefix=/"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let peer = Peer(child);
    let ready = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.expect("Alertmanager starts");
    (port, peer)
}

fn posted(step: &Step) -> Vec<PostedAlert> {
    let alert = |(labels, annotations, start, end): &(Pairs, Pairs, i64, Option<i64>)| PostedAlert {
        labels: Labels::from_pairs(labels.iter().copied()),
        annotations: Labels::from_pairs(annotations.iter().copied()),
        starts_at: Some(TimestampMs(NEW_YEAR + start)),
        ends_at: end.map(|end| TimestampMs(NEW_YEAR + end)),
        generator_url: "http://g/x?a=1&b=<2>".to_owned(),
        offsets: Default::default(),
    };
    step.iter().map(alert).collect()
}

async fn post_to_alertmanager(port: u16, step: &Step) {
    let map = |labels: &Labels| labels.iter().map(|(n, v)| (n.to_owned(), serde_json::Value::from(v))).collect::<serde_json::Map<_, _>>();
    let alerts = posted(step).into_iter().map(|alert| {
        let mut json = serde_json::json!({
            "labels": map(&alert.labels),
            "annotations": map(&alert.annotations),
            "startsAt": alert.starts_at.unwrap().rfc3339(),
            "generatorURL": alert.generator_url,
        });
        if let Some(end) = alert.ends_at {
            json["endsAt"] = end.rfc3339().into();
        }
        json
    });
    let body = serde_json::Value::Array(alerts.collect()).to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = format!(
        "POST /api/v2/alerts HTTP/1.1\r\nHost: peer\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
