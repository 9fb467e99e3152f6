//! How Go's `fmt` prints a value with `%v`, and the joins of `print` and `println`.

use super::limits::OUTPUT_BYTES_MAX;
use super::time::duration_text;
use super::value::Value;
use crate::model::number::format_general;

/// `fmt.Sprint` of one value, as a template writes it out: no value at all is `<no value>`.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Nil | Value::NilInterface => "<no value>".to_owned(),
        other => plain(other),
    }
}

/// `%v`.
pub fn plain(value: &Value) -> String {
    let mut out = String::new();
    write_plain(value, &mut out);
    out
}

/// Shared parts can make a small value print endlessly, so it stops past the longest text a render may hold.
fn write_plain(value: &Value, out: &mut String) {
    if out.len() > OUTPUT_BYTES_MAX {
        return;
    }
    let class = match value {
        Value::List(list) => Some(list.class),
        Value::Map(map) => Some(map.class),
        Value::Record(record) => Some(record.class),
        _ => None,
    };
    if let Some(print) = class.and_then(|class| class.print) {
        out.push_str(&print(value));
        return;
    }
    match value {
        Value::Nil | Value::NilInterface => out.push_str("<nil>"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Float(value) => out.push_str(&format_general(*value)),
        Value::Text(text) | Value::Safe(_, text) => out.push_str(text),
        Value::List(list) => {
            out.push('[');
            for (index, item) in list.items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write_plain(item, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (index, (key, item)) in map.entries.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                write_plain(item, out);
            }
            out.push(']');
        }
        Value::Record(record) => {
            out.push('{');
            for (index, (_, item)) in record.fields.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write_plain(item, out);
            }
            out.push('}');
        }
        Value::Time(time) => out.push_str(&time.to_string()),
        Value::Duration(nanos) => out.push_str(&duration_text(*nanos)),
        Value::Named(named) => out.push_str(named.text),
        Value::Function(_) => out.push_str("func"),
    }
}

/// `fmt.Sprint`: a space between two operands of which neither is a string.
pub fn sprint(values: &[Value]) -> String {
    let mut out = String::new();
    let mut previous_is_text = true;
    for (index, value) in values.iter().enumerate() {
        let is_text = value.as_text().is_some();
        if index > 0 && !is_text && !previous_is_text {
            out.push(' ');
        }
        write_plain(value, &mut out);
        previous_is_text = is_text;
    }
    out
}

/// `fmt.Sprintln`.
pub fn sprintln(values: &[Value]) -> String {
    let texts: Vec<String> = values.iter().map(plain).collect();
    texts.join(" ") + "\n"
}
