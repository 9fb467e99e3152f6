//! A running server on loopback and the questions that tests ask it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use clap::Parser;
use promlet::app::{App, Request};
use promlet::clock::Clock;
use promlet::commands::serve::environment;
use promlet::commands::serve_flags::ServeFlags;
use promlet::telemetry::Registry;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::http::client::{ask, get};

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    serve: ServeFlags,
}

pub struct Running {
    pub address: SocketAddr,
    requests: mpsc::Sender<Request>,
    task: JoinHandle<()>,
}

impl Running {
    /// On `prometheus.yml` of the folder, with the data beneath it. The error is what the operator would read.
    pub async fn try_start(folder: &Path, flags: &[&str]) -> Result<Self, String> {
        promlet::commands::install_tls();
        let own = [
            format!("--config.file={}", folder.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
        ];
        let arguments = ["promlet"].into_iter().chain(own.iter().map(String::as_str));
        // A later --web.listen-address adds one; a test that gives its own wants only that.
        let listen = (!flags.iter().any(|flag| flag.starts_with("--web.listen-address"))).then_some("--web.listen-address=127.0.0.1:0");
        let line = CommandLine::try_parse_from(arguments.chain(listen).chain(flags.iter().copied())).map_err(|error| error.to_string())?;
        let environment = environment(&line.serve.features);
        let app = App::start(line.serve.settings(false), environment, Clock::system(), Registry::default()).await;
        let app = app.map_err(|error| error.to_string())?;
        let (address, requests) = (app.shared().listening, app.shared().requests.clone());
        Ok(Self { address, requests, task: tokio::spawn(app.run_until_told()) })
    }

    pub async fn start(folder: &Path, flags: &[&str]) -> Self {
        Self::try_start(folder, flags).await.unwrap()
    }

    pub async fn stop(self) {
        self.requests.send(Request::Quit).await.ok();
        self.task.await.unwrap();
    }

    /// The `data` of an answer of API v1.
    pub async fn data(&self, path: &str) -> Value {
        let text = get(self.address, path).await.text();
        let mut answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"));
        answer["data"].take()
    }

    /// The values of an instant query, as texts.
    pub async fn values(&self, expression: &str) -> Vec<String> {
        let data = self.data(&format!("/api/v1/query?query={expression}")).await;
        let series = data["result"].as_array().cloned().unwrap_or_default();
        series.iter().map(|one| one["value"][1].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// A sample line of `/metrics`, by its text up to the value.
    pub async fn figure(&self, name: &str) -> Option<f64> {
        let page = get(self.address, "/metrics").await.text();
        page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Health and last error of a job's only target.
    pub async fn target(&self, job: &str) -> Option<(String, String)> {
        let data = self.data("/api/v1/targets").await;
        let target = data["activeTargets"].as_array()?.iter().find(|target| target["scrapePool"] == job)?.clone();
        Some((target["health"].as_str()?.to_owned(), target["lastError"].as_str()?.to_owned()))
    }

    pub async fn reload(&self) -> (u16, String) {
        let response = ask(self.address, "POST", "/-/reload", &[], b"").await;
        (response.status, response.text())
    }
}

/// Waits for something to be there; panics with `what` when it does not come.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut beat = tokio::time::interval(LOOK_AGAIN);
    let found = tokio::time::timeout(DEADLINE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            beat.tick().await;
        }
    });
    found.await.unwrap_or_else(|_| panic!("not within {} s: {what}", DEADLINE.as_secs()))
}

pub fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}
