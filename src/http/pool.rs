//! Blocking work off the socket workers: as many queries at a time as there are cores, each with a deadline,
//! cancelled when its client goes away. The rest waits in line; the connection limit bounds the line.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::error::ApiError;
use super::limits::DEADLINE_GRACE;
use crate::clock::Clock;
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
}

#[derive(Clone)]
pub struct Pool {
    permits: Arc<Semaphore>,
    clock: Clock,
    running: Gauge,
    size: usize,
    timed_out: Counter,
}

impl Pool {
    /// `size` jobs at a time.
    pub fn new(size: usize, clock: Clock, registry: &Registry) -> Self {
        registry.gauge("prometheus_engine_queries_concurrent_max", "The max number of concurrent queries.", &[]).set(size as f64);
        Self {
            permits: Arc::new(Semaphore::new(size.max(1))),
            clock,
            running: registry.gauge("prometheus_engine_queries", "The current number of queries being executed or waiting.", &[]),
            size: size.max(1),
            timed_out: registry.counter(
                "promlet_query_deadlines_total",
                "Queries that reached their deadline in line or while running.",
                &[],
            ),
        }
    }

    /// Waits for a turn and runs the job on a blocking thread. A job that was given up keeps its place until it notices.
    pub async fn run<T: Send + 'static>(
        &self,
        timeout: Duration,
        job: impl FnOnce(&Turn) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let asked = self.clock.monotonic();
        let Ok(permit) = tokio::time::timeout(timeout, Arc::clone(&self.permits).acquire_owned()).await else {
            self.timed_out.inc();
            return Err(ApiError::Timeout("query timed out in query queue".to_owned()));
        };
        let permit = permit.map_err(|_| ApiError::Canceled("the server is stopping".to_owned()))?;
        let waited = self.clock.monotonic().saturating_sub(asked);
        let turn = Turn { cancel: Cancel::default(), waited, deadline: asked + timeout };
        let guard = CancelOnDrop(turn.cancel.clone());
        self.show_running();
        let pool = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let result = job(&turn);
            drop(permit);
            pool.show_running();
            result
        });
        let left = timeout.saturating_sub(waited) + DEADLINE_GRACE;
        let result = tokio::time::timeout(left, work).await;
        drop(guard);
        match result {
            Ok(Ok(result)) => result,
            Ok(Err(failed)) => Err(ApiError::Internal(format!("the request ended with an error of the program: {failed}"))),
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn pool(size: usize) -> Pool {
        Pool::new(size, Clock::system(), &Registry::default())
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
