//! Watches the world for targets: full target lists, again whenever they change, down a channel.

pub mod options;

pub use options::{DiscoveryOptions, TargetGroup};
