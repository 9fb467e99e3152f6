//! Loopback ports that answer with metrics, for a start without configuration.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::client::{ClientOptions, FetchOptions, Fetcher};
use crate::model::Labels;

use super::{Discover, TargetGroup};

/// How long a port may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of a page that are read to see what it is.
const PAGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

pub(super) struct Loopback {
    ports: Vec<u16>,
    every: Duration,
}

impl Loopback {
    pub(super) fn new(ports: Vec<u16>, every: Duration) -> Self {
        Self { ports, every }
    }

    /// All ports at once.
    async fn ask(&self) -> Vec<TargetGroup> {
        let asked: Vec<_> = self.ports.iter().map(|port| (*port, tokio::spawn(has_metrics(*port)))).collect();
        let mut groups = Vec::new();
        for (port, answer) in asked {
            if answer.await.unwrap_or(false) {
                groups.push(TargetGroup {
                    targets: vec![format!("127.0.0.1:{port}")],
                    labels: Labels::empty(),
                    source: format!("loopback/{port}"),
                });
            }
        }
        groups
    }
}

impl Discover for Loopback {
    fn run(self: Box<Self>, updates: mpsc::Sender<Vec<TargetGroup>>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let mut last: Option<Vec<TargetGroup>> = None;
            loop {
                let mut found = self.ask().await;
                // What answered once stays: a trainer that restarts shall be seen as down, not be forgotten.
                if let Some(last) = &last {
                    found.extend(last.iter().filter(|group| !found.contains(group)).cloned().collect::<Vec<_>>());
                    found.sort_by(|a, b| a.source.cmp(&b.source));
                }
                if last.as_ref() != Some(&found) {
                    if updates.send(found.clone()).await.is_err() {
                        return;
                    }
                    last = Some(found);
                }
                tokio::select! {
                    () = updates.closed() => return,
                    () = tokio::time::sleep(self.every) => {}
                }
            }
        })
    }
}

async fn has_metrics(port: u16) -> bool {
    let options = FetchOptions {
        url: format!("http://127.0.0.1:{port}/metrics"),
        headers: Vec::new(),
        client: Arc::new(ClientOptions::default()),
        compression: false,
        body_size_limit: PAGE_BYTES_MAX,
        timeout: ANSWER_TIMEOUT,
    };
    let Ok(mut fetcher) = Fetcher::new(options).await else { return false };
    let mut body = Vec::new();
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, fetcher.fetch(&mut body)).await;
    matches!(answer, Ok(Ok(_))) && looks_like_metrics(&body)
}

/// The first line that is no comment is a name, perhaps labels, and a number. Some exporters write no `# TYPE` lines.
fn looks_like_metrics(page: &[u8]) -> bool {
    let line = page.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty() && !line.starts_with(b"#"));
    let Some(line) = line.and_then(|line| std::str::from_utf8(line).ok()) else { return false };
    let named = line.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':' | '{'));
    let after = line.rfind('}').map_or_else(|| line.find(' ').unwrap_or(line.len()), |brace| brace + 1);
    let number = line[after..].split_whitespace().next();
    named && number.is_some_and(|word| word.parse::<f64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_metrics_from_other_pages() {
        for page in ["# HELP a b\na 1\n", "\na{b=\"c d\"} +Inf\n", "a NaN 12\n"] {
            assert!(looks_like_metrics(page.as_bytes()), "{page}");
        }
        for page in ["", "OK", "<html><body>1 2</body></html>", "{\"a\": 1}", "404 page not found", "hello 1st world"] {
            assert!(!looks_like_metrics(page.as_bytes()), "{page}");
        }
    }
}
