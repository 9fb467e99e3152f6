//! Texts that are values: what a template of a custom payload gives is looked at as YAML (and so JSON), as Alertmanager does.

use serde_json::Value;

use super::limits::STRUCTURED_BYTES_MAX;
use crate::yaml::{Problems, Source, parse, value};

/// The value that a text reads as; none where that is a text, or nothing that can be read.
pub fn structured(text: &str) -> Option<Value> {
    if text.len() > STRUCTURED_BYTES_MAX {
        return None;
    }
    if text.trim().is_empty() {
        return Some(Value::Null);
    }
    let source = Source::new("payload", text.to_owned());
    let mut problems = Problems::new(&source);
    let read = parse(&source, &mut problems)?;
    if problems.has_errors() {
        return None;
    }
    Some(value::json(&read)).filter(|value| !value.is_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::structured;

    #[test]
    fn what_reads_as_a_text_is_one() {
        assert_eq!(structured("FIRING"), None);
        assert_eq!(structured("a:9100 b:9100 "), None);
        assert_eq!(structured("3"), Some(json!(3)));
        assert_eq!(structured(" "), Some(json!(null)));
        assert_eq!(structured("a: {b: 1}"), Some(json!({"a": {"b": 1}})));
        assert_eq!(structured(r#"[{"x":"\u003c"}]"#), Some(json!([{"x": "<"}])));
        assert_eq!(structured("a: b: c"), None);
    }
}
