//! Blocking work off the socket workers: jobs begin as many at a time as there are cores, each with a deadline, cancelled when its
//! client goes away. A job that takes long lets others begin beside it, up to `--query.max-concurrency`, so that a few long queries
//! do not hold up short ones. The rest waits in line; the connection limit bounds the line.
//!
//! The threads are the pool's own, with stacks that hold the deepest expression.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::error::ApiError;
use super::limits::{ASIDES_MAX, DEADLINE_GRACE, HEAD_START, QUERY_STACK_BYTES};
use crate::clock::Clock;
use crate::model::regex::Fuse;
use crate::promql::Cancel;
use crate::telemetry::{Counter, Gauge, Registry};

/// Sets the flag when the handler is dropped: the client is gone or the deadline has passed.
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// A job's place in time.
#[derive(Clone, Debug)]
pub struct Turn {
    pub cancel: Cancel,
    /// How long the job waited in line.
    pub waited: Duration,
    /// On the clock's monotonic scale.
    pub deadline: Duration,
    clock: Clock,
}

impl Turn {
    /// An error once nobody waits for the job any more, or its time is up.
    pub fn check(&self) -> Result<(), ApiError> {
        if self.cancel.is_canceled() {
            return Err(ApiError::Canceled("query was canceled in expression evaluation".to_owned()));
        }
        if self.clock.monotonic() > self.deadline { Err(late()) } else { Ok(()) }
    }

    /// Nobody waits for the job any more, or its time is up.
    pub fn fuse(&self) -> Fuse {
        let (cancel, clock, deadline) = (self.cancel.clone(), self.clock.clone(), self.deadline);
        Fuse::new(move || cancel.is_canceled() || clock.monotonic() > deadline)
    }
}

/// More to do once a result is out.
pub type Job = Box<dyn FnOnce() + Send>;

/// What a thread does; it calls what it is given when its last word is about to be said.
type Work = Box<dyn FnOnce(&dyn Fn()) + Send>;

/// How many jobs there may be.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// That begin at a time: as many as there are cores.
    pub starts: usize,
    /// At all.
    pub jobs: usize,
}

#[derive(Clone)]
pub struct Pool {
    /// A job has one to its end.
    places: Arc<Semaphore>,
    /// A job has one for its first [`HEAD_START`].
    starts: Arc<Semaphore>,
    asides: Arc<Semaphore>,
    threads: Arc<Threads>,
    clock: Clock,
    running: Gauge,
    size: usize,
    timed_out: Counter,
}

/// Threads that stay, one for each core; while all of them are taken a job gets one for itself.
struct Threads {
    work: Sender<Work>,
    free: Arc<AtomicUsize>,
}

impl Threads {
    fn new(count: usize) -> std::io::Result<Self> {
        let (work, queue) = channel::<Work>();
        let (queue, free) = (Arc::new(Mutex::new(queue)), Arc::new(AtomicUsize::new(count)));
        for number in 0..count {
            let (queue, free) = (Arc::clone(&queue), Arc::clone(&free));
            let run = move || serve(&queue, &free);
            std::thread::Builder::new().name(format!("query-{number}")).stack_size(QUERY_STACK_BYTES).spawn(run)?;
        }
        Ok(Self { work, free })
    }

    fn run(&self, work: Work) -> std::io::Result<()> {
        let taken = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
        if taken.is_ok() {
            return self.work.send(work).map_err(|_| std::io::Error::other("the query threads have ended"));
        }
        std::thread::Builder::new().name("query-more".to_owned()).stack_size(QUERY_STACK_BYTES).spawn(move || work(&|| {})).map(|_| ())
    }
}

/// What a job has while it runs.
struct Turns {
    turn: Turn,
    place: OwnedSemaphorePermit,
    start: OwnedSemaphorePermit,
}

