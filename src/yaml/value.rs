//! A tree as the value it stands for, by the rules of YAML 1.1 as Go's yaml package has them: what is plain may be null, a boolean or a
//! number; a whole number is one however it is written.

use serde_json::{Number, Value as Json};

use super::node::{Node, Value};
use super::scalar;

/// Numbers that JSON has no word for stay texts.
pub fn json(node: &Node) -> Json {
    match &node.value {
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => Json::Object(entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect()),
        Value::Scalar { text, .. } => {
            if node.is_null() {
                return Json::Null;
            }
            let plain = scalar::boolean(node).map(Json::Bool);
            let plain = plain.or_else(|| scalar::integer(node).map(|number| Json::Number(number.into())));
            let plain = plain.or_else(|| scalar::float(node).and_then(Number::from_f64).map(Json::Number));
            plain.unwrap_or_else(|| Json::String(text.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::yaml::{Problems, Source, parse};

    fn read(text: &str) -> serde_json::Value {
        let source = Source::new("test", text.to_owned());
        super::json(&parse(&source, &mut Problems::new(&source)).unwrap())
    }

    #[test]
    fn plain_scalars_are_what_they_look_like() {
        let read = read("{a: 1, b: 1.5, c: yes, d: 'yes', e: ~, f: x, g: 010, h: [1.0, '1'], i: 2024-01-01, j: .nan}");
        let expected =
            json!({"a": 1, "b": 1.5, "c": true, "d": "yes", "e": null, "f": "x", "g": 8, "h": [1, "1"], "i": "2024-01-01", "j": ".nan"});
        assert_eq!(read, expected);
    }
}
