//! Runs files in Prometheus's test language: `load` series, `eval` an expression, compare with what stands below it.
//!
//! Every instant case runs again with `@` on its selectors, and again as a range query, as upstream's runner does.

mod compare;
mod expect;
mod load;
mod report;
mod rewrite;
mod run;
mod script;

pub use load::{Feed, Load};
pub use report::{Failure, Report};

use std::sync::Arc;

use crate::storage::memory::MemoryStore;
use crate::storage::{Append, Select};

/// What cases can be run on.
pub trait Store: Append + Select {}

impl<T: Append + Select> Store for T {}

/// Runs one file's text on the plain store in memory. A syntax error anywhere in it means that nothing runs, and counts as one failure.
pub fn run(text: &str, name: &str) -> Report {
    run_on(text, name, &|| Arc::new(MemoryStore::default()))
}

/// The same on stores of the caller's: each `clear` asks for an empty one.
pub fn run_on(text: &str, name: &str, empty: &dyn Fn() -> Arc<dyn Store>) -> Report {
    let mut report = Report::new(name);
    match script::parse(text) {
        Ok(script) => run::script(&script, empty, &mut report),
        Err(failure) => report.failed.push(failure),
    }
    report
}
