//! Label sets and lists of them as JSON text, the form in which they stand in the tables.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::model::Labels;

/// A label set as an object in order of name, written straight from its bytes: a storm of alerts has tens of thousands of them.
struct Object<'a>(&'a Labels);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A JSON object in order of name.
pub fn to_json(labels: &Labels) -> String {
    let mut text = Vec::with_capacity(labels.size_bytes());
    push(&mut text, labels);
    String::from_utf8(text).unwrap_or_default()
}

/// A JSON array of objects.
pub fn list_to_json<'a>(list: impl IntoIterator<Item = &'a Labels>) -> String {
    let mut text = vec![b'['];
    for (at, labels) in list.into_iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        push(&mut text, labels);
    }
    text.push(b']');
    String::from_utf8(text).unwrap_or_default()
}

/// Texts as keys and values, into memory: there is nothing that could fail.
fn push(text: &mut Vec<u8>, labels: &Labels) {
    drop(serde_json::to_writer(text, &Object(labels)));
}

/// What is not an object of texts is read as empty: a damaged row must not keep the others from being read.
pub fn from_json(text: &str) -> Labels {
    serde_json::from_str(text).map_or_else(|_| Labels::empty(), |value| from_value(&value))
}

pub fn list_from_json(text: &str) -> Vec<Labels> {
    match serde_json::from_str(text) {
        Ok(Value::Array(items)) => items.iter().map(from_value).collect(),
        _ => Vec::new(),
    }
}

fn from_value(value: &Value) -> Labels {
    let pairs = value.as_object().into_iter().flatten();
    // Annotations may be empty.
    Labels::to_set(pairs.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_sets_survive_the_way_there_and_back() {
        let labels = Labels::to_set([("b", "q\"\n\u{e9}"), ("a", "1"), ("c", "")]);
        assert_eq!(to_json(&labels), "{\"a\":\"1\",\"b\":\"q\\\"\\n\u{e9}\",\"c\":\"\"}");
        assert_eq!(from_json(&to_json(&labels)), labels);
        assert_eq!(list_from_json(&list_to_json([&labels, &Labels::empty()])), [labels, Labels::empty()]);
        assert_eq!(from_json("not json"), Labels::empty());
    }
}
