//! Fetches each target on time and appends what it says, with `up`, the `scrape_*` series and stale markers.
//!
//! [`ScrapePools`] holds one pool per job; a pool turns discovered addresses into targets; each target has a loop on one of the
//! ingest threads, which fetches on a grid of times, and which knows the page of last time line by line.

mod beat;
mod created;
mod families;
mod figures;
mod ingest;
mod learn;
mod limits;
mod lines;
pub mod negotiate;
pub mod options;
mod pool;
mod pools;
mod resolve;
mod samples;
mod state;
mod status;
mod target;
pub mod view;
mod visits;

pub use options::{JobOptions, ScrapeLimits, ScrapeProtocol};
pub use pools::ScrapePools;
pub use view::{DroppedTarget, TargetHealth, TargetView};
