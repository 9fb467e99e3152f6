//! What a template computes with: Go's dynamic values, as far as rules and notifications need them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::functions::Function;
use super::time::Time;

/// A text that needs no escaping in its own place of an HTML page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markup {
    Html,
    Url,
}

/// A value inside a template. Cloning is cheap: everything large is shared.
#[derive(Clone)]
pub enum Value {
    /// No value at all; prints as `<no value>`.
    Nil,
    /// A nil in a place that could hold anything, such as a missing key of a `map[string]interface {}`.
    NilInterface,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    /// The promise that a text is safe as HTML or as a URL.
    Safe(Markup, Arc<str>),
    List(List),
    Map(Map),
    Record(Record),
    Time(Time),
    /// Nanoseconds.
    Duration(i64),
    /// An integer with a type and a text of its own (a month, a weekday).
    Named(Named),
    Function(Arc<Function>),
}

/// What all values of one named Go type share: its name in error texts, methods, and how it prints.
pub struct Class {
    pub name: &'static str,
    /// The bound method of this name, if the type has one.
    pub method: fn(&Value, &str) -> Option<Function>,
    /// Go's `String()`, where the type has one.
    pub print: Option<fn(&Value) -> String>,
}

fn no_method(_: &Value, _: &str) -> Option<Function> {
    None
}

impl Class {
    /// A type without methods.
    pub const fn plain(name: &'static str) -> Self {
        Self { name, method: no_method, print: None }
    }
}

/// `[]interface {}`.
pub static ANY_LIST: Class = Class::plain("[]interface {}");
/// `[]string`.
pub static TEXT_LIST: Class = Class::plain("[]string");
/// `map[string]interface {}`.
pub static ANY_MAP: Class = Class::plain("map[string]interface {}");
/// `map[string]string`.
pub static TEXT_MAP: Class = Class::plain("map[string]string");

/// A slice.
#[derive(Clone)]
pub struct List {
    pub class: &'static Class,
    pub items: Arc<[Value]>,
    /// Levels of values below, this one included.
    pub depth: u16,
}

/// A map with texts as keys, in key order.
#[derive(Clone)]
pub struct Map {
    pub class: &'static Class,
    pub entries: Arc<BTreeMap<Arc<str>, Value>>,
    /// The element type's zero value: what a missing key gives.
    pub absent: Absent,
    /// Levels of values below, this one included.
    pub depth: u16,
}

/// What a missing key of a map gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    EmptyText,
    Nil,
}

impl Absent {
    pub fn value(self) -> Value {
        match self {
            Self::EmptyText => Value::text(""),
            Self::Nil => Value::NilInterface,
        }
    }
}

/// A struct, or a pointer to one.
#[derive(Clone)]
pub struct Record {
    pub class: &'static Class,
    /// In the order of declaration.
    pub fields: Arc<[(&'static str, Value)]>,
    /// Levels of values below, this one included.
    pub depth: u16,
}

impl Record {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }
}

fn deepest<'a>(values: impl Iterator<Item = &'a Value>) -> u16 {
    values.map(Value::depth).max().unwrap_or(0).saturating_add(1)
}

/// An integer of a named type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    pub type_name: &'static str,
    pub number: i64,
    pub text: &'static str,
}

impl Value {
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    /// `[]interface {}`.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::list_of(&ANY_LIST, items)
    }

    /// `[]string`.
    pub fn texts<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::list_of(&TEXT_LIST, items.into_iter().map(Value::text))
    }

    pub fn list_of(class: &'static Class, items: impl IntoIterator<Item = Value>) -> Self {
        let items: Arc<[Value]> = items.into_iter().collect();
        let depth = deepest(items.iter());
        Self::List(List { class, items, depth })
    }

    /// `map[string]interface {}`: a missing key prints as `<no value>`.
    pub fn map<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::map_of(&ANY_MAP, Absent::Nil, entries)
    }

    /// `map[string]string`: a missing key is the empty text.
    pub fn text_map<K: AsRef<str>, V: AsRef<str>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::map_of(&TEXT_MAP, Absent::EmptyText, entries.into_iter().map(|(name, value)| (name, Value::text(value))))
    }

    pub fn map_of<K: AsRef<str>>(class: &'static Class, absent: Absent, entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        let entries: BTreeMap<Arc<str>, Value> = entries.into_iter().map(|(key, value)| (Arc::from(key.as_ref()), value)).collect();
        let depth = deepest(entries.values());
        Self::Map(Map { class, entries: Arc::new(entries), absent, depth })
    }

    pub fn record(class: &'static Class, fields: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let fields: Arc<[(&'static str, Value)]> = fields.into_iter().collect();
        let depth = deepest(fields.iter().map(|(_, value)| value));
        Self::Record(Record { class, fields, depth })
    }

    /// Levels of values, 0 for a plain one: what builds values inside a template bounds it, so that walking them does.
    pub fn depth(&self) -> u16 {
        match self {
            Self::List(list) => list.depth,
            Self::Map(map) => map.depth,
            Self::Record(record) => record.depth,
            _ => 0,
        }
    }

    /// The type's name in Go, as error texts show it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::NilInterface => "interface {}",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Safe(Markup::Html, _) => "template.HTML",
            Self::Safe(Markup::Url, _) => "template.URL",
            Self::List(list) => list.class.name,
            Self::Map(map) => map.class.name,
            Self::Record(record) => record.class.name,
            Self::Time(_) => "time.Time",
            Self::Duration(_) => "time.Duration",
            Self::Named(named) => named.type_name,
            Self::Function(_) => "func",
        }
    }

    /// Go's truth: not the zero value of its type; structs and times are always true.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil | Self::NilInterface => false,
            Self::Bool(value) => *value,
            Self::Int(value) | Self::Duration(value) => *value != 0,
            Self::Named(named) => named.number != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) | Self::Safe(_, text) => !text.is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.entries.is_empty(),
            Self::Record(_) | Self::Time(_) | Self::Function(_) => true,
        }
    }

    /// A string of any string type.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Safe(_, text) => Some(text),
            _ => None,
        }
    }

    /// A nil inside an interface is just nil once it is looked at.
    pub fn unwrapped(self) -> Self {
        match self {
            Self::NilInterface => Self::Nil,
            other => other,
        }
    }

    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil | Self::NilInterface)
    }

    /// Units of work that making or walking this value costs, beside the step itself.
    pub fn weight(&self) -> u64 {
        match self {
            Self::Text(text) | Self::Safe(_, text) => text.len() as u64 / 64,
            Self::List(list) => list.items.len() as u64 / 8,
            Self::Map(map) => map.entries.len() as u64 / 8,
            _ => 0,
        }
    }

    /// The method of this name bound to this value.
    pub fn method(&self, name: &str) -> Option<Function> {
        match self {
            Self::List(list) => (list.class.method)(self, name),
            Self::Map(map) => (map.class.method)(self, name),
            Self::Record(record) => (record.class.method)(self, name),
            Self::Time(time) => super::time_methods::of_time(time, name),
            Self::Duration(nanos) => super::time_methods::of_duration(*nanos, name),
            Self::Named(named) if name == "String" => {
                let text = named.text;
                Some(Function::bound(&[], move |_| Ok(Value::text(text))))
            }
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Arc::from(text))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.type_name(), super::print::plain(self))
    }
}
