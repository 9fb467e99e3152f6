//! `promql`: asks a Prometheus-compatible server, once or at a prompt. Data on standard output, everything else on standard error.

mod api;
mod backslash;
mod caret;
mod complete;
mod csv;
mod explain;
mod outcome;
mod prompt;
mod reply;
mod request;
mod session;
mod table;
pub mod terminal;
mod whole;

pub use api::ASK_TIMEOUT;
pub use outcome::Exit;
pub use prompt::{Next, Prompt};
pub use request::{Format, Request, Window, parse_length, parse_time};
pub use session::{Session, Streams};
pub use whole::is_whole;
