//! One heartbeat: asks its address on time while promlet works, and remembers what goes wrong.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};

use super::Shared;
use super::options::{HeartbeatOptions, Method};
use super::watch::{Condition, Watch};
use crate::client::{ClientError, Outbound, SecretSource, Timeouts};
use crate::model::{DurationMs, TimestampMs};

/// While promlet does not work it is looked at again this often, so that nobody waits longer than needed once it does.
const LOOK_AGAIN: DurationMs = DurationMs(5_000);
/// After a failure the next try comes sooner than the next turn.
const RETRY: DurationMs = DurationMs(10_000);
/// A single failure is mended by the next try.
const SHOWN_AFTER_FAILURES: u32 = 2;

/// What goes wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Since when promlet does not work, and why not.
    held: Option<(TimestampMs, String)>,
    /// Since when its address does not answer as it should, how often, and how.
    failing: Option<(TimestampMs, u32, String)>,
}

impl Trouble {
    /// For the operator.
    pub(super) fn sentence(&self, name: &str) -> Option<String> {
        if let Some((since, why)) = &self.held {
            let since = utc(*since);
            return Some(format!(
                "Heartbeat {name} is held back since {since}: {why}. Whoever waits for it outside takes promlet for dead."
            ));
        }
        let (since, _, why) = self.failing.as_ref().filter(|(_, failures, _)| *failures >= SHOWN_AFTER_FAILURES)?;
        Some(format!("Heartbeat {name} does not arrive since {}: {why}. `promlet notify test heartbeat` tries it.", utc(*since)))
    }
}

/// A wall time to the second, in UTC.
fn utc(at: TimestampMs) -> String {
    jiff::Timestamp::from_second(at.0.div_euclid(1000)).map_or_else(|_| at.to_string(), |at| at.to_string())
}

/// A client for it.
pub(super) fn client(options: &HeartbeatOptions) -> Result<Outbound, ClientError> {
    Outbound::new(&options.client, Timeouts::total(options.timeout.to_std()))
}

/// One request; the answer's status, or what went wrong. No error shows the address.
pub(super) async fn ask(client: &Outbound, options: &HeartbeatOptions, url: &SecretSource, said: &str) -> Result<String, String> {
    let url = url.read().await.map_err(|error| error.to_string())?;
    let method = match options.method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
    };
    let hidden = |text: String| if url.expose().is_empty() { text } else { text.replace(url.expose(), "<secret>") };
    let mut request = client.request(method, url.expose()).await.map_err(|error| hidden(error.to_string()))?;
    if matches!(options.method, Method::Post | Method::Put) {
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")).body(said.to_owned());
    }
    let answer = request.send().await.map_err(|error| chain(&error.without_url()))?;
    let status = answer.status();
    if status.is_success() { Ok(status.to_string()) } else { Err(format!("the answer is {status}")) }
}

/// An error and its causes, each said once.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

pub(super) struct Loop {
    pub(super) options: HeartbeatOptions,
    pub(super) client: Outbound,
    pub(super) shared: Arc<Shared>,
    pub(super) trouble: Arc<Mutex<Trouble>>,
}

impl Loop {
    pub(super) async fn run(self) {
        let mut watch = Watch::default();
        // When the next request is due, on the steady clock.
        let mut due = 0;
        loop {
            let condition = watch.look(&(self.shared.pulse)(), self.steady());
            self.note_condition(&condition);
            let url = match &condition {
                Condition::Works => Some(&self.options.url),
                Condition::Starts => None,
                Condition::Stands(_) => self.options.fail_url.as_ref(),
            };
            if let Some(url) = url.filter(|_| due <= self.steady()) {
                let said = if let Condition::Stands(why) = &condition { why } else { "promlet works" };
                let began = self.steady();
                let outcome = ask(&self.client, &self.options, url, said).await;
                let pause = if outcome.is_ok() { self.options.interval } else { self.options.interval.min(RETRY) };
                due = began.saturating_add(pause.0);
                self.note_outcome(outcome, condition == Condition::Works);
            }
            let until_due = due.saturating_sub(self.steady()).max(1);
            let pause = if condition == Condition::Works { until_due } else { LOOK_AGAIN.min(self.options.interval).0 };
            tokio::time::sleep(Duration::from_millis(pause.unsigned_abs())).await;
        }
    }

    fn steady(&self) -> i64 {
        i64::try_from(self.shared.clock.monotonic().as_millis()).unwrap_or(i64::MAX)
    }

    fn with_trouble(&self, change: impl FnOnce(&mut Trouble)) {
        change(&mut self.trouble.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Said once for each change.
    fn note_condition(&self, condition: &Condition) {
        let (name, now) = (&self.options.name, self.shared.clock.now());
        self.with_trouble(|trouble| match condition {
            Condition::Stands(why) => {
                self.shared.figures.held(name, true);
                if trouble.held.is_none() {
                    tracing::error!(heartbeat = name, why, "a heartbeat is held back: promlet does not work as it should");
                }
                trouble.held = Some((trouble.held.as_ref().map_or(now, |(since, _)| *since), why.clone()));
            }
            Condition::Works => {
                self.shared.figures.held(name, false);
                if trouble.held.take().is_some() {
                    tracing::info!(heartbeat = name, "a heartbeat is sent again");
                }
            }
            Condition::Starts => {}
        });
    }

    fn note_outcome(&self, outcome: Result<String, String>, works: bool) {
        let (name, now) = (&self.options.name, self.shared.clock.now());
        self.shared.figures.asked(name, works, outcome.is_ok(), now);
        self.with_trouble(|trouble| match outcome {
            Ok(_) if trouble.failing.take().is_some() => tracing::info!(heartbeat = name, "a heartbeat arrives again"),
            Ok(_) => {}
            Err(error) => {
                let (since, failures) = trouble.failing.as_ref().map_or((now, 0), |(since, failures, _)| (*since, *failures));
                if failures == 0 {
                    tracing::error!(heartbeat = name, error, "a heartbeat does not arrive; said again when it has arrived meanwhile");
                }
                trouble.failing = Some((since, failures.saturating_add(1), error));
            }
        });
    }
}
