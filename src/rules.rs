//! Rule files, groups on their own interval, recording and alerting rules, and their state over restarts.
//!
//! Doors: [`RuleGroups::new`], `start`, `apply` (also on reload), `view`, `stop`; `evaluate_all` and `evaluate_group` by hand.

pub mod alerting;
pub mod concurrency;
mod group;
mod groups;
pub mod limits;
mod metrics;
pub mod options;
mod output;
pub mod query;
pub mod recording;
pub mod restore;
mod rule;
pub mod schedule;
mod surroundings;
pub mod view;

pub use concurrency::Concurrency;
pub use groups::RuleGroups;
pub use options::{GroupOptions, RuleOptions, RulesOptions};
pub use query::{Query, QueryResult, ResultSample};
pub use surroundings::{AlertSink, RulesParts};
pub use view::GroupView;
