//! Label sets and lists of them as JSON text, the form in which they stand in the tables.

use serde_json::{Map, Value};

use crate::model::Labels;

/// A JSON object in order of name.
pub fn to_json(labels: &Labels) -> String {
    Value::Object(object(labels)).to_string()
}

/// A JSON array of objects.
pub fn list_to_json<'a>(list: impl IntoIterator<Item = &'a Labels>) -> String {
    Value::Array(list.into_iter().map(|labels| Value::Object(object(labels))).collect()).to_string()
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

fn object(labels: &Labels) -> Map<String, Value> {
    labels.iter().map(|(name, value)| (name.to_owned(), Value::String(value.to_owned()))).collect()
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
