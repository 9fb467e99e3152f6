//! Tables of what a file may hold: sections, their fields, the fields' kinds and defaults. The tables drive checking and printing.

use super::node::{Node, Value};

/// A mapping with known keys.
#[derive(Debug)]
pub struct Section {
    /// What messages call it.
    pub name: &'static str,
    /// In the order of printing; several lists, so that sections can share fields.
    pub fields: &'static [&'static [Field]],
}

impl Section {
    pub fn all_fields(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().flat_map(|part| part.iter())
    }

    pub fn field(&self, key: &str) -> Option<&'static Field> {
        self.all_fields().find(|field| field.key == key)
    }
}

/// A field of this name lets a section hold keys that its table does not list.
pub const ANY_KEY: &str = "*";

/// A closed set of words.
#[derive(Debug)]
pub struct Words {
    /// What messages call one of them.
    pub name: &'static str,
    pub words: &'static [&'static str],
    /// Upper and lower case are the same.
    pub any_case: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Text,
    /// A file's path; relative ones count from the folder of the configuration file.
    Path,
    /// Printed as `<secret>`.
    Secret,
    /// Any address; printed without its password.
    Link,
    /// An absolute `http` or `https` address; printed without its password.
    Url,
    /// The same, printed as `<secret>`.
    SecretUrl,
    Bool,
    Int,
    /// Not negative.
    Count,
    Float,
    /// Prometheus's notation.
    Duration,
    /// Go's notation.
    GoDuration,
    /// Powers of 1024 with a unit.
    Bytes,
    /// Anchored, in Go's syntax.
    Regex,
    Word(&'static Words),
    List(&'static Kind),
    /// Any keys.
    Map(&'static Kind),
    Section(&'static Section),
    /// Anything: not looked into.
    Any,
}

/// When a field is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Print {
    /// When it differs from its type's zero.
    NonZero,
    Always,
    /// When it is set, zero or not.
    IfSet,
    /// Always, as `null` where it is not set.
    OrNull,
    /// On one line (`[a, b]`), when it is not empty.
    Flow,
    /// A section that is printed with its defaults even where the file has none.
    Filled,
    Never,
}

#[derive(Debug)]
pub struct Field {
    pub key: &'static str,
    pub kind: Kind,
    /// The value where the file has none, as it would be written there.
    pub default: Option<&'static str>,
    pub print: Print,
    pub required: bool,
    /// Known but not acted on: named once where it is used.
    pub idle: bool,
}

pub const fn field(key: &'static str, kind: Kind) -> Field {
    Field { key, kind, default: None, print: Print::NonZero, required: false, idle: false }
}

impl Field {
    pub const fn default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    pub const fn print(self, print: Print) -> Self {
        Self { print, ..self }
    }

    pub const fn always(self) -> Self {
        self.print(Print::Always)
    }

    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub const fn idle(self) -> Self {
        Self { idle: true, ..self }
    }
}

/// Joins every relative path of a tree to a folder.
pub fn resolve_paths(node: &mut Node, section: &'static Section, folder: &std::path::Path) {
    let Value::Map(entries) = &mut node.value else { return };
    for entry in entries {
        if let Some(field) = section.field(&entry.key) {
            resolve_kind(&mut entry.value, &field.kind, folder);
        }
    }
}

fn resolve_kind(node: &mut Node, kind: &'static Kind, folder: &std::path::Path) {
    if node.is_null() {
        return;
    }
    match (kind, &mut node.value) {
        (Kind::Section(section), _) => resolve_paths(node, section, folder),
        (Kind::List(item), Value::List(items)) => items.iter_mut().for_each(|value| resolve_kind(value, item, folder)),
        (Kind::Map(item), Value::Map(entries)) => entries.iter_mut().for_each(|entry| resolve_kind(&mut entry.value, item, folder)),
        (Kind::Path, Value::Scalar { text, .. }) if !text.is_empty() && !text.starts_with('/') => {
            let joined = folder.join(&*text);
            *text = joined.strip_prefix("./").unwrap_or(&joined).display().to_string();
        }
        _ => {}
    }
}

/// A null stands for its type's zero, not for the default: Go's YAML reader fills in the defaults first and lets the null overwrite them.
pub fn settle_nulls(node: &mut Node, section: &'static Section) {
    let Value::Map(entries) = &mut node.value else { return };
    for entry in entries {
        let Some(field) = section.field(&entry.key) else { continue };
        let overwrites = field.default.is_some() || field.print == Print::Always;
        match (&field.kind, &mut entry.value) {
            (Kind::Section(section), value) => settle_nulls(value, section),
            (Kind::List(Kind::Section(section)), value) => value.items_mut().iter_mut().for_each(|item| settle_nulls(item, section)),
            (kind, value) if value.is_null() && overwrites => {
                let zero = match kind {
                    Kind::Bool => Node::plain("false", value.span),
                    Kind::Int | Kind::Count | Kind::Float => Node::plain("0", value.span),
                    Kind::Duration | Kind::GoDuration => Node::plain("0s", value.span),
                    Kind::List(_) | Kind::Map(_) | Kind::Any | Kind::Regex | Kind::Word(_) => continue,
                    _ => Node::quoted("", value.span),
                };
                *value = zero;
            }
            _ => {}
        }
    }
}

/// Calls `visit` with the key and node of every path in a tree.
pub fn each_path<'n>(node: &'n Node, section: &'static Section, visit: &mut impl FnMut(&'static str, &'n Node)) {
    for entry in node.entries() {
        if let Some(field) = section.field(&entry.key) {
            each_path_of(&entry.value, &field.kind, field.key, visit);
        }
    }
}

fn each_path_of<'n>(node: &'n Node, kind: &'static Kind, key: &'static str, visit: &mut impl FnMut(&'static str, &'n Node)) {
    match kind {
        Kind::Section(section) => each_path(node, section, visit),
        Kind::List(item) => node.items().iter().for_each(|value| each_path_of(value, item, key, visit)),
        Kind::Map(item) => node.entries().iter().for_each(|entry| each_path_of(&entry.value, item, key, visit)),
        Kind::Path => visit(key, node),
        _ => {}
    }
}
