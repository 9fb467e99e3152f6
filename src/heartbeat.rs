//! Outgoing heartbeats: addresses outside are asked regularly for as long as promlet works, so that somebody notices when it does not
//! (healthchecks.io, Dead Man's Snitch, Uptime Kuma, Better Stack and their like).
//!
//! `watch` judges whether it works, `sender` asks one address on time. [`Heartbeats`] is the door of the room.

mod figures;
pub mod options;
mod sender;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinHandle;

use crate::client::ClientError;
use crate::clock::Clock;
use crate::telemetry::Registry;

pub use options::HeartbeatOptions;
pub use watch::{GroupPulse, Pulse};

use figures::Figures;
use sender::{Loop, Trouble};

/// Tells how the process is, at the moment of asking.
pub type Feel = Arc<dyn Fn() -> Pulse + Send + Sync>;

struct Shared {
    pulse: Feel,
    clock: Clock,
    figures: Figures,
}

struct Beating {
    options: HeartbeatOptions,
    trouble: Arc<Mutex<Trouble>>,
    task: JoinHandle<()>,
}

/// The heartbeats of the configuration in force. Clones share them.
#[derive(Clone)]
pub struct Heartbeats {
    shared: Arc<Shared>,
    beating: Arc<Mutex<Vec<Beating>>>,
}

impl Heartbeats {
    /// None before [`Self::apply`].
    pub fn new(pulse: Feel, clock: Clock, registry: &Registry) -> Self {
        let shared = Shared { pulse, clock, figures: Figures(registry.clone()) };
        Self { shared: Arc::new(shared), beating: Arc::default() }
    }

    /// Those of a new configuration, all or none; one that stays the same goes on undisturbed. Needs a tokio runtime around it.
    pub fn apply(&self, wanted: &[HeartbeatOptions]) -> Result<(), ClientError> {
        let mut beating = self.lock();
        let mut begun = Vec::new();
        for options in wanted.iter().filter(|options| beating.iter().all(|one| one.options != **options)) {
            begun.push((options.clone(), sender::client(options)?));
        }
        let (stay, gone): (Vec<Beating>, Vec<Beating>) = beating.drain(..).partition(|one| wanted.contains(&one.options));
        for one in gone {
            one.task.abort();
            self.shared.figures.forget(&one.options.name);
        }
        *beating = stay;
        for (options, client) in begun {
            let trouble: Arc<Mutex<Trouble>> = Arc::default();
            let looping = Loop { options: options.clone(), client, shared: self.shared.clone(), trouble: trouble.clone() };
            beating.push(Beating { options, trouble, task: tokio::spawn(looping.run()) });
        }
        Ok(())
    }

    /// What goes wrong with them, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let sentence = |one: &Beating| one.trouble.lock().unwrap_or_else(PoisonError::into_inner).sentence(&one.options.name);
        self.lock().iter().filter_map(sentence).collect()
    }

    pub fn stop(&self) {
        self.lock().drain(..).for_each(|one| one.task.abort());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Beating>> {
        self.beating.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request as a heartbeat makes it, whether promlet works or not: the answer's status, or what went wrong.
pub async fn trial(options: &HeartbeatOptions) -> Result<String, String> {
    let client = sender::client(options).map_err(|error| error.to_string())?;
    sender::ask(&client, options, &options.url, "promlet tries this heartbeat").await
}
