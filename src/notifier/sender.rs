//! One Alertmanager: its queue, and the loop that posts it batch by batch.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Response};
use tokio::task::JoinHandle;

use super::figures::{Figures, SenderFigures};
use super::limits::ANSWER_BYTES_MAX;
use super::queue::Queue;
use super::{Shared, body};
use crate::client::{Outbound, chain};
use crate::model::Alert;

pub(super) struct Sender {
    url: String,
    queue: Arc<Queue>,
    figures: Arc<SenderFigures>,
    all: Figures,
    task: JoinHandle<()>,
}

impl Sender {
    /// Needs a tokio runtime around it.
    pub(super) fn start(url: &str, client: Outbound, shared: &Arc<Shared>) -> Self {
        let queue = Arc::new(Queue::new(shared.queue.capacity));
        let figures = Arc::new(shared.figures.open(url, shared.queue.capacity));
        let looping = Loop { url: url.to_owned(), client, queue: queue.clone(), figures: figures.clone(), shared: shared.clone() };
        Self { url: url.to_owned(), queue, figures, all: shared.figures.clone(), task: tokio::spawn(looping.run()) }
    }

    pub(super) fn push(&self, alerts: &[Arc<Alert>]) {
        let dropped = self.queue.push(alerts);
        self.figures.length.set(self.queue.len() as f64);
        if dropped > 0 {
            self.figures.dropped.add(dropped as u64);
            tracing::warn!(alertmanager = self.url, dropped, "the queue for an Alertmanager is full: the oldest alerts are dropped");
        }
    }

    /// Nothing more is taken; what waits is sent where `drain` says so.
    pub(super) fn close(&self, drain: bool) {
        self.all.leave();
        let thrown = self.queue.close(drain);
        self.figures.dropped.add(thrown as u64);
    }

    /// After [`Self::close`]: waits until the queue is empty, for so long at most.
    pub(super) async fn finish(mut self, longest: Duration) {
        if tokio::time::timeout(longest, &mut self.task).await.is_err() {
            self.task.abort();
            let left = self.queue.close(false);
            self.figures.dropped.add(left as u64);
            tracing::warn!(alertmanager = self.url, left, "an Alertmanager did not take what was left for it before the stop");
        }
    }
}

struct Loop {
    url: String,
    client: Outbound,
    queue: Arc<Queue>,
    figures: Arc<SenderFigures>,
    shared: Arc<Shared>,
}

impl Loop {
    async fn run(self) {
        let mut failing = false;
        while let Some(batch) = self.queue.next(self.shared.queue.batch).await {
            self.figures.length.set(self.queue.len() as f64);
            let outcome = self.send(&batch).await;
            match &outcome {
                // Once for each outage: while it lasts the figures tell.
                Err(error) if !failing => {
                    tracing::error!(
                        alertmanager = self.url,
                        alerts = batch.len(),
                        error,
                        "alerts could not be sent; said again when it has worked meanwhile"
                    );
                }
                Err(error) => tracing::debug!(alertmanager = self.url, alerts = batch.len(), error, "alerts still cannot be sent"),
                Ok(()) if failing => tracing::info!(alertmanager = self.url, "alerts can be sent again"),
                Ok(()) => {}
            }
            failing = outcome.is_err();
        }
        self.shared.figures.close(&self.url);
    }

    /// One try. As in Prometheus `sent` counts the tries, `errors` and `dropped` the failed ones.
    async fn send(&self, batch: &[Arc<Alert>]) -> Result<(), String> {
        let (clock, count) = (&self.shared.clock, batch.len() as u64);
        let began = clock.monotonic();
        let outcome = self.post(body::write(batch.iter().map(AsRef::as_ref))).await;
        let took = clock.monotonic().saturating_sub(began);
        self.figures.latency.record(took);
        self.figures.latency_histogram.record(took);
        self.figures.sent.add(count);
        if outcome.is_err() {
            self.figures.errors.add(count);
            self.figures.dropped.add(count);
        }
        outcome
    }

    async fn post(&self, body: Vec<u8>) -> Result<(), String> {
        let request = self.client.request(Method::POST, &self.url).await.map_err(|error| error.to_string())?;
        let request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body);
        let answer = request.send().await.map_err(|error| chain(&error.without_url()))?;
        let status = answer.status();
        let text = beginning(answer).await;
        match status.is_success() {
            true => Ok(()),
            false => Err(format!("bad response status {status} {text}").trim_end().to_owned()),
        }
    }
}

/// The answer is read to its end, or our bound, so that the connection can be used again.
async fn beginning(mut answer: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES_MAX - body.len())]);
        if body.len() == ANSWER_BYTES_MAX {
            break;
        }
    }
    String::from_utf8_lossy(&body).chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}
