//! Blocking work off the socket workers: as many queries at a time as there are cores, each with a deadline,
//! cancelled when its client goes away. The rest waits in line; the connection limit bounds the line.
//!
//! The threads are the pool's own, with stacks that hold the deepest expression.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use super::error::ApiError;
use super::limits::{DEADLINE_GRACE, QUERY_STACK_BYTES};
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
    /// Nobody waits for the job any more, or its time is up.
    pub fn fuse(&self) -> Fuse {
        let (cancel, clock, deadline) = (self.cancel.clone(), self.clock.clone(), self.deadline);
        Fuse::new(move || cancel.is_canceled() || clock.monotonic() > deadline)
    }
}

/// What a thread does.
pub type Job = Box<dyn FnOnce() + Send>;

#[derive(Clone)]
pub struct Pool {
    permits: Arc<Semaphore>,
    /// A permit comes before a job, so that there are never more jobs than threads.
    jobs: Sender<Job>,
    clock: Clock,
    running: Gauge,
    size: usize,
    timed_out: Counter,
}

impl Pool {
    /// `size` jobs at a time, at least one. The threads end with the last clone of the pool.
    pub fn new(size: usize, clock: Clock, registry: &Registry) -> std::io::Result<Self> {
        let size = size.max(1);
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..size {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name(format!("query-{number}")).stack_size(QUERY_STACK_BYTES).spawn(move || serve(&queue))?;
        }
        registry.gauge("prometheus_engine_queries_concurrent_max", "The max number of concurrent queries.", &[]).set(size as f64);
        Ok(Self {
            permits: Arc::new(Semaphore::new(size)),
            jobs,
            clock,
            running: registry.gauge("prometheus_engine_queries", "The current number of queries being executed or waiting.", &[]),
            size,
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
        let asked = self.clock.monotonic();
        let Ok(permit) = tokio::time::timeout(timeout, Arc::clone(&self.permits).acquire_owned()).await else {
            self.timed_out.inc();
            return Err(ApiError::Timeout("query timed out in query queue".to_owned()));
        };
        let permit = permit.map_err(|_| ApiError::Canceled("the server is stopping".to_owned()))?;
        let waited = self.clock.monotonic().saturating_sub(asked);
        if waited >= timeout {
            self.timed_out.inc();
            return Err(ApiError::Timeout("query timed out in query queue".to_owned()));
        }
        let turn = Turn { cancel, waited, deadline: asked + timeout, clock: self.clock.clone() };
        let guard = CancelOnDrop(turn.cancel.clone());
        self.show_running();
        let (done, outcome) = oneshot::channel();
        let (permits, running, size) = (Arc::clone(&self.permits), self.running.clone(), self.size);
        let work: Job = Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(|| {
                let done = job(&turn)?;
                // What was found after the deadline may be cut short.
                if turn.clock.monotonic() > turn.deadline {
                    return Err(ApiError::Timeout("query timed out in expression evaluation".to_owned()));
                }
                Ok(done)
            }));
            let (result, rest) = match result {
                Ok(Ok((value, rest))) => (Ok(Ok(value)), rest),
                Ok(Err(error)) => (Ok(Err(error)), None),
                Err(panic) => (Err(panic), None),
            };
            let end = || {
                drop(permit);
                running.set((size - permits.available_permits().min(size)) as f64);
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
        if self.jobs.send(work).is_err() {
            return Err(ApiError::Internal("no thread is left to run queries; the log says more".to_owned()));
        }
        let left = timeout.saturating_sub(waited) + DEADLINE_GRACE;
        let result = tokio::time::timeout(left, outcome).await;
        drop(guard);
        match result {
            Ok(Ok(Ok(result))) => result,
            Ok(Ok(Err(_)) | Err(_)) => Err(ApiError::Internal("the query met an error of the program; the log says more".to_owned())),
            Err(_) => {
                self.timed_out.inc();
                Err(ApiError::Timeout("query timed out in expression evaluation".to_owned()))
            }
        }
    }

    fn show_running(&self) {
        self.running.set((self.size - self.permits.available_permits().min(self.size)) as f64);
    }
}

/// One thread: takes jobs until the pool is gone.
fn serve(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn pool(size: usize) -> Pool {
        Pool::new(size, Clock::system(), &Registry::default()).unwrap()
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
        while pool.permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let late = pool.run(Duration::from_millis(1), |_| Ok(())).await;
        assert_eq!(late, Err(ApiError::Timeout("query timed out in query queue".to_owned())));
        release.send(()).unwrap();
        assert_eq!(busy.await.unwrap(), Ok(true));
        let broken: Result<(), ApiError> = pool.run(Duration::from_secs(60), |_| panic!("on purpose")).await;
        assert_eq!(broken.unwrap_err().kind(), "internal");
        assert_eq!(pool.run(Duration::from_secs(60), |_| Ok(7)).await, Ok(7));
    }
}
