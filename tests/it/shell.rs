//! The shell against an in-process server: every `tests/shell/*.session` is typed in, and what it prints is compared; the binary's
//! streams and exit codes.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use promlet::client::{ClientOptions, Outbound, Timeouts};
use promlet::clock::Clock;
use promlet::model::TimestampMs;
use promlet::shell::{Next, Prompt, Request, Session, Streams, is_whole};

use crate::http::fixture::{Fixture, START};

fn client() -> Outbound {
    Outbound::new(&ClientOptions::default(), Timeouts::total(Duration::from_secs(60))).unwrap()
}

/// What the session file would be had its outputs been written down just now.
fn replay(session: &str, url: &str) -> String {
    // a second test may have installed it
    let _ = rustls::crypto::ring::default_provider().install_default();
    let shell = Session::open(url, client(), Clock::manual(TimestampMs(START))).unwrap();
    let settings = Request { at: Some(TimestampMs(START + 60_250)), ..Request::default() };
    let mut prompt = Prompt::new(&shell, settings);
    let (mut heard, mut text) = (String::new(), String::new());
    for line in session.lines() {
        let entered = if text.is_empty() {
            line.split_once("> ").filter(|(label, _)| label.starts_with("promql")).map(|(_, rest)| rest)
        } else {
            line.strip_prefix("...... ")
        };
        let Some(entered) = entered else { continue };
        let label = if text.is_empty() { prompt.label() } else { "...... ".to_owned() };
        heard += &format!("{label}{entered}\n");
        text += entered;
        if !text.starts_with('\\') && !is_whole(&text) {
            text.push('\n');
            continue;
        }
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let next = prompt.enter(&text, &mut Streams { out: &mut out, err: &mut err, terminal: false });
        heard += &String::from_utf8(out).unwrap();
        for line in String::from_utf8(err).unwrap().lines() {
            heard += &format!("! {line}\n");
        }
        text.clear();
        if next == Next::Leave {
            heard += "(left)\n";
        }
    }
    heard.replace(url, "http://SERVER")
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions() {
    let fixture = Fixture::start().await;
    let url = format!("http://{}", fixture.address);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shell");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let written = std::fs::read_to_string(&path).unwrap();
        let (session, url) = (written.clone(), url.clone());
        let heard = tokio::task::spawn_blocking(move || replay(&session, &url)).await.unwrap();
        assert_eq!(heard, written, "{}:\n{heard}", path.display());
        count += 1;
    }
    assert!(count >= 2, "only {count} sessions were found");
}

fn promql(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_promql"));
    command.args(arguments).env_remove("PROMQL_URL").stdin(Stdio::null()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_separates_data_from_notes_and_tells_how_it_went() {
    let fixture = Fixture::start().await;
    let url = format!("http://{}", fixture.address);
    let run = async |arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let url = url.clone();
        let output = tokio::task::spawn_blocking(move || {
            let mut all = vec!["--url", &url];
            all.extend(arguments.iter().map(String::as_str));
            promql(&all)
        });
        let output = output.await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    let at = ["--time", "1700000060"];
    let answered = run(&[&at[..], &["sum(up)"]].concat()).await;
    assert_eq!(answered, (0, "series  value\n{}          1\n".to_owned(), String::new()));
    let ranged = run(&[&at[..], &["--since", "1m", "--step", "30", "-o", "csv", "count(up)"]].concat()).await;
    assert_eq!(ranged, (0, "timestamp,value\n1700000030,2\n1700000060,2\n".to_owned(), String::new()));
    let json = run(&[&at[..], &["-o", "json", "1+1"]].concat()).await;
    assert_eq!(json, (0, "{\"resultType\":\"scalar\",\"result\":[1700000060,\"2\"]}\n".to_owned(), String::new()));
    let warned = run(&[&at[..], &["rate(up[1m])", "-o", "csv"]].concat()).await;
    assert!(warned.0 == 0 && warned.2.starts_with("PromQL info: metric might not be a counter"), "{warned:?}");
    let nothing = run(&[&at[..], &["nope"]].concat()).await;
    assert_eq!(nothing, (0, String::new(), "no series (--explain, or \\explain at the prompt, says why)\n".to_owned()));
    let failed = run(&[&at[..], &["up * on(job) up"]].concat()).await;
    assert!(failed.0 == 1 && failed.2.contains("many-to-many matching not allowed"), "{failed:?}");
    let broken = run(&["sum("]).await;
    assert_eq!(
        broken,
        (3, String::new(), "1:5: parse error: unclosed left parenthesis\n  sum(\n      ^\nhint: a ) is missing\n".to_owned())
    );
    for usage in
        [&["--nosuch"][..], &["--since", "x", "up"], &["--step", "5s", "up"], &["-o", "xml", "up"], &["-f", "/nonexistent", "--time", "1"]]
    {
        assert_eq!(run(usage).await.0, 2, "{usage:?}");
    }
}

#[test]
fn no_server_is_an_error_with_a_way_out() {
    let output = promql(&["--url", "http://127.0.0.1:1", "up"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.starts_with("http://127.0.0.1:1 cannot be reached: ") && text.contains("--url or PROMQL_URL"), "{text}");
    assert_eq!(promql(&["--url", "ftp://x", "up"]).status.code(), Some(2));
}
