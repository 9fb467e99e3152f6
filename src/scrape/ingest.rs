//! The ingest threads: each runs the loops of the targets pinned to it, reads their pages and writes their rows.
//!
//! Fetching on other threads cost more in wake-ups between threads than reading and storing the page: measured with 100 targets of
//! 1000 series every 5 s.

use std::collections::HashMap;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::client::{BODY_BYTES_MAX, FetchError, within_limit};
use crate::clock::Clock;
use crate::exposition::Format;
use crate::model::TimestampMs;
use crate::storage::{Append, Row};

use super::families::FamilyTable;
use super::figures::Figures;
use super::learn::Recall;
use super::limits::{BUFFER_KEPT_BYTES, BUFFERS_KEPT, INGEST_THREADS_MAX, LOOKUP_THREADS_MAX};
use super::samples::Samples;
use super::state::{PlainPage, Scrape, TargetState, Tools};
use super::status::StatusCell;
use super::target::Setup;
use super::view::TargetHealth;

/// A target among all targets, and which of its loops speaks: only the latest may end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LoopId {
    pub target: u64,
    pub generation: u64,
}

/// A body as it came.
pub(super) struct Page {
    pub body: Vec<u8>,
    pub gzip: bool,
    pub format: Format,
}

/// Why there is no page.
pub(super) struct NoPage {
    pub reason: String,
    pub over_body_limit: bool,
}

/// One scrape on its way into the store.
pub(super) struct Visit<'a> {
    pub id: LoopId,
    pub setup: &'a Arc<Setup>,
    pub at: TimestampMs,
    pub started: Duration,
    pub page: Result<Page, NoPage>,
    pub status: &'a StatusCell,
}

/// Body buffers that go round between loops and threads.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    pub(super) fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(super) fn give(&self, buffer: Vec<u8>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < BUFFERS_KEPT && buffer.capacity() <= BUFFER_KEPT_BYTES {
            kept.push(buffer);
        }
    }
}

/// One ingest thread: the loops of its targets run there, and what they fetch is read and stored there, without a hand-over.
#[derive(Clone)]
pub(super) struct Worker {
    /// Spawns loops onto the thread.
    pub handle: Handle,
    desk: Arc<Mutex<Desk>>,
}

impl Worker {
    /// The states of the thread's targets. Only its own loops ask for it, one at a time, and never keep it while they wait.
    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All ingest threads.
pub(super) struct Ingest {
    pub workers: Vec<Worker>,
    pub buffers: Arc<Buffers>,
    threads: Vec<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Ingest {
    pub(super) fn start(append: &Arc<dyn Append>, clock: &Clock, figures: &Figures) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let families = Arc::new(FamilyTable::default());
        let buffers = Arc::new(Buffers::default());
        let (mut workers, mut threads) = (Vec::new(), Vec::new());
        for index in 0..cores.div_ceil(2).min(INGEST_THREADS_MAX) {
            let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(LOOKUP_THREADS_MAX).build()?;
            let tools = Tools {
                append: append.clone(),
                clock: clock.clone(),
                figures: figures.clone(),
                families: families.clone(),
                samples: Samples::default(),
                recall: Recall::default(),
                timed: Row::default(),
            };
            let desk = Desk { states: HashMap::new(), tools, plain: Vec::new(), buffers: buffers.clone() };
            workers.push(Worker { handle: runtime.handle().clone(), desk: Arc::new(Mutex::new(desk)) });
            let (stop, stopped) = oneshot::channel();
            let run = move || {
                // Runs the loops until it is told to stop, or nobody is left to tell it.
                let _ = runtime.block_on(stopped);
                // A host name that is still being looked up is not waited for.
                runtime.shutdown_background();
            };
            threads.push((stop, thread::Builder::new().name(format!("ingest-{index}")).spawn(run)?));
        }
        Ok(Self { workers, buffers, threads })
    }

