//! Rule files, groups on their own interval, recording and alerting rules, and their state over restarts.

pub mod options;
pub mod view;

pub use options::{GroupOptions, RuleOptions, RulesOptions};
