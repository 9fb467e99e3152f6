//! Go's text/template and html/template for rule annotations and notification texts: own lexer, parser, evaluator and escaper,
//! with limits on what a render may cost. Pure: queries and the time come in with the functions.

mod ast;
mod builtins;
mod compare;
pub mod data;
pub mod error;
mod escape;
mod eval;
pub mod functions;
mod html;
mod lexer;
pub mod limits;
mod literal;
mod parser;
mod print;
mod printf;
pub mod set;
pub mod time;
mod time_methods;
pub mod value;

pub use error::TemplateError;
pub use functions::{Function, Functions, Kind};
pub use limits::Limits;
pub use set::{Template, TemplateSet};
pub use value::Value;
