//! Requests in, JSON out: Prometheus's and Alertmanager's APIs, management, pages. The only room that knows statuses and JSON.

mod around;
mod cardinality;
pub mod cors;
mod envelope;
mod error;
mod json;
pub mod limits;
mod manage;
mod metadata;
mod pages;
mod params;
pub mod pool;
mod promlet;
mod query;
mod router;
mod rules;
mod selector;
mod series;
pub mod server;
mod stall;
pub mod state;
mod status;
mod targets;
mod time;
mod write;

pub use manage::ManageState;
pub use pages::{Asset, PageState};
pub use promlet::PromletState;
pub use query::QueryState;
pub use router::{Parts, router};
pub use rules::RuleState;
pub use server::Server;
pub use status::StatusState;
pub use targets::TargetState;
pub use write::WriteState;
