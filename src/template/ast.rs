//! A parsed template, and its printing in Go's notation (error texts quote it).

use std::fmt;
use std::sync::Arc;

use crate::model::number::quote;

/// One named template of a set.
#[derive(Debug)]
pub struct Tree {
    pub name: String,
    /// The name of the file or text it was read with.
    pub source_name: Arc<str>,
    /// The whole text it was read from.
    pub source: Arc<str>,
    pub body: Vec<Node>,
}

impl Tree {
    /// Nothing but space and comments.
    pub fn is_empty(&self) -> bool {
        self.body.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
    }
}

#[derive(Debug)]
pub enum Node {
    Text(Arc<str>),
    Action(Pipe),
    If(Branch),
    Range(Branch),
    With(Branch),
    Call(TemplateCall),
    Break,
    Continue,
}

#[derive(Debug)]
pub struct Branch {
    pub pipe: Pipe,
    pub then: Vec<Node>,
    pub otherwise: Option<Vec<Node>>,
}

/// `{{template "name" pipe}}`.
#[derive(Debug)]
pub struct TemplateCall {
    pub at: usize,
    pub name: String,
    pub pipe: Option<Pipe>,
}

#[derive(Debug)]
pub struct Pipe {
    pub at: usize,
    /// `=` instead of `:=`.
    pub assigns: bool,
    /// With their `$`.
    pub variables: Vec<String>,
    pub commands: Vec<Command>,
}

#[derive(Debug)]
pub struct Command {
    pub at: usize,
    /// At least one.
    pub args: Vec<Operand>,
}

#[derive(Debug)]
pub enum Operand {
    Bool {
        at: usize,
        value: bool,
    },
    Dot {
        at: usize,
    },
    Nil {
        at: usize,
    },
    Number {
        at: usize,
        number: Number,
    },
    Text {
        at: usize,
        quoted: String,
        text: Arc<str>,
    },
    /// `.A.B`.
    Field {
        at: usize,
        names: Vec<String>,
    },
    /// `$x.A.B`: the variable with its `$`, then fields.
    Variable {
        at: usize,
        names: Vec<String>,
    },
    /// `(pipe).A.B`.
    Chain {
        at: usize,
        node: Box<Operand>,
        names: Vec<String>,
    },
    Identifier {
        at: usize,
        name: String,
    },
    Pipe(Box<Pipe>),
}

/// A constant: what it may stand for.
#[derive(Clone, Debug)]
pub struct Number {
    pub text: String,
    pub int: Option<i64>,
    pub float: Option<f64>,
    /// Its spelling makes it a float where the type is open.
    pub reads_as_float: bool,
}

impl Operand {
    pub fn at(&self) -> usize {
        match self {
            Self::Bool { at, .. }
            | Self::Dot { at }
            | Self::Nil { at }
            | Self::Number { at, .. }
            | Self::Text { at, .. }
            | Self::Field { at, .. }
            | Self::Variable { at, .. }
            | Self::Chain { at, .. }
            | Self::Identifier { at, .. } => *at,
            Self::Pipe(pipe) => pipe.at,
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool { value, .. } => write!(f, "{value}"),
            Self::Dot { .. } => f.write_str("."),
            Self::Nil { .. } => f.write_str("nil"),
            Self::Number { number, .. } => f.write_str(&number.text),
            Self::Text { quoted, .. } => f.write_str(quoted),
            Self::Field { names, .. } => names.iter().try_for_each(|name| write!(f, ".{name}")),
            Self::Variable { names, .. } => f.write_str(&names.join(".")),
            Self::Chain { node, names, .. } => {
                match **node {
                    Self::Pipe(_) => write!(f, "({node})")?,
                    _ => write!(f, "{node}")?,
                }
                names.iter().try_for_each(|name| write!(f, ".{name}"))
            }
            Self::Identifier { name, .. } => f.write_str(name),
            Self::Pipe(pipe) => write!(f, "{pipe}"),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, arg) in self.args.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            match arg {
                Operand::Pipe(pipe) => write!(f, "({pipe})")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            write!(f, "{} {} ", self.variables.join(", "), if self.assigns { "=" } else { ":=" })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            write!(f, "{}{command}", if index > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for TemplateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", quote(&self.name))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}
