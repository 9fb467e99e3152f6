//! Gives the state machine the time, commits its changes, makes its attempts. The only async part of routing.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify as Wake, oneshot, watch};
use tokio::task::JoinSet;

use super::group::Now;
use super::ids::Ids;
use super::limits::{CATCH_UP_EVERY, COMMIT_WAIT_MAX, GATHERING, IDLE_TICK_MAX, STORM_ATTEMPTS, TICK_MAX};
use super::machine::{Attempt, Machine, Stored};
use super::metrics::Figures;
use super::notification::{Failure, Receiver};
use super::options::AlertsOptions;
use crate::clock::Clock;
use crate::state::{Change, State, WriteError};
use crate::telemetry::Registry;

/// At a stop, attempts under way may take this long to end.
const STOP_WAIT: Duration = Duration::from_secs(5);

pub(super) struct Shared {
    machine: Mutex<Machine>,
    pub(super) state: State,
    clock: Clock,
    wake: Wake,
    figures: Figures,
    /// The file missed some changes: it gets the whole again.
    behind: Arc<AtomicBool>,
    /// When it last got the whole, in steady milliseconds.
    caught_up: AtomicI64,
    /// Changes of silences, one at a time.
    pub(super) silencing: tokio::sync::Mutex<()>,
}

/// A commit to wait for.
pub(super) struct Committed(oneshot::Receiver<Result<(), WriteError>>);

impl Committed {
    pub(super) async fn wait(self) -> Result<(), WriteError> {
        self.0.await.unwrap_or(Err(WriteError::Closed))
    }
}

impl Shared {
    pub(super) fn open(
        options: AlertsOptions,
        receivers: Vec<Receiver>,
        state: State,
        clock: Clock,
        registry: &Registry,
    ) -> Result<Self, String> {
        let figures = Figures::new(registry);
        figures.announce(&receivers, options.inhibit_rules.len());
        let mut machine = Machine::new(options, receivers, Ids::random(), figures.clone());
        machine.restore(Stored::read(&state)?, now(&clock));
        let (machine, silencing) = (Mutex::new(machine), tokio::sync::Mutex::new(()));
        Ok(Self { machine, state, clock, wake: Wake::new(), figures, behind: Arc::default(), caught_up: AtomicI64::new(0), silencing })
    }

    pub(super) fn reload(&self, options: AlertsOptions, receivers: Vec<Receiver>) {
        self.figures.announce(&receivers, options.inhibit_rules.len());
        self.with(|machine, now| machine.reload(options, receivers, now));
    }

    /// Changes the machine; what it wants to remember is queued for the file before anyone else may change it again.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Machine, Now) -> T) -> T {
        self.with_commit(change).0
    }

    /// [`Shared::with`] for what the next step writes down, which it is woken for.
    fn note(&self, change: impl FnOnce(&mut Machine, Now)) {
        change(&mut self.lock(), now(&self.clock));
        self.wake.notify_one();
    }

    pub(super) fn with_commit<T>(&self, change: impl FnOnce(&mut Machine, Now) -> T) -> (T, Committed) {
        let mut machine = self.lock();
        let result = change(&mut machine, now(&self.clock));
        let committed = self.commit(machine.take_changes());
        drop(machine);
        self.wake.notify_one();
        (result, committed)
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&Machine, Now) -> T) -> T {
        look(&self.lock(), now(&self.clock))
    }

    pub(super) fn commit(&self, changes: Vec<Change>) -> Committed {
        let (sender, receiver) = oneshot::channel();
        if changes.is_empty() {
            drop(sender.send(Ok(())));
            return Committed(receiver);
        }
        let behind = self.behind.clone();
        self.state.apply(changes, move |result| {
            if let Err(error) = &result {
                tracing::error!(%error, "the alert ledger missed a change");
                behind.store(true, Ordering::Relaxed);
            }
            drop(sender.send(result));
        });
        Committed(receiver)
    }

    /// One tick: the attempts to make once their commit is done, and how long to sleep after it.
    fn step(&self) -> (Vec<Attempt>, Committed, Duration) {
        let mut machine = self.lock();
        let now = now(&self.clock);
        let attempts = machine.tick(now);
        let mut changes = machine.take_changes();
        let caught_up = self.caught_up.load(Ordering::Relaxed);
        if self.behind.load(Ordering::Relaxed) && now.steady - caught_up >= CATCH_UP_EVERY.0 {
            self.behind.store(false, Ordering::Relaxed);
            self.caught_up.store(now.steady, Ordering::Relaxed);
            changes.splice(0..0, machine.everything());
        }
        let is_idle = machine.is_idle() && !self.behind.load(Ordering::Relaxed);
        let longest = if is_idle { IDLE_TICK_MAX.0 } else { TICK_MAX.0 };
        let until = machine.next_wake(now).map_or(longest, |at| (at - now.steady).clamp(0, longest));
        let committed = self.commit(changes);
        // At least a millisecond, so that a group that is due again at once cannot spin.
        (attempts, committed, Duration::from_millis(until.max(1).unsigned_abs()))
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now(clock: &Clock) -> Now {
    Now { wall: clock.now(), steady: i64::try_from(clock.monotonic().as_millis()).unwrap_or(i64::MAX) }
}

/// Runs until told to stop.
pub(super) async fn run(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let mut open = JoinSet::new();
    loop {
        let (attempts, committed, sleep) = shared.step();
        let gathered = tokio::time::sleep(GATHERING.to_std());
        if !attempts.is_empty() {
            // One commit lets all of this tick's attempts go.
            let (go, gone) = watch::channel(false);
            open.spawn(release(shared.clone(), committed, go));
            attempts.into_iter().for_each(|attempt| drop(open.spawn(make(shared.clone(), attempt, gone.clone()))));
        }
        while open.try_join_next().is_some() {}
        tokio::select! {
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(sleep) => {}
            _ = stopped.wait_for(|stop| *stop) => break,
        }
        // In a storm what becomes of the messages, and which are sent next, is written down together.
        if open.len() >= STORM_ATTEMPTS {
            tokio::select! {
                () = gathered => {}
                _ = stopped.wait_for(|stop| *stop) => break,
            }
        }
    }
    let ended = async { while open.join_next().await.is_some() {} };
    drop(tokio::time::timeout(STOP_WAIT, ended).await);
    // What they heard since the last step.
    drop(tokio::time::timeout(STOP_WAIT, shared.with_commit(|_, _| ()).1.wait()).await);
}

/// The note about a message must be on disk before the message goes out; a disk that hangs does not keep it back for ever.
async fn release(shared: Arc<Shared>, committed: Committed, go: watch::Sender<bool>) {
    if !matches!(tokio::time::timeout(COMMIT_WAIT_MAX.to_std(), committed.wait()).await, Ok(Ok(()))) {
        shared.figures.late_commits.inc();
    }
    go.send_replace(true);
}

async fn make(shared: Arc<Shared>, attempt: Attempt, mut go: watch::Receiver<bool>) {
    drop(go.wait_for(|go| *go).await);
    let Attempt { ticket, notification, notify } = attempt;
    let began = shared.clock.monotonic();
    // On a task of its own, so that a panic ends this attempt and nothing else.
    let outcome = tokio::spawn(async move { notify.notify(&notification).await }).await;
    let took = shared.clock.monotonic().saturating_sub(began);
    let outcome = outcome.unwrap_or_else(|error| Err(Failure::retry(format!("the attempt broke off: {error}"))));
    shared.note(|machine, now| machine.report(&ticket, outcome, took, now));
}
