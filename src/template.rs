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
mod humanize;
mod json;
mod lexer;
pub mod limits;
mod literal;
pub mod notification_functions;
mod parser;
mod pattern;
mod print;
mod printf;
pub mod rule;
pub mod rule_functions;
pub mod set;
pub mod time;
mod time_methods;
mod time_parse;
mod title;
pub mod value;

pub use error::TemplateError;
pub use functions::{Function, Functions, Kind};
pub use limits::Limits;
pub use rule::{RuleData, RuleTemplate};
pub use rule_functions::{QuerySample, TemplateQuery};
pub use set::{Template, TemplateSet};
pub use value::Value;

use std::sync::Arc;

use crate::model::{Labels, TimestampMs};

/// Whether a text is a template that notifications can use; the error is Go's sentence with the line.
pub fn check(text: &str) -> Result<(), String> {
    let functions = notification_functions::notification_functions(TimestampMs(0), &Labels::empty());
    Template::parse("", text, &functions).map(|_| ()).map_err(|error| error.to_string())
}

/// Whether a text is a template that a rule's label or annotation can use; the error is Go's sentence with the line.
pub fn check_rule(name: &str, text: &str) -> Result<(), String> {
    let functions = rule_functions::rule_functions(Arc::new(|_| Ok(Vec::new())), TimestampMs(0), "");
    let text = rule::with_variables(text);
    Template::parse(name, &text, &functions).map(|_| ()).map_err(|error| error.to_string())
}
