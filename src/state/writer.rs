//! The one thread that writes: takes what waits, commits it as one transaction, tells everyone who asked.

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::limits::{BATCHES_PER_COMMIT_MAX, QUEUE_BATCHES_MAX, RESTORE_EVERY_COMMITS, TRIM_AFTER_ROWS};
use super::mark::Mark;
use super::open::wants_space;
use super::reserve::Reserve;
use super::rows::Change;
use super::write;
use crate::telemetry::{Counter, Registry};

/// Why a change is not in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    QueueFull,
    Closed,
    Sqlite(String),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull => {
                write!(f, "{QUEUE_BATCHES_MAX} changes already wait to be written to state.db: the disk is too slow or full")
            }
            Self::Closed => f.write_str("state.db is closed: promlet is shutting down"),
            Self::Sqlite(error) => write!(f, "cannot write state.db: {error}; free space or check the disk"),
        }
    }
}

impl std::error::Error for WriteError {}

type Done = Box<dyn FnOnce(Result<(), WriteError>) + Send>;

struct Batch {
    changes: Vec<Change>,
    done: Done,
}

pub(super) struct Writer {
    /// Dropped first, which ends the thread.
    queue: Mutex<Option<SyncSender<Batch>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    refused: Counter,
}

struct Figures {
    commits: Counter,
    failures: Counter,
}

impl Writer {
    pub(super) fn start(connection: Connection, reserve: Reserve, mark: Mark, registry: &Registry) -> std::io::Result<Self> {
        let (queue, batches) = sync_channel(QUEUE_BATCHES_MAX);
        let figures = Figures {
            commits: registry.counter("promlet_state_commits_total", "Transactions committed to state.db.", &[]),
            failures: registry.counter("promlet_state_write_failures_total", "Batches of changes that state.db did not take.", &[]),
        };
        let refused = registry.counter("promlet_state_queue_full_total", "Batches refused because the writer's queue was full.", &[]);
        let thread =
            std::thread::Builder::new().name("state".to_owned()).spawn(move || run(connection, &batches, &reserve, mark, &figures))?;
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)), refused })
    }

    pub(super) fn submit(&self, changes: Vec<Change>, done: Done) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(queue) = queue else { return done(Err(WriteError::Closed)) };
        match queue.try_send(Batch { changes, done }) {
            Ok(()) => {}
            Err(TrySendError::Full(batch)) => {
                self.refused.inc();
                (batch.done)(Err(WriteError::QueueFull));
            }
            Err(TrySendError::Disconnected(batch)) => (batch.done)(Err(WriteError::Closed)),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The last handle may go inside a `done` callback, on the writer's own thread: that one cannot wait for itself.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            drop(thread.join());
        }
    }
}

fn run(mut connection: Connection, batches: &Receiver<Batch>, reserve: &Reserve, mut mark: Mark, figures: &Figures) {
    let (mut history_rows, mut commits) = (0, 0u64);
    while let Ok(first) = batches.recv() {
        if commits.is_multiple_of(RESTORE_EVERY_COMMITS) {
            reserve.restore();
        }
        commits += 1;
        let mut waiting = vec![first];
        waiting.extend(batches.try_iter().take(BATCHES_PER_COMMIT_MAX - 1));
        history_rows += commit(&mut connection, waiting, reserve, &mut mark, figures);
        if history_rows >= TRIM_AFTER_ROWS {
            history_rows = 0;
            if let Err(error) = write::trim(&connection) {
                tracing::warn!(%error, "state.db: the history could not be trimmed");
            }
        }
    }
    // Moves the log into the file, so that an orderly stop leaves one file; what fails here is done at the next start.
    drop(connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize;"));
}

/// All together; if that fails, each batch alone, so that one bad change does not take its neighbours with it. Returns how many rows
/// of history were added.
fn commit(connection: &mut Connection, waiting: Vec<Batch>, reserve: &Reserve, mark: &mut Mark, figures: &Figures) -> u64 {
    let all = || waiting.iter().flat_map(|batch| &batch.changes);
    let together = match write::commit(connection, all()) {
        Err(error) if wants_space(&error) && reserve.give_up() => write::commit(connection, all()),
        done => done,
    };
    if let Ok(done) = together {
        mark.put(done.number);
        figures.commits.inc();
        waiting.into_iter().for_each(|batch| (batch.done)(Ok(())));
        return done.history_rows;
    }
    let mut history_rows = 0;
    for batch in waiting {
        match write::commit(connection, &batch.changes) {
            Ok(done) => {
                mark.put(done.number);
                history_rows += done.history_rows;
                figures.commits.inc();
                (batch.done)(Ok(()));
            }
            Err(error) => {
                figures.failures.inc();
                (batch.done)(Err(WriteError::Sqlite(error.to_string())));
            }
        }
    }
    history_rows
}
