//! The loop of one target: wait for the beat, fetch, store, and at the end say goodbye.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::client::{FetchError, FetchOptions, Fetcher, USER_AGENT};
use crate::clock::Clock;
use crate::exposition::with_hint;

use super::beat::Beat;
use super::figures::Figures;
use super::ingest::{Buffers, LoopId, NoPage, Page, Visit, Worker};
use super::negotiate;
use super::status::StatusCell;
use super::target::Setup;

/// A reason that fails all scrapes of a pool without asking the targets.
#[derive(Clone, Debug, Default)]
pub(super) struct Forced(Arc<Mutex<Option<String>>>);

impl Forced {
    pub(super) fn set(&self, reason: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Everything a loop needs.
pub(super) struct Visitor {
    pub id: LoopId,
    pub setup: Arc<Setup>,
    pub worker: Worker,
    pub buffers: Arc<Buffers>,
    pub clock: Clock,
    pub figures: Figures,
    pub status: StatusCell,
    pub forced: Forced,
    /// Becomes true, or closes, when the target is gone.
    pub gone: watch::Receiver<bool>,
}

impl Visitor {
    /// Scrapes until the target is gone, then writes its stale markers unless it has come back meanwhile.
    /// True where it was ended.
    pub(super) async fn run(mut self) -> bool {
        let mut beat = Beat::new(self.setup.interval, self.setup.seed(), self.clock.now(), self.clock.monotonic());
        let length = self.figures.interval_length(self.setup.interval);
        let mut fetcher = None;
        let mut last: Option<Duration> = None;
        loop {
            tokio::select! {
                biased;
                _ = self.gone.wait_for(|gone| *gone) => break,
                () = until(&self.clock, beat.due()) => {}
            }
            let started = self.clock.monotonic();
            if let Some(last) = last.replace(started) {
                length.record(started.saturating_sub(last));
            }
            let at = beat.stamp(self.clock.now());
            let page = self.fetch(&mut fetcher).await;
            let visit = Visit { id: self.id, setup: &self.setup, at, started, page, status: &self.status };
            self.worker.desk().visit(visit);
            beat.advance(self.clock.monotonic());
        }
        drop(fetcher);
        if last.is_none() {
            return true;
        }
        self.end(beat).await
    }

    /// Prometheus's end of a run: two intervals and a tenth later, with the time of the first missing scrape.
    async fn end(&self, mut beat: Beat) -> bool {
        until(&self.clock, beat.due()).await;
        let at = beat.stamp(self.clock.now());
        beat.advance(self.clock.monotonic());
        until(&self.clock, beat.due() + self.setup.interval.to_std() / 10).await;
        self.worker.desk().end(self.id, at)
    }

    async fn fetch(&self, fetcher: &mut Option<Fetcher>) -> Result<Page, NoPage> {
        if let Some(reason) = self.forced.get() {
            return Err(NoPage { reason, over_body_limit: false });
        }
        let mut body = self.buffers.take();
        let timeout = self.setup.timeout.to_std();
        let fetched = match tokio::time::timeout(timeout, self.ask(fetcher, &mut body)).await {
            Ok(fetched) => fetched,
            Err(_) => Err(FetchError::Get { url: self.setup.url.clone(), reason: "context deadline exceeded".to_owned() }),
        };
        let fetched = fetched.map_err(|error| (error.to_string(), error == FetchError::BodySizeLimit)).and_then(|fetched| {
            match negotiate::format(fetched.content_type.as_deref(), self.setup.job.fallback_protocol) {
                Ok(format) => Ok((fetched.gzip, format)),
                Err(reason) => Err((with_hint(reason, &body), false)),
            }
        });
        match fetched {
            Ok((gzip, format)) => Ok(Page { body, gzip, format }),
            Err((reason, over_body_limit)) => {
                self.buffers.give(body);
                Err(NoPage { reason, over_body_limit })
            }
        }
    }

    async fn ask(&self, fetcher: &mut Option<Fetcher>, body: &mut Vec<u8>) -> Result<crate::client::Fetched, FetchError> {
        let fetcher = match fetcher {
            Some(fetcher) => fetcher,
            None => fetcher.insert(Fetcher::new(self.options()).await?),
        };
        fetcher.fetch(body).await
    }

    fn options(&self) -> FetchOptions {
        let job = &self.setup.job;
        let timeout = self.setup.timeout;
        FetchOptions {
            url: self.setup.url.clone(),
            headers: vec![
                ("accept", negotiate::accept(&job.protocols, job.legacy_names)),
                ("user-agent", USER_AGENT.to_owned()),
                ("x-prometheus-scrape-timeout-seconds", crate::model::number::format_fixed(timeout.as_seconds())),
            ],
            client: Arc::new(job.client.clone()),
            compression: job.enable_compression,
            body_size_limit: job.limits.body_size_bytes,
            timeout: timeout.to_std(),
        }
    }
}

async fn until(clock: &Clock, due: Duration) {
    tokio::time::sleep(due.saturating_sub(clock.monotonic())).await;
}