impl Pool {
    /// The threads end with the last clone of the pool.
    pub fn new(size: Size, clock: Clock, registry: &Registry) -> std::io::Result<Self> {
        let (starts, jobs) = (size.starts.max(1), size.jobs.max(1));
        registry.gauge("prometheus_engine_queries_concurrent_max", "The max number of concurrent queries.", &[]).set(jobs as f64);
        Ok(Self {
            places: Arc::new(Semaphore::new(jobs)),
            starts: Arc::new(Semaphore::new(starts)),
            asides: Arc::new(Semaphore::new(ASIDES_MAX)),
            threads: Arc::new(Threads::new(starts.min(jobs))?),
            clock,
            running: registry.gauge("prometheus_engine_queries", "The current number of queries being executed or waiting.", &[]),
            size: jobs,
            timed_out: registry.counter(
                "promlet_query_deadlines_total",
                "Queries that reached their deadline in line or while running.",
                &[],
            ),
        })
    }

    /// Waits for a turn and runs the job on a blocking thread. A job that was given up keeps its place until it notices.
    pub async fn run<T: Send + 'static>(
        &self,
        timeout: Duration,
        job: impl FnOnce(&Turn) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.run_and_on(Cancel::default(), timeout, |turn| Ok((job(turn)?, None))).await
    }

    /// The same for a job that somebody else may end, too, and that may have more to do once its result is out: it keeps its place meanwhile.
    pub async fn run_and_on<T: Send + 'static>(
        &self,
        cancel: Cancel,
        timeout: Duration,
        job: impl FnOnce(&Turn) -> Result<(T, Option<Job>), ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let Turns { turn, place, start } = self.turn(cancel, timeout).await?;
        let left = turn.deadline.saturating_sub(self.clock.monotonic()) + DEADLINE_GRACE;
        let guard = CancelOnDrop(turn.cancel.clone());
        self.show_running();
        let (done, outcome) = oneshot::channel();
        let (places, running, size) = (Arc::clone(&self.places), self.running.clone(), self.size);
        let work: Work = Box::new(move |freed| {
            let result = catch_unwind(AssertUnwindSafe(|| {
                let done = job(&turn)?;
                // What was found after the deadline may be cut short.
                if turn.clock.monotonic() > turn.deadline {
                    return Err(late());
                }
                Ok(done)
            }));
            let (result, rest) = match result {
                Ok(Ok((value, rest))) => (Ok(Ok(value)), rest),
                Ok(Err(error)) => (Ok(Err(error)), None),
                Err(panic) => (Err(panic), None),
            };
            let end = || {
                drop(place);
                running.set((size - places.available_permits().min(size)) as f64);
                freed();
            };
            // the client may be gone
            match rest {
                None => {
                    end();
                    let _ = done.send(result);
                }
                Some(rest) => {
                    let _ = done.send(result);
                    let _ = catch_unwind(AssertUnwindSafe(rest));
                    end();
                }
            }
        });
        if let Err(error) = self.threads.run(work) {
            return Err(ApiError::Internal(format!("no thread to run the query: {error}")));
        }
        tokio::pin!(outcome);
        let result = match tokio::time::timeout(HEAD_START.min(left), &mut outcome).await {
            Ok(result) => Ok(result),
            // It takes long: others may begin beside it.
            Err(_) => {
                drop(start);
                tokio::time::timeout(left.saturating_sub(HEAD_START), outcome).await
            }
        };
        drop(guard);
        match result {
            Ok(Ok(Ok(result))) => result,
            Ok(Ok(Err(_)) | Err(_)) => Err(ApiError::Internal("the query met an error of the program; the log says more".to_owned())),
            Err(_) => {
                self.timed_out.inc();
                Err(late())
            }
        }
    }

    /// Waits in line.
    async fn turn(&self, cancel: Cancel, timeout: Duration) -> Result<Turns, ApiError> {
        let asked = self.clock.monotonic();
        let permits = async {
            let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
            Some((place, Arc::clone(&self.starts).acquire_owned().await.ok()?))
        };
        let in_queue = || {
            self.timed_out.inc();
            ApiError::Timeout("query timed out in query queue".to_owned())
        };
        let Ok(permits) = tokio::time::timeout(timeout, permits).await else { return Err(in_queue()) };
        let (place, start) = permits.ok_or_else(|| ApiError::Canceled("the server is stopping".to_owned()))?;
        let waited = self.clock.monotonic().saturating_sub(asked);
        if waited >= timeout {
            return Err(in_queue());
        }
        Ok(Turns { turn: Turn { cancel, waited, deadline: asked + timeout, clock: self.clock.clone() }, place, start })
    }

    /// Short work that has its answer at once however many queries there are, such as reading an expression: off the socket workers, but
    /// in no line with queries.
    pub async fn aside<T: Send + 'static>(
        &self,
        timeout: Duration,
        work: impl FnOnce(&Turn) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let asked = self.clock.monotonic();
        let cancel = Cancel::default();
        let guard = CancelOnDrop(cancel.clone());
        let Ok(Ok(permit)) = tokio::time::timeout(timeout, Arc::clone(&self.asides).acquire_owned()).await else { return Err(late()) };
        let waited = self.clock.monotonic().saturating_sub(asked);
        let turn = Turn { cancel, waited, deadline: asked + timeout, clock: self.clock.clone() };
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&turn)
        });
        let result = done.await;
        drop(guard);
        result.unwrap_or_else(|_| Err(ApiError::Internal("the request met an error of the program; the log says more".to_owned())))
    }

    fn show_running(&self) {
        self.running.set((self.size - self.places.available_permits().min(self.size)) as f64);
    }
}

