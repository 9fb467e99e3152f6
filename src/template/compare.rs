//! Go's comparisons inside templates: only values of one kind compare.

use super::print::plain;
use super::value::Value;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    None,
    Bool,
    Int,
    Float,
    Text,
}

const BAD_TYPE: &str = "invalid type for comparison";

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(_) | Value::Duration(_) | Value::Named(_) => Basic::Int,
        Value::Float(_) => Basic::Float,
        Value::Text(_) | Value::Safe(..) => Basic::Text,
        _ => Basic::None,
    }
}

fn int(value: &Value) -> i64 {
    match value {
        Value::Int(value) | Value::Duration(value) => *value,
        Value::Named(named) => named.number,
        _ => 0,
    }
}

fn incompatible(a: &Value, b: &Value) -> String {
    format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name())
}

/// Whether the first equals any of the others.
pub fn equal(first: &Value, others: &[Value]) -> Result<bool, String> {
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if equals(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equals(a: &Value, b: &Value) -> Result<bool, String> {
    let (kind, other) = (basic(a), basic(b));
    if kind != other {
        return if a.is_nil() || b.is_nil() { Ok(false) } else { Err(incompatible(a, b)) };
    }
    match kind {
        Basic::Bool | Basic::Text => Ok(match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            _ => a.as_text() == b.as_text(),
        }),
        Basic::Int => Ok(int(a) == int(b)),
        Basic::Float => Ok(matches!((a, b), (Value::Float(a), Value::Float(b)) if a == b)),
        Basic::None if a.is_nil() || b.is_nil() => Ok(a.is_nil() && b.is_nil()),
        Basic::None => match (a, b) {
            (Value::Time(a), Value::Time(b)) => Ok(a.at == b.at),
            (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) => {
                Err(format!("non-comparable type {}: {}", plain(b), b.type_name()))
            }
            (Value::Record(_), Value::Record(_)) => Err(format!("non-comparable type {}: {}", plain(b), b.type_name())),
            _ => Err(format!("non-comparable types {}: {}, {}: {}", plain(a), a.type_name(), b.type_name(), plain(b))),
        },
    }
}

/// `a < b`.
pub fn less(a: &Value, b: &Value) -> Result<bool, String> {
    let (kind, other) = (basic(a), basic(b));
    if kind == Basic::None || other == Basic::None {
        return Err(BAD_TYPE.to_owned());
    }
    if kind != other {
        return Err(incompatible(a, b));
    }
    match kind {
        Basic::Int => Ok(int(a) < int(b)),
        Basic::Float => Ok(matches!((a, b), (Value::Float(a), Value::Float(b)) if a < b)),
        Basic::Text => Ok(a.as_text() < b.as_text()),
        Basic::Bool | Basic::None => Err(BAD_TYPE.to_owned()),
    }
}
