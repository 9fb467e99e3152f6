//! PromQL: text to tokens to a tree, checked, printed, and evaluated over a snapshot of the store.
//!
//! The language is that of Prometheus 3.14; `features` says which gated parts are on. Synchronous throughout.

pub mod active;
pub mod annotation;
pub mod answer;
pub mod ast;
mod check;
pub mod engine;
pub mod error;
mod eval;
pub mod explain;
pub mod features;
pub mod functions;
pub mod hint;
mod lexer;
pub mod limits;
pub mod memory;
mod native;
mod parser;
pub mod pretty;
pub mod printer;
pub mod series;
pub mod test_histograms;
pub mod token;

pub use active::{Active, ActiveQuery, Asked, Running};
pub use answer::{Answer, MatrixSeries, Stats, Timings, Value, VectorSample};
pub use ast::{Expr, ExprKind, ValueType};
pub use engine::{Engine, EngineOptions, Moment, Query, QueryOptions};
pub use error::{ParseError, QueryError};
pub use eval::guard::{Cancel, Usage};
pub use eval::resolve::depends_on_time;
pub use explain::Explanation;
pub use features::Features;
pub use functions::{FUNCTIONS, Function};
pub use memory::{Memory, Reserved};
pub use pretty::prettify;
pub use printer::print;

use crate::model::Span;

/// Reads and checks an expression. The first error is the one that Prometheus reports.
pub fn parse(source: &str, features: Features) -> Result<Expr, Vec<ParseError>> {
    // Only what can nest uses the stack; a text with much of it is read on a thread with a larger one.
    let nesting = source.bytes().filter(|b| matches!(b, b'(' | b'-' | b'+' | b'^')).take(limits::NESTING_ON_CALLER_MAX + 1).count();
    if nesting <= limits::NESTING_ON_CALLER_MAX || source.len() > limits::QUERY_BYTES_MAX {
        return parse_here(source, features);
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(limits::DEEP_STACK_BYTES).spawn_scoped(scope, || parse_here(source, features));
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(parsed)) => parsed,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => Err(vec![ParseError::new(source, Span::default(), format!("no thread for a deeply nested query: {error}"))]),
        }
    })
}

fn parse_here(source: &str, features: Features) -> Result<Expr, Vec<ParseError>> {
    let (expr, mut errors) = parser::parse_tree(source, features);
    match expr {
        Some(mut expr) => {
            check::check(source, &mut expr, &mut errors);
            if errors.is_empty() { Ok(expr) } else { Err(errors) }
        }
        None => Err(errors),
    }
}