    /// Ends the threads. Blocking.
    pub(super) fn finish(self) {
        for (stop, thread) in self.threads {
            // A thread that is gone already needs no word.
            let _ = stop.send(());
            if thread.join().is_err() {
                tracing::error!("an ingest thread had panicked");
            }
        }
    }
}

/// What one ingest thread keeps of its targets.
pub(super) struct Desk {
    states: HashMap<u64, (u64, TargetState)>,
    tools: Tools,
    /// Where gzipped bodies are unpacked.
    plain: Vec<u8>,
    buffers: Arc<Buffers>,
}

impl Desk {
    /// Reads and stores one scrape. Blocks while the store writes.
    pub(super) fn visit(&mut self, visit: Visit<'_>) {
        let id = visit.id;
        // A fault of ours in one target's page must not take the others along.
        if catch_unwind(AssertUnwindSafe(|| self.take(visit))).is_err() {
            self.states.remove(&id.target);
            tracing::error!("reading a page panicked; the target starts afresh");
        }
    }

    fn take(&mut self, visit: Visit<'_>) {
        let Visit { id, setup, at, started, page, status } = visit;
        let opened = match self.states.remove(&id.target) {
            Some((_, mut state)) => state.adopt(setup).map(|()| state),
            None => TargetState::open(setup, &mut self.tools),
        };
        let mut state = match opened {
            Ok(state) => state,
            Err(error) => {
                let mut status = status.lock();
                (status.health, status.last_error, status.last_scrape) = (TargetHealth::Down, error.to_string(), Some(at));
                return;
            }
        };
        let limit = setup.job.limits.body_size_bytes;
        let mut over_body_limit = false;
        let read = match &page {
            Ok(page) if page.gzip => match gunzip(&page.body, limit, &mut self.plain) {
                Ok(()) => Ok(PlainPage { body: &self.plain, format: page.format }),
                Err(error) => {
                    over_body_limit = error == FetchError::BodySizeLimit;
                    Err(error.to_string())
                }
            },
            Ok(page) => Ok(PlainPage { body: &page.body, format: page.format }),
            Err(none) => {
                over_body_limit = none.over_body_limit;
                Err(none.reason.clone())
            }
        };
        let scraped = state.take(Scrape { at, started, page: read, over_body_limit }, &mut self.tools);
        self.states.insert(id.target, (id.generation, state));
        if self.plain.capacity() > BUFFER_KEPT_BYTES {
            self.plain = Vec::new();
        }
        if let Ok(page) = page {
            self.buffers.give(page.body);
        }
        let mut status = status.lock();
        status.health = if scraped.error.is_none() { TargetHealth::Up } else { TargetHealth::Down };
        let left_out = || scraped.unstored.map(|(count, why)| format!("{count} series are left out: {why}"));
        status.last_error = scraped.error.or_else(left_out).unwrap_or_default();
        (status.last_scrape, status.last_duration, status.last_samples) = (Some(at), scraped.duration, scraped.samples);
        status.families = scraped.families;
    }

    /// The target is gone since `at`: everything it had ends. False where a newer loop has taken it over.
    pub(super) fn end(&mut self, id: LoopId, at: TimestampMs) -> bool {
        match self.states.get(&id.target) {
            Some((generation, _)) if *generation != id.generation => return false,
            _ => {}
        }
        if let Some((_, mut state)) = self.states.remove(&id.target)
            && let Err(error) = state.end(at, &mut self.tools)
        {
            tracing::warn!(%error, "the stale markers of a target that went were not stored");
        }
        true
    }
}

/// Unpacks a gzipped body; the limits hold for what comes out.
fn gunzip(body: &[u8], limit: u64, plain: &mut Vec<u8>) -> Result<(), FetchError> {
    plain.clear();
    let most = if limit == 0 { BODY_BYTES_MAX + 1 } else { limit };
    let read = MultiGzDecoder::new(body).take(most).read_to_end(plain);
    read.map_err(|error| FetchError::Body(format!("gzip: {error}")))?;
    within_limit(plain.len() as u64, limit)
}
