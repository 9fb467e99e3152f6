//! Watches the world for targets: full target lists, again whenever they change, down a channel.

mod file;
mod fixed;
mod loopback;
pub mod options;

use std::future::Future;
use std::pin::Pin;

use tokio::sync::mpsc;

use crate::telemetry::Registry;

pub use options::{DiscoveryOptions, TargetGroup};

/// Updates that wait for their reader; a newer list makes an older one worthless, so few are enough.
pub const UPDATES_MAX: usize = 4;

/// One mechanism that finds targets.
pub trait Discover: Send {
    /// Sends the full list at once and after each change; ends when the reader is gone or nothing can change any more.
    fn run(self: Box<Self>, updates: mpsc::Sender<Vec<TargetGroup>>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The mechanism that the options ask for.
pub fn discover(options: &DiscoveryOptions, registry: &Registry) -> Box<dyn Discover> {
    match options {
        DiscoveryOptions::Static(groups) => Box::new(fixed::Fixed::new(groups.clone())),
        DiscoveryOptions::File { patterns, refresh_interval } => {
            Box::new(file::Files::new(patterns.clone(), refresh_interval.to_std(), registry))
        }
        DiscoveryOptions::Loopback { ports, refresh_interval } => {
            Box::new(loopback::Loopback::new(ports.clone(), refresh_interval.to_std()))
        }
    }
}
