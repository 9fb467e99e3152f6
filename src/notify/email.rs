//! Email: one connection per notification, every step with a deadline. The letter is written before the first connection is made.

mod letter;
mod smtp;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::http::prepare_failure;
use super::options::EmailOptions;
use super::steps::Steps;
use super::texts::Texts;
use crate::alerts::notification::{Delivered, Failure, Notification, Notify, Outcome};
use crate::client::SecretSource;
use crate::clock::Clock;

pub use letter::Letter;

pub struct Email {
    pub options: EmailOptions,
    pub texts: Arc<Texts>,
    pub clock: Clock,
}

impl Email {
    pub async fn send(&self, notification: &Notification, steps: &Steps) -> Outcome {
        let letter = self.write(notification, steps)?;
        steps.done(format!("the mail is written, {} bytes, from {} to {}", letter.bytes.len(), letter.from, letter.recipients()));
        let tls = smtp::tls_parameters(&self.options).await?;
        let password = match &self.options.auth_password {
            Some(source) if !self.options.auth_username.is_empty() => Some(self.password(source, steps).await?),
            _ => None,
        };
        let deadline = notification.deadline.to_std();
        let mut at = smtp::Place::default();
        let sending = smtp::deliver(&self.options, &letter, tls, password, steps, &mut at);
        let outcome = tokio::time::timeout(deadline, sending).await;
        match outcome {
            Ok(Ok(answer)) => Ok(Delivered { detail: answer }),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::retry(format!("{}: the whole took longer than {} s", at.describe(), deadline.as_secs()))),
        }
    }

    fn write(&self, notification: &Notification, steps: &Steps) -> Result<Letter, Failure> {
        let mut write = self.texts.rendering("email", notification, self.clock.now());
        let letter = Letter::write(&self.options, notification, &mut write, self.clock.now())?;
        write.problems.iter().for_each(|problem| steps.failed(problem.clone()));
        Ok(letter)
    }

    async fn password(&self, source: &SecretSource, steps: &Steps) -> Result<crate::model::Secret, Failure> {
        let password = source.read().await.map_err(|error| prepare_failure(&error))?;
        steps.done("the password is known");
        Ok(password)
    }
}

impl Notify for Email {
    fn notify<'a>(&'a self, notification: &'a Notification) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(async move { self.send(notification, &Steps::silent()).await })
    }
}
