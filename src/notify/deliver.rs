//! What all receivers have in common: one attempt to deliver, step by step; for most of them a few requests that are composed first and
//! then sent in order.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::advice::with_advice;
use super::evidence::{Chart, Witness};
use super::http::{Answer, Poster, Request, Trip, prepare_failure};
use super::steps::Steps;
use super::texts::{Rendering, Texts};
use crate::alerts::notification::{Delivered, Failure, Notification, Notify, Outcome};
use crate::client::SecretSource;
use crate::clock::Clock;
use crate::model::{DurationMs, Secret};

pub type Delivering<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// One attempt; each step is told.
pub trait Deliver: Send + Sync {
    fn deliver<'a>(&'a self, notification: &'a Notification, charts: &'a [Chart], steps: &'a Steps) -> Delivering<'a>;

    /// Whether a message of this one has room for charts.
    fn shows_charts(&self) -> bool {
        false
    }

    /// Whether it says what values are compared with and how far they went: not where the message is Alertmanager's data.
    fn says_values(&self) -> bool {
        true
    }
}

/// A receiver, and who knows more of the alerts than they say.
pub struct Teller {
    pub deliver: Arc<dyn Deliver>,
    pub witness: Option<Witness>,
}

impl Teller {
    pub async fn tell(&self, notification: &Notification, steps: &Steps) -> Outcome {
        match self.witness.as_ref().filter(|_| self.deliver.says_values()) {
            None => self.deliver.deliver(notification, &[], steps).await,
            Some(witness) => {
                let (notification, charts) = witness.look(notification, self.deliver.shows_charts()).await;
                self.deliver.deliver(&notification, &charts, steps).await
            }
        }
    }
}

/// As routing sees it: nobody watches the steps.
impl Notify for Teller {
    fn notify<'a>(&'a self, notification: &'a Notification) -> Delivering<'a> {
        Box::pin(async move { self.tell(notification, &Steps::silent()).await })
    }
}

/// What a receiver works with: its client, the texts, the time.
pub struct Desk {
    pub poster: Poster,
    pub texts: Arc<Texts>,
    pub clock: Clock,
    /// The configured deadline; 0 for the notification's own.
    pub timeout: DurationMs,
}

impl Desk {
    pub fn deadline(&self, notification: &Notification) -> Duration {
        let deadline = if self.timeout.0 > 0 { self.timeout } else { notification.deadline };
        deadline.to_std()
    }

    /// Lets `compose` write; the templates that fail on the way are told as steps.
    pub fn write<T>(
        &self,
        kind: &'static str,
        notification: &Notification,
        steps: &Steps,
        compose: impl FnOnce(&mut Rendering<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut write = self.texts.rendering(kind, notification, self.clock.now());
        let composed = compose(&mut write);
        write.problems.iter().for_each(|problem| steps.failed(problem.clone()));
        composed
    }

    pub async fn send(&self, request: Request, notification: &Notification, steps: &Steps) -> Result<Answer, Failure> {
        let trip = Trip { id: &notification.id, deadline: self.deadline(notification), now: self.clock.now() };
        self.poster.send(request, &trip, steps).await
    }
}

pub async fn read(source: &SecretSource) -> Result<Secret, Failure> {
    source.read().await.map_err(|error| prepare_failure(&error))
}

/// A receiver whose requests are known before the first is sent.
pub trait Provider: Send + Sync {
    fn kind(&self) -> &'static str;

    /// What must be read before a message can be composed, in the order in which `compose` gets it.
    fn secrets(&self) -> Vec<&SecretSource>;

    fn compose(&self, secrets: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure>;

    /// [`Deliver::says_values`].
    fn says_values(&self) -> bool {
        true
    }

    /// Whether an answer is a success, and if not, whether trying again may help.
    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        answer.judge()
    }
}

/// A provider with what it works with.
pub struct Simple<P> {
    pub provider: P,
    pub desk: Desk,
}

impl<P: Provider> Simple<P> {
    async fn attempt(&self, notification: &Notification, steps: &Steps) -> Outcome {
        let mut secrets = Vec::new();
        for source in self.provider.secrets() {
            secrets.push(read(source).await?);
        }
        steps.done("addresses and keys are known");
        let compose = |write: &mut Rendering<'_>| self.provider.compose(&secrets, notification, write);
        let requests = self.desk.write(self.provider.kind(), notification, steps, compose)?;
        let mut detail = String::new();
        for request in requests {
            let answer = self.desk.send(request, notification, steps).await?;
            self.provider.judge(&answer).map_err(|failure| with_advice(self.provider.kind(), &answer, failure))?;
            detail = answer.show();
        }
        Ok(Delivered::new(detail))
    }
}

impl<P: Provider> Deliver for Simple<P> {
    fn deliver<'a>(&'a self, notification: &'a Notification, _: &'a [Chart], steps: &'a Steps) -> Delivering<'a> {
        Box::pin(within(self.desk.deadline(notification), self.attempt(notification, steps)))
    }

    fn says_values(&self) -> bool {
        self.provider.says_values()
    }
}

/// The whole attempt, however many requests it takes.
pub async fn within<T>(deadline: Duration, attempt: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match tokio::time::timeout(deadline, attempt).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::retry(format!(
            "not done within {} s (the server took the connection and does not answer in time)",
            deadline.as_secs_f64()
        ))),
    }
}
