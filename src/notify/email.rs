//! Email: one connection per notification, every step with a deadline. The letter is written before the first connection is made.

mod cram;
mod letter;
mod smtp;
mod wire;

use std::sync::Arc;

use super::deliver::{Deliver, Delivering};
use super::evidence::Chart;
use super::http::prepare_failure;
use super::options::EmailOptions;
use super::steps::Steps;
use super::texts::Texts;
use crate::alerts::notification::{Delivered, Failure, Notification, Outcome};
use crate::client::SecretSource;
use crate::clock::Clock;
use crate::model::Secret;

pub use letter::Letter;

pub struct Email {
    pub options: EmailOptions,
    pub texts: Arc<Texts>,
    pub clock: Clock,
}

impl Email {
    pub async fn send(&self, notification: &Notification, charts: &[Chart], steps: &Steps) -> Outcome {
        let letter = self.write(notification, charts, steps)?;
        let drawn = if charts.is_empty() { "" } else { ", with its chart" };
        steps.done(format!("the mail is written, {} bytes{drawn}, from {} to {}", letter.bytes.len(), letter.from, letter.recipients()));
        let login = smtp::Login {
            password: self.known(self.options.auth_password.as_ref(), "password", steps).await?,
            secret: self.known(self.options.auth_secret.as_ref(), "secret", steps).await?,
        };
        let deadline = notification.deadline.to_std();
        let mut at = smtp::Place::default();
        let sending = smtp::deliver(&self.options, &letter, &login, steps, &mut at);
        match tokio::time::timeout(deadline, sending).await {
            Ok(Ok(accepted)) => {
                let delivered = Delivered::new(accepted.said.clone());
                // Nobody waits for the server's goodbye, unless somebody watches: the process ends then.
                if steps.is_silent() {
                    drop(tokio::spawn(accepted.leave()));
                } else {
                    accepted.leave().await;
                }
                Ok(delivered)
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::retry(format!("{}: the whole took longer than {} s", at.describe(), deadline.as_secs()))),
        }
    }

    fn write(&self, notification: &Notification, charts: &[Chart], steps: &Steps) -> Result<Letter, Failure> {
        let mut write = self.texts.rendering("email", notification, self.clock.now());
        let letter = Letter::write(&self.options, notification, charts, &mut write, self.clock.now())?;
        write.problems.iter().for_each(|problem| steps.failed(problem.clone()));
        Ok(letter)
    }

    /// Without a user's name nobody logs in.
    async fn known(&self, source: Option<&SecretSource>, what: &str, steps: &Steps) -> Result<Option<Secret>, Failure> {
        let Some(source) = source.filter(|_| !self.options.auth_username.is_empty()) else { return Ok(None) };
        let known = source.read().await.map_err(|error| prepare_failure(&error))?;
        steps.done(format!("the {what} is known"));
        Ok(Some(known))
    }
}

impl Deliver for Email {
    fn deliver<'a>(&'a self, notification: &'a Notification, charts: &'a [Chart], steps: &'a Steps) -> Delivering<'a> {
        Box::pin(self.send(notification, charts, steps))
    }

    /// A page of one's own has no place for them.
    fn shows_charts(&self) -> bool {
        self.options.html.is_none() && !self.texts.has_default("email", "html")
    }
}
