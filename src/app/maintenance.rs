//! The store's upkeep on a thread of its own: sealing, merging, retention and syncing, one step after the other.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::history::Upkeep;
use crate::clock::Clock;
use crate::tsdb::Tsdb;

/// When the store is asked first whether something is due; then it says how long it can do without.
const FIRST: Duration = Duration::from_millis(500);

pub struct Maintenance {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Maintenance {
    pub fn start(store: Arc<Tsdb>, mut upkeep: Upkeep, clock: Clock) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("maintenance".to_owned()).spawn(move || {
            let mut rest = FIRST;
            while stopped.recv_timeout(rest) == Err(RecvTimeoutError::Timeout) {
                rest = store.maintain(clock.now());
                upkeep.round(&clock);
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Waits for the step in progress.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the store's upkeep had panicked");
        }
    }
}
