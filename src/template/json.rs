//! `toJson`: values as Go's encoding/json writes them.

use super::limits::OUTPUT_BYTES_MAX;
use super::value::Value;
use crate::model::number::{format_exponent, format_fixed};

/// Compact JSON; the error names a value that JSON cannot hold.
pub fn to_json(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String) -> Result<(), String> {
    if out.len() > OUTPUT_BYTES_MAX {
        return Err(format!("JSON is longer than the limit of {OUTPUT_BYTES_MAX} bytes"));
    }
    match value {
        Value::Nil | Value::NilInterface => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) | Value::Duration(value) => out.push_str(&value.to_string()),
        Value::Named(named) => out.push_str(&named.number.to_string()),
        Value::Float(value) if !value.is_finite() => {
            return Err(format!("json: unsupported value: {}", format_fixed(*value)));
        }
        Value::Float(value) => out.push_str(&number(*value)),
        Value::Text(text) | Value::Safe(_, text) => string(text, out),
        Value::List(list) => {
            out.push('[');
            for (index, item) in list.items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, item)) in map.entries.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                string(key, out);
                out.push(':');
                write(item, out)?;
            }
            out.push('}');
        }
        Value::Record(record) => {
            let is_pair = record.class.name == "template.Pair";
            out.push('{');
            // Route labels are newer than the rest: without any, the JSON is what it always was.
            let is_shown = |(name, item): &&(&'static str, Value)| *name != "RouteLabels" || item.is_true();
            for (index, (name, item)) in record.fields.iter().filter(is_shown).enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                string(&if is_pair { (*name).to_owned() } else { key(name) }, out);
                out.push(':');
                write(item, out)?;
            }
            out.push('}');
        }
        Value::Time(time) => string(&time.format("2006-01-02T15:04:05.999999999Z07:00"), out),
        Value::Function(_) => return Err("json: unsupported type: func".to_owned()),
    }
    Ok(())
}

/// The JSON key of a field of the notification data.
fn key(field: &str) -> String {
    if field == "NotificationReason" {
        return "notification_reason".to_owned();
    }
    let mut chars = field.chars();
    chars.next().map(|first| first.to_ascii_lowercase().to_string() + chars.as_str()).unwrap_or_default()
}

fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        // Go drops the leading zero of a two-digit exponent.
        return format_exponent(value).replace("e-0", "e-");
    }
    format_fixed(value)
}

pub(super) fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}
