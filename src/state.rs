//! What is not samples, in SQLite: silences, the notification log, alerts, decisions with their reasons, delivery attempts.
//!
//! One writer thread owns the writing connection and commits everything that waits in its queue as one transaction, synced in full.
//! Readers have a connection of their own. `docs`: the schema is in `state/schema.rs`.

pub mod labels_json;
pub mod limits;
mod mark;
mod open;
mod read;
mod reserve;
pub mod rows;
mod salvage;
mod schema;
mod sums;
mod write;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::telemetry::Registry;

pub use open::OpenError;
pub use rows::{AlertRow, Change, DecisionRow, DeliveryRow, LogRow, SilenceRow};
pub use writer::WriteError;

/// The name of the file under promlet's own folder.
pub const FILE_NAME: &str = "state.db";

/// A handle on the open file; clones share it. The file is closed when the last handle goes.
#[derive(Clone)]
pub struct State {
    writer: Arc<writer::Writer>,
    reader: Arc<Mutex<Connection>>,
    losses: Arc<sums::Losses>,
}

impl State {
    /// Opens or creates `state.db` in `folder`, brings its tables up to date and starts the writer thread. A damaged file is set aside,
    /// said and counted, and what can be read of it carried over.
    pub fn open(folder: &Path, registry: &Registry) -> Result<Self, OpenError> {
        let path = folder.join(FILE_NAME);
        let reserve = reserve::Reserve::new(folder);
        let lost = lost(&path, &reserve);
        let ((connection, reader), replaced) = match open::open_both(&path) {
            Err(error) if error.may_want_space() && reserve.give_up() => (open::open_both(&path)?, None),
            Err(OpenError::Damaged { path, detail }) => open_anew(&path, detail, registry).map(|(opened, said)| (opened, Some(said)))?,
            opened => (opened?, None),
        };
        let (losses, mark) = (sums::Losses::new(path.clone(), registry), mark::Mark::new(folder));
        let older = compare(&connection, &mark, &path).map_err(|error| OpenError::Sqlite { path: path.clone(), error })?;
        // A new file knows less of itself than what was said when it was made.
        lost.or(replaced).or(older).into_iter().for_each(|loss| losses.say(loss));
        let writer = writer::Writer::start(connection, reserve, mark, registry).map_err(|error| OpenError::Thread { path, error })?;
        Ok(Self { writer: Arc::new(writer), reader: Arc::new(Mutex::new(reader)), losses: Arc::new(losses) })
    }

    /// What was found missing or damaged since the start, one sentence each.
    pub fn losses(&self) -> Vec<String> {
        self.losses.said()
    }

    /// Queues the changes; `done` is called on the writer's thread once they are committed and synced, or could not be.
    ///
    /// The changes of one call are committed together. Returns at once; a full queue is reported through `done`.
    pub fn apply(&self, changes: Vec<Change>, done: impl FnOnce(Result<(), WriteError>) + Send + 'static) {
        self.writer.submit(changes, Box::new(done));
    }

    /// [`State::apply`], waiting for the commit. Not for async callers.
    pub fn apply_and_wait(&self, changes: Vec<Change>) -> Result<(), WriteError> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.apply(changes, move |result| drop(sender.send(result)));
        receiver.recv().unwrap_or(Err(WriteError::Closed))
    }

    fn reading(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In place of a damaged file, and the sentence that says so.
fn open_anew(path: &Path, detail: String, registry: &Registry) -> Result<((Connection, Connection), String), OpenError> {
    let Ok(aside) = salvage::set_aside(path) else { return Err(OpenError::Damaged { path: path.to_owned(), detail }) };
    let opened = open::open_both(path)?;
    let carried = salvage::carry_over(&aside, &opened.0);
    let said =
        format!("{} is damaged ({detail}): it is kept as {}, and a new one takes its place; {carried}", path.display(), aside.display());
    let help = "Times that state.db was damaged at the start and a new one took its place.";
    registry.counter("promlet_state_replaced_total", help, &[]).inc();
    Ok((opened, said))
}

/// Whether the last commit that was acknowledged is there. If not, that is said, and numbers go on after it.
fn compare(connection: &Connection, mark: &mark::Mark, path: &Path) -> rusqlite::Result<Option<String>> {
    let number: i64 = connection.query_row("SELECT number FROM commits", [], |row| row.get(0))?;
    let (number, mark) = (u64::try_from(number).unwrap_or(0), mark.read());
    let loss = mark::loss(path, number, mark);
    if loss.is_some() {
        connection.execute("UPDATE commits SET number = ?1", [i64::try_from(mark.unwrap_or(number)).unwrap_or(i64::MAX - 1)])?;
    }
    Ok(loss)
}

/// What is damaged in a folder's file, one sentence each; none where there never was one. Nobody else may have it open.
pub fn verify(folder: &Path) -> Result<Vec<String>, OpenError> {
    let path = folder.join(FILE_NAME);
    match lost(&path, &reserve::Reserve::new(folder)) {
        Some(lost) => Ok(vec![lost]),
        None if path.exists() => open::verify(&path, &mark::Mark::new(folder)),
        None => Ok(Vec::new()),
    }
}

/// A file that is gone is not the same as one that never was: what lies beside it since its first commit tells.
fn lost(path: &Path, reserve: &reserve::Reserve) -> Option<String> {
    let has_bytes = |path: &Path| std::fs::metadata(path).is_ok_and(|about| about.len() > 0);
    let is_lost = !has_bytes(path) && (reserve.is_there() || has_bytes(&path.with_extension("db-wal")));
    is_lost.then(|| {
        format!(
            "{} is missing or empty, though it was there before: silences, the notification log and the alert history start empty; \
             to have them back, stop promlet and restore the file from a backup",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests;
