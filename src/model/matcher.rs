//! Label matchers: `=`, `!=`, `=~`, `!~`.

pub mod text;

use std::fmt;

use super::number::quote;
use super::regex::{AnchoredRegex, Fuse};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOp {
    Equal,
    NotEqual,
    Regex,
    NotRegex,
}

impl MatchOp {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// One condition on one label; a label that a series lacks counts as the empty text.
#[derive(Clone, Debug)]
pub struct Matcher {
    pub name: String,
    pub op: MatchOp,
    pub value: String,
    program: Option<AnchoredRegex>,
}

impl Matcher {
    /// Fails only where a regular expression does not compile.
    pub fn new(name: impl Into<String>, op: MatchOp, value: impl Into<String>) -> Result<Self, String> {
        let (name, value) = (name.into(), value.into());
        let program = match op {
            MatchOp::Regex | MatchOp::NotRegex => Some(AnchoredRegex::new(&value)?),
            MatchOp::Equal | MatchOp::NotEqual => None,
        };
        Ok(Self { name, op, value, program })
    }

    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), op: MatchOp::Equal, value: value.into(), program: None }
    }

    pub fn matches(&self, value: &str) -> bool {
        let found = self.program.as_ref().map_or_else(|| value == self.value, |program| program.is_match(value));
        found != matches!(self.op, MatchOp::NotEqual | MatchOp::NotRegex)
    }

    /// Lets somebody end matching that takes too long: see [`AnchoredRegex::set_fuse`].
    pub fn set_fuse(&mut self, fuse: &Fuse) {
        if let Some(program) = &mut self.program {
            program.set_fuse(fuse);
        }
    }

    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.op == other.op && self.value == other.value
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.name, self.op.as_str(), quote(&self.value))
    }
}