fn late() -> ApiError {
    ApiError::Timeout("query timed out in expression evaluation".to_owned())
}

/// One thread: takes work until the pool is gone.
fn serve(queue: &Mutex<Receiver<Work>>, free: &AtomicUsize) {
    loop {
        let work = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match work {
            Ok(work) => work(&|| {
                free.fetch_add(1, Ordering::AcqRel);
            }),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn pool(size: usize) -> Pool {
        Pool::new(Size { starts: size, jobs: 2 * size }, Clock::system(), &Registry::default()).unwrap()
    }

    #[tokio::test]
    async fn a_client_that_goes_away_cancels() {
        let (told, heard) = mpsc::channel();
        let (begun, started) = tokio::sync::oneshot::channel();
        let pool = pool(1);
        let asked = pool.run(Duration::from_secs(60), move |turn| {
            let _ = begun.send(());
            while !turn.cancel.is_canceled() {
                std::thread::yield_now();
            }
            let _ = told.send("cancelled");
            Ok(())
        });
        tokio::select! {
            _ = asked => unreachable!("the job waits for its cancellation"),
            begun = started => begun.unwrap(),
        }
        assert_eq!(heard.recv_timeout(Duration::from_secs(20)), Ok("cancelled"));
    }

    #[tokio::test]
    async fn waiting_ends_at_the_deadline_and_panics_are_errors() {
        let pool = pool(1);
        let (release, released) = mpsc::channel::<()>();
        let busy = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(Duration::from_secs(60), move |_| Ok(released.recv().is_ok())).await }
        });
        while pool.starts.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let late = pool.run(Duration::from_millis(1), |_| Ok(())).await;
        assert_eq!(late, Err(ApiError::Timeout("query timed out in query queue".to_owned())));
        assert_eq!(pool.aside(Duration::from_secs(60), |_| Ok(5)).await, Ok(5), "what is short waits for nobody");
        // The job is a long one by then, so that another gets a thread.
        assert_eq!(pool.run(Duration::from_secs(60), |_| Ok(6)).await, Ok(6));
        assert!(pool.places.available_permits() == 1 && pool.starts.available_permits() == 1);
        release.send(()).unwrap();
        assert_eq!(busy.await.unwrap(), Ok(true));
        let broken: Result<(), ApiError> = pool.run(Duration::from_secs(60), |_| panic!("on purpose")).await;
        assert_eq!(broken.unwrap_err().kind(), "internal");
        assert_eq!(pool.run(Duration::from_secs(60), |_| Ok(7)).await, Ok(7));
    }
}
