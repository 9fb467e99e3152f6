//! Go's text/template and html/template for rule annotations and notification texts: own lexer, parser, evaluator and escaper,
//! with limits on what a render may cost. Pure: queries and the time come in with the functions.

mod ast;
pub mod data;
pub mod error;
pub mod functions;
mod lexer;
pub mod limits;
mod literal;
mod parser;
mod print;
pub mod time;
mod time_methods;
pub mod value;

pub use error::TemplateError;
pub use functions::{Function, Functions, Kind};
pub use limits::Limits;
pub use value::Value;
