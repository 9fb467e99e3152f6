//! Targets that misbehave: each is down for a reason that is shown, its neighbours are not.

use super::running::{Running, until, write};
use crate::scrape::target::{Answer, Server, page};

fn server(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |_| answer())
}

const TEXT: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_targets_are_down_alone() {
    let folder = tempfile::tempdir().unwrap();
    let bad: [(&str, Server, &str); 4] = [
        ("malformed", server(|| page("a 1\nb{x=\"y\" 2\nc 3\n")), "line 2: expected a label name or \"}\", found \"2\""),
        ("silent", server(|| Answer::Silence), "context deadline exceeded"),
        ("endless", server(|| Answer::Endless([TEXT.as_bytes(), &[b'#'; 1 << 20]].concat())), "body size limit exceeded"),
        (
            "html",
            server(|| Answer::Raw(format!("{}Content-Length: 1\r\n\r\n<", TEXT.replace("plain\r\n\r\n", "html\r\n")).into_bytes())),
            "received unsupported Content-Type \"text/html\"",
        ),
    ];
    let good = server(|| page("same 1\nsame 2\nother 3\n"));
    let mut config = "global: {scrape_interval: 300ms, scrape_timeout: 300ms}\nscrape_configs:\n".to_owned();
    let all = bad.iter().map(|(job, server, _)| (*job, server)).chain([("good", &good)]);
    for (job, server) in all {
        // The endless page meets the job's limit well before the timeout; the limit that always holds is in the client's own tests.
        config += &format!("- {{job_name: {job}, body_size_limit: 16MB, static_configs: [{{targets: ['{}']}}]}}\n", server.address);
    }
    write(folder.path(), "prometheus.yml", &config);
    let server = Running::start(folder.path(), &[]).await;
    for (job, _, error) in &bad {
        let (health, said) = until(job, async || server.target(job).await.filter(|(health, _)| health != "unknown")).await;
        assert!(health == "down" && said.contains(error), "{job} is {health}: {said}");
        let up = format!("up{{job=\"{job}\"}}");
        until(&up, async || (server.values(&up).await == ["0"]).then_some(())).await;
    }
    until("the good one", async || (server.values("up{job=\"good\"}").await == ["1"]).then_some(())).await;
    assert_eq!(server.values("same").await, ["1"], "of duplicates the first is kept");
    assert_eq!(server.values("{job=\"malformed\",__name__=~\"a|b|c\"}").await, Vec::<String>::new(), "a malformed page is refused whole");
    server.stop().await;
}
