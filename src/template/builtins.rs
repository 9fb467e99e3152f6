//! The language's own functions: comparison, indexing, lengths, printing, escaping. `and` and `or` are the evaluator's, since they skip arguments.

use super::compare::{equal, less};
use super::escape::{html_text, js_text, url_query};
use super::functions::{Body, Function, Functions, Kind};
use super::print::{shown, sprint, sprintln};
use super::printf::sprintf;
use super::value::Value;

const ANY: &[Kind] = &[Kind::Any];
const TWO: &[Kind] = &[Kind::Any, Kind::Any];

/// The functions that every template has.
pub fn builtins() -> Functions {
    let mut set = Functions::default();
    set.set("and", Function::variadic(TWO, last));
    set.set("or", Function::variadic(TWO, last));
    set.set("not", Function::plain(ANY, |args| Ok(Value::Bool(!first(args).is_true()))));
    set.set("eq", Function::variadic(TWO, |args| equal(&first(args), args.get(1..).unwrap_or(&[])).map(Value::Bool)));
    set.set("ne", Function::plain(TWO, |args| equal(&first(args), &args[1..]).map(|same| Value::Bool(!same))));
    set.set("lt", Function::plain(TWO, |args| less(&args[0], &args[1]).map(Value::Bool)));
    set.set("le", Function::plain(TWO, |args| at_most(&args[0], &args[1]).map(Value::Bool)));
    set.set("gt", Function::plain(TWO, |args| at_most(&args[0], &args[1]).map(|le| Value::Bool(!le))));
    set.set("ge", Function::plain(TWO, |args| less(&args[0], &args[1]).map(|lt| Value::Bool(!lt))));
    set.set("len", Function::plain(ANY, |args| length(&args[0])));
    set.set("index", Function::variadic(TWO, |args| index(&args[0], &args[1..])));
    set.set("slice", Function::variadic(TWO, |args| slice(&args[0], &args[1..])));
    set.set("print", Function::variadic(ANY, |args| Ok(Value::from(sprint(args)))));
    set.set("println", Function::variadic(ANY, |args| Ok(Value::from(sprintln(args)))));
    set.set(
        "printf",
        Function::variadic(&[Kind::Text, Kind::Any], |args| Ok(Value::from(sprintf(args[0].as_text().unwrap_or(""), &args[1..])))),
    );
    set.set("html", Function::variadic(ANY, |args| Ok(Value::from(html_text(&joined(args))))));
    set.set("js", Function::variadic(ANY, |args| Ok(Value::from(js_text(&joined(args))))));
    set.set("urlquery", Function::variadic(ANY, |args| Ok(Value::from(url_query(&joined(args))))));
    set.set("call", Function::variadic(TWO, |args| call(&args[0], &args[1..])));
    set
}

fn first(args: &[Value]) -> Value {
    args.first().cloned().unwrap_or(Value::Nil).unwrapped()
}

fn last(args: &[Value]) -> Result<Value, String> {
    Ok(args.last().cloned().unwrap_or(Value::Nil))
}

fn joined(args: &[Value]) -> String {
    let printable: Vec<Value> = args.iter().map(|arg| if arg.is_nil() { Value::text(shown(arg)) } else { arg.clone() }).collect();
    sprint(&printable)
}

fn at_most(a: &Value, b: &Value) -> Result<bool, String> {
    Ok(less(a, b)? || equal(a, std::slice::from_ref(b))?)
}

fn length(item: &Value) -> Result<Value, String> {
    match item {
        Value::Text(text) | Value::Safe(_, text) => Ok(Value::Int(text.len() as i64)),
        Value::List(list) => Ok(Value::Int(list.items.len() as i64)),
        Value::Map(map) => Ok(Value::Int(map.entries.len() as i64)),
        Value::NilInterface => Err("len of nil pointer".to_owned()),
        // Not a nil of some type but no value at all: Go's reflection fails, and its words come through.
        Value::Nil => Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        other => Err(format!("len of type {}", pointed(other))),
    }
}

