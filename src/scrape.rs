//! Fetches each target on time and appends what it says, with `up`, the `scrape_*` series and stale markers.

pub mod options;
pub mod view;

pub use options::{JobOptions, ScrapeLimits};
pub use view::{DroppedTarget, TargetHealth, TargetView};
