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

pub use report::{Failure, Report};

/// Runs one file's text. A syntax error anywhere in it means that nothing runs, and counts as one failure.
pub fn run(text: &str, name: &str) -> Report {
    let mut report = Report::new(name);
    match script::parse(text) {
        Ok(script) => run::script(&script, &mut report),
        Err(failure) => report.failed.push(failure),
    }
    report
}