/// What a pointer points to: these functions look through it.
fn pointed(value: &Value) -> &'static str {
    let name = value.type_name();
    name.strip_prefix('*').unwrap_or(name)
}

/// A place in something of this length; the end itself is allowed.
fn place(index: &Value, length: usize) -> Result<usize, String> {
    match index {
        Value::Int(at) => usize::try_from(*at).ok().filter(|at| *at <= length).ok_or_else(|| format!("index out of range: {at}")),
        Value::Nil | Value::NilInterface => Err("cannot index slice/array with nil".to_owned()),
        other => Err(format!("cannot index slice/array with type {}", other.type_name())),
    }
}

fn index(item: &Value, indexes: &[Value]) -> Result<Value, String> {
    let mut item = item.clone().unwrapped();
    if item.is_nil() {
        return Err("index of untyped nil".to_owned());
    }
    for by in indexes {
        item = match &item {
            Value::List(list) => {
                let at = place(by, list.items.len())?;
                list.items.get(at).cloned().ok_or("reflect: slice index out of range")?
            }
            Value::Text(text) | Value::Safe(_, text) => {
                let at = place(by, text.len())?;
                text.as_bytes().get(at).map(|byte| Value::Int((*byte).into())).ok_or("reflect: string index out of range")?
            }
            Value::Map(map) => match by {
                Value::Text(key) => map.entries.get(key).cloned().unwrap_or_else(|| map.absent.value()),
                Value::Nil | Value::NilInterface => return Err("value is nil; should be of type string".to_owned()),
                other => return Err(format!("value has type {}; should be string", other.type_name())),
            },
            Value::Nil | Value::NilInterface => return Err("index of nil pointer".to_owned()),
            other => return Err(format!("can't index item of type {}", pointed(other))),
        };
    }
    Ok(item)
}

fn slice(item: &Value, indexes: &[Value]) -> Result<Value, String> {
    let is_text = item.as_text().is_some();
    let length = match item {
        Value::Text(text) | Value::Safe(_, text) => text.len(),
        Value::List(list) => list.items.len(),
        Value::Nil | Value::NilInterface => return Err("slice of untyped nil".to_owned()),
        other => return Err(format!("can't slice item of type {}", pointed(other))),
    };
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    if is_text && indexes.len() == 3 {
        return Err("cannot 3-index slice a string".to_owned());
    }
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = place(index, length)?;
    }
    let [from, to, capacity] = bounds;
    for (low, high) in [(from, to), (to, capacity)] {
        if low > high {
            return Err(format!("invalid slice index: {low} > {high}"));
        }
    }
    Ok(match item {
        Value::List(list) => Value::list_of(list.class, list.items[from..to].iter().cloned()),
        // Go cuts bytes; a cut inside a character leaves the replacement character here.
        Value::Safe(markup, text) => Value::Safe(*markup, String::from_utf8_lossy(&text.as_bytes()[from..to]).into()),
        other => Value::from(String::from_utf8_lossy(&other.as_text().unwrap_or("").as_bytes()[from..to]).into_owned()),
    })
}

fn call(function: &Value, args: &[Value]) -> Result<Value, String> {
    let Value::Function(function) = function else {
        return Err(match function {
            Value::Nil | Value::NilInterface => "call of nil".to_owned(),
            other => format!("non-function of type {}", other.type_name()),
        });
    };
    if args.len() < function.required() || (!function.variadic && args.len() > function.params.len()) {
        return Err(format!("wrong number of args: got {} want {}", args.len(), function.required()));
    }
    for (at, arg) in args.iter().enumerate() {
        let kind = function.kind_at(at);
        if !kind.accepts(arg) {
            return Err(format!("arg {at}: value has type {}; should be {}", arg.type_name(), kind.name()));
        }
    }
    match &function.body {
        Body::Plain(body) => body(args),
        Body::Closure(body) => body(args),
        Body::Template => Err("cannot call a template through call".to_owned()),
    }
}
