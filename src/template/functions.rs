//! What a template may call: named functions with Go-like parameter types, given by the caller of a render.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::value::Value;

/// What a parameter accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `interface {}`.
    Any,
    Text,
    Int,
    Float,
    Bool,
    /// `[]string`.
    TextList,
    /// `[]interface {}`.
    AnyList,
    /// A value of exactly this Go type.
    Named(&'static str),
}

impl Kind {
    /// The type's name in Go.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Text => "string",
            Self::Int => "int",
            Self::Float => "float64",
            Self::Bool => "bool",
            Self::TextList => "[]string",
            Self::AnyList => "[]interface {}",
            Self::Named(name) => name,
        }
    }

    /// Whether Go would let an untyped nil stand here.
    pub fn can_be_nil(self) -> bool {
        match self {
            Self::Any | Self::TextList | Self::AnyList => true,
            Self::Named(name) => name.starts_with('*') || name.starts_with("[]") || name.starts_with("map["),
            _ => false,
        }
    }

    /// Whether a value can be assigned to this type.
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Text => matches!(value, Value::Text(_)),
            Self::Int => matches!(value, Value::Int(_)),
            Self::Float => matches!(value, Value::Float(_)),
            Self::Bool => matches!(value, Value::Bool(_)),
            Self::TextList => value.type_name() == "[]string",
            Self::AnyList => value.type_name() == "[]interface {}",
            Self::Named(name) => value.type_name() == name,
        }
    }
}

/// The signature of a function's code: checked arguments in, a value or the text of an error out.
pub type Call = dyn Fn(&[Value]) -> Result<Value, String> + Send + Sync;

/// How a function is carried out.
#[derive(Clone)]
pub enum Body {
    /// A plain function without state.
    Plain(fn(&[Value]) -> Result<Value, String>),
    Closure(Arc<Call>),
    /// Renders another template of the set: its name, its data.
    Template,
}

/// A function or a bound method.
#[derive(Clone)]
pub struct Function {
    /// Fixed parameters; with `variadic` the last one may come any number of times.
    pub params: &'static [Kind],
    pub variadic: bool,
    pub body: Body,
}

impl Function {
    pub fn plain(params: &'static [Kind], body: fn(&[Value]) -> Result<Value, String>) -> Self {
        Self { params, variadic: false, body: Body::Plain(body) }
    }

    pub fn variadic(params: &'static [Kind], body: fn(&[Value]) -> Result<Value, String>) -> Self {
        Self { params, variadic: true, body: Body::Plain(body) }
    }

    pub fn bound(params: &'static [Kind], body: impl Fn(&[Value]) -> Result<Value, String> + Send + Sync + 'static) -> Self {
        Self { params, variadic: false, body: Body::Closure(Arc::new(body)) }
    }

    pub fn template(params: &'static [Kind]) -> Self {
        Self { params, variadic: false, body: Body::Template }
    }

    /// Parameters that must be given.
    pub fn required(&self) -> usize {
        self.params.len() - usize::from(self.variadic)
    }

    /// The kind of the argument at this place.
    pub fn kind_at(&self, index: usize) -> Kind {
        let last = self.params.len().saturating_sub(1);
        self.params.get(index.min(last)).copied().unwrap_or(Kind::Any)
    }
}

/// A set of functions by name, on top of the language's own.
#[derive(Clone, Default)]
pub struct Functions(BTreeMap<&'static str, Function>);

impl Functions {
    pub fn set(&mut self, name: &'static str, function: Function) -> &mut Self {
        self.0.insert(name, function);
        self
    }

    pub fn get(&self, name: &str) -> Option<&Function> {
        self.0.get(name)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All functions of both sets; of equal names, `other`'s.
    pub fn with(mut self, other: Functions) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// The text at this place of checked arguments.
pub(super) fn text_at(args: &[Value], index: usize) -> &str {
    args.get(index).and_then(Value::as_text).unwrap_or("")
}
