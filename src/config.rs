//! sees a half-valid value, and a file's problems are all told in one run.
//!
//! Each file is read into a tree (`crate::yaml`), held against its table of fields, then built: building checks what goes beyond one
//! field, and never stops at the first problem. A file with an error gives no options at all.

pub mod alertmanager;
pub mod environment;
pub mod http_client;
pub mod paths;
pub mod prometheus;
pub mod promlet;
pub mod relabel;
pub mod rule_tests;
pub mod rules;
pub mod web;

use crate::model::Problem;

pub use alertmanager::{AlertmanagerConfig, load_alertmanager};
pub use environment::{Checkers, Environment};
pub use prometheus::{PrometheusConfig, load_prometheus, parse_prometheus};
pub use promlet::{PromletConfig, load_promlet};
pub use rule_tests::{RuleTests, load_rule_tests};
pub use rules::{RuleFile, load_rules};
pub use web::{WebConfig, load_web, parse_web};

/// What a file says, with notes inside; or everything that is wrong with it, notes included.
pub type Loaded<T> = Result<T, Vec<Problem>>;
