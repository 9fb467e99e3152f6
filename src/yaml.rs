//! The one place where YAML becomes Rust: a file is read into a tree whose nodes know their place, checked against tables of
//! known keys, and printed back.
//!
//! The tree is built from parser events and not through serde, because a file's problems are all to be told in one run, each at
//! its line and column; deserialisation stops at the first.

pub mod address;
pub mod check;
pub mod locate;
pub mod node;
pub mod parse;
pub mod print;
pub mod problems;
pub mod scalar;
pub mod shape;
pub mod source;
pub mod value;
pub use crate::model::suggest;

pub use check::check;
pub use node::{Entry, Node, Value};
pub use parse::{parse, parse_all};
pub use print::print;
pub use problems::Problems;
pub use shape::{Field, Kind, Print, Section, Words, field};
pub use source::Source;
