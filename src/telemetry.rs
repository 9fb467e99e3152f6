//! Our own figures: counters, gauges and latency summaries, registered by the rooms and written out at `/metrics`.

pub mod logging;
pub mod process;
pub mod registry;

pub use registry::{Counter, Family, Gauge, Kind, Latency, Registry};
