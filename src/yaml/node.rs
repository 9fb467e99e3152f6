//! The tree of a YAML document: scalars keep their text, every node its place.

use crate::model::{DurationMs, Span};

use super::scalar;

/// How a scalar was written; only a plain one can mean null, a boolean or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Single,
    Double,
    Block,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    Scalar {
        text: String,
        style: Style,
    },
    List(Vec<Node>),
    /// In the order of the file; no key twice.
    Map(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

impl Node {
    /// A plain scalar that stands for a default or an inherited value.
    pub fn plain(text: impl Into<String>, span: Span) -> Self {
        Self { span, value: Value::Scalar { text: text.into(), style: Style::Plain } }
    }

    /// A scalar that is a text, whatever it looks like.
    pub fn quoted(text: impl Into<String>, span: Span) -> Self {
        Self { span, value: Value::Scalar { text: text.into(), style: Style::Double } }
    }

    pub fn empty_map(span: Span) -> Self {
        Self { span, value: Value::Map(Vec::new()) }
    }

    /// `~`, `null` or nothing at all.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, style: Style::Plain } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// A scalar's text; none for null, lists and mappings.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a key, unless it is missing or null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// The place of a key, or of the mapping where the key is missing.
    pub fn key_span(&self, key: &str) -> Span {
        self.entry(key).map_or(self.span, |entry| entry.key_span)
    }

    /// A text that is not empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text().filter(|text| !text.is_empty())
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        scalar::boolean(self.get(key)?)
    }

    pub fn unsigned(&self, key: &str) -> Option<u64> {
        scalar::integer(self.get(key)?).and_then(|number| u64::try_from(number).ok())
    }

    /// A duration in Prometheus's notation.
    pub fn duration(&self, key: &str) -> Option<DurationMs> {
        DurationMs::parse(self.get(key)?.as_text()?).ok()
    }

    /// The texts of a list.
    pub fn texts(&self, key: &str) -> Vec<String> {
        self.get(key).map(|list| list.items().iter().filter_map(Node::as_text).map(str::to_owned).collect()).unwrap_or_default()
    }

    /// The texts of a mapping, in the order of the file.
    pub fn pairs(&self, key: &str) -> Vec<(String, String)> {
        let Some(map) = self.get(key) else { return Vec::new() };
        map.entries().iter().map(|entry| (entry.key.clone(), entry.value.as_text().unwrap_or("").to_owned())).collect()
    }

    /// Sets a key, in place where it is there already.
    pub fn set(&mut self, key: &str, value: Node) {
        let Value::Map(entries) = &mut self.value else { return };
        match entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.value = value,
            None => entries.push(Entry { key: key.to_owned(), key_span: value.span, value }),
        }
    }

    pub fn remove(&mut self, key: &str) {
        if let Value::Map(entries) = &mut self.value {
            entries.retain(|entry| entry.key != key);
        }
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Map(entries) => entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.value),
            _ => None,
        }
    }

    pub fn items_mut(&mut self) -> &mut [Node] {
        match &mut self.value {
            Value::List(items) => items,
            _ => &mut [],
        }
    }
}
