//! What waits for one Alertmanager: bounded, the oldest goes first when it is full.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::model::Alert;

struct Waiting {
    alerts: VecDeque<Arc<Alert>>,
    /// Nothing more comes in.
    closed: bool,
}

pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Notify,
    capacity: usize,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self { waiting: Mutex::new(Waiting { alerts: VecDeque::new(), closed: false }), wake: Notify::new(), capacity }
    }

    /// The answer is how many had to go: the oldest that wait, and of a longer list the first ones.
    pub(super) fn push(&self, alerts: &[Arc<Alert>]) -> usize {
        let mut waiting = self.lock();
        if waiting.closed {
            return alerts.len();
        }
        let surplus = alerts.len().saturating_sub(self.capacity);
        let room = self.capacity - (alerts.len() - surplus);
        let oldest = waiting.alerts.len().saturating_sub(room);
        waiting.alerts.drain(..oldest);
        waiting.alerts.extend(alerts[surplus..].iter().cloned());
        drop(waiting);
        self.wake.notify_one();
        surplus + oldest
    }

    pub(super) fn len(&self) -> usize {
        self.lock().alerts.len()
    }

    /// The next batch, waited for; none when the queue is closed and empty.
    pub(super) async fn next(&self, most: usize) -> Option<Vec<Arc<Alert>>> {
        loop {
            {
                let mut waiting = self.lock();
                let count = waiting.alerts.len().min(most);
                if count > 0 {
                    return Some(waiting.alerts.drain(..count).collect());
                }
                if waiting.closed {
                    return None;
                }
            }
            self.wake.notified().await;
        }
    }

    /// Takes nothing more; what waits stays to be sent where `drain` says so. The answer is how many were thrown away.
    pub(super) fn close(&self, drain: bool) -> usize {
        let mut waiting = self.lock();
        waiting.closed = true;
        let thrown = if drain { 0 } else { waiting.alerts.len() };
        if !drain {
            waiting.alerts.clear();
        }
        drop(waiting);
        self.wake.notify_one();
        thrown
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Labels, TimestampMs};

    fn alerts(names: &[&str]) -> Vec<Arc<Alert>> {
        let alert = |name: &&str| Alert {
            labels: Labels::from_pairs([("alertname", *name)]),
            annotations: Labels::empty(),
            starts_at: TimestampMs(0),
            ends_at: TimestampMs(0),
            generator_url: String::new(),
            value: None,
        };
        names.iter().map(|name| Arc::new(alert(name))).collect()
    }

    async fn taken(queue: &Queue, most: usize) -> Option<String> {
        queue.next(most).await.map(|batch| batch.iter().map(|alert| alert.name()).collect::<Vec<_>>().join(""))
    }

    #[tokio::test]
    async fn the_oldest_go_when_it_is_full() {
        let queue = Queue::new(3);
        assert_eq!((queue.push(&alerts(&["a", "b"])), queue.push(&alerts(&["c", "d"])), queue.len()), (0, 1, 3));
        assert_eq!(taken(&queue, 2).await.as_deref(), Some("bc"));
        assert_eq!(queue.push(&alerts(&["e", "f", "g", "h", "i"])), 3, "one that waits and two of its own");
        assert_eq!(taken(&queue, 9).await.as_deref(), Some("ghi"));
    }

    #[tokio::test]
    async fn a_closed_queue_is_emptied_or_thrown_away() {
        let queue = Queue::new(3);
        queue.push(&alerts(&["a", "b"]));
        assert_eq!((queue.close(true), queue.push(&alerts(&["c"]))), (0, 1));
        assert_eq!(
            (taken(&queue, 1).await.as_deref(), taken(&queue, 1).await.as_deref(), taken(&queue, 1).await),
            (Some("a"), Some("b"), None)
        );
        let queue = Queue::new(3);
        queue.push(&alerts(&["a", "b"]));
        assert_eq!((queue.close(false), taken(&queue, 1).await), (2, None));
    }
}
