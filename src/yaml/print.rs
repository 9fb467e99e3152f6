//! A tree back to text: known keys in the table's order with their defaults, secrets hidden, in the style of Go's yaml package.

use std::fmt::Write;

use crate::model::{DurationMs, Span};

use super::address;
use super::check::default_of;
use super::node::{Node, Value};
use super::scalar;
use super::shape::{Field, Kind, Print, Section};

const HIDDEN: &str = "<secret>";

/// Prints a checked tree.
pub fn print(node: &Node, section: &'static Section) -> String {
    let mut out = String::new();
    write_section(&mut out, node, section, 0);
    if out.is_empty() { "{}\n".to_owned() } else { out }
}

/// Lines `key: value` at a depth of `indent` spaces; true where something was written.
fn write_section(out: &mut String, node: &Node, section: &'static Section, indent: usize) -> bool {
    let before = out.len();
    for field in section.all_fields() {
        write_field(out, node.get(field.key), field, indent);
    }
    out.len() > before
}

fn write_field(out: &mut String, value: Option<&Node>, field: &'static Field, indent: usize) {
    if field.print == Print::Never {
        return;
    }
    let filled = (value.is_none() && field.print == Print::Filled).then(|| Node::empty_map(Span::default()));
    let default = default_of(field);
    // A zero that the file states is, for Go, the same as an unset field; only what is always printed shows it.
    let value = value.or(filled.as_ref()).or(if field.print == Print::IfSet { None } else { default.as_ref() });
    let pad = " ".repeat(indent);
    let key = field.key;
    match (value, &field.kind) {
        (None, kind) if field.print == Print::Always => {
            let _ = writeln!(out, "{pad}{key}: {}", zero_text(kind));
        }
        (None, _) if field.print == Print::OrNull => {
            let _ = writeln!(out, "{pad}{key}: null");
        }
        (None, _) => {}
        (Some(node), Kind::Section(section)) => {
            let mut inner = String::new();
            let written = write_section(&mut inner, node, section, indent + 2);
            // A client's TLS settings that say nothing are none.
            let is_zero = section.name == "tls_config" && field.print == Print::NonZero && inner.trim() == "insecure_skip_verify: false";
            if is_zero {
            } else if written {
                let _ = write!(out, "{pad}{key}:\n{inner}");
            } else if matches!(field.print, Print::Always | Print::IfSet) {
                let _ = writeln!(out, "{pad}{key}: {{}}");
            }
        }
        (Some(node), Kind::List(item)) if field.print == Print::Flow && !node.items().is_empty() => {
            let texts: Vec<String> = node.items().iter().map(|value| in_flow(scalar_text(value, item))).collect();
            let _ = writeln!(out, "{pad}{key}: [{}]", texts.join(", "));
        }
        (Some(node), Kind::List(item)) if !node.items().is_empty() => {
            let _ = writeln!(out, "{pad}{key}:");
            write_items(out, node.items(), item, indent);
        }
        (Some(node), Kind::Map(value)) if !node.entries().is_empty() => {
            let _ = writeln!(out, "{pad}{key}:");
            write_map(out, node, value, indent + 2);
        }
        (Some(_), Kind::List(_)) if field.print == Print::Always => {
            let _ = writeln!(out, "{pad}{key}: []");
        }
        (Some(_), Kind::Map(_)) if field.print == Print::Always => {
            let _ = writeln!(out, "{pad}{key}: {{}}");
        }
        (Some(_), Kind::List(_) | Kind::Map(_)) => {}
        (Some(node), Kind::Any) => {
            let _ = write!(out, "{pad}{key}:");
            write_any(out, node, indent);
        }
        (Some(node), Kind::Regex) if node.as_text() == Some("") => {
            // Go's printer has no word for an empty pattern.
            let _ = writeln!(out, "{pad}{key}: null");
        }
        (Some(node), kind) => {
            if field.print != Print::NonZero || !is_zero(node, kind) {
                let _ = write!(out, "{pad}{key}: ");
                write_scalar(out, &scalar_text(node, kind), node, indent);
            }
        }
    }
}

fn write_items(out: &mut String, items: &[Node], kind: &'static Kind, indent: usize) {
    let pad = " ".repeat(indent);
    for item in items {
        let mut inner = String::new();
        match kind {
            Kind::Section(section) => {
                write_section(&mut inner, item, section, indent + 2);
            }
            Kind::Map(value) => write_map(&mut inner, item, value, indent + 2),
            Kind::List(value) => write_items(&mut inner, item.items(), value, indent + 2),
            Kind::Any => write_any(&mut inner, item, indent),
            _ => {
                let _ = write!(out, "{pad}- ");
                write_scalar(out, &scalar_text(item, kind), item, indent);
                continue;
            }
        }
        let _ = match inner.trim_start() {
            "" => writeln!(out, "{pad}- {{}}"),
            first => write!(out, "{pad}- {first}"),
        };
    }
}

/// Keys in the order of their text.
fn write_map(out: &mut String, node: &Node, kind: &'static Kind, indent: usize) {
    let pad = " ".repeat(indent);
    let mut entries: Vec<_> = node.entries().iter().collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    for entry in entries {
        let key = text_of(&entry.key);
        match kind {
            Kind::List(item) if entry.value.items().is_empty() => {
                let _ = (item, writeln!(out, "{pad}{key}: []"));
            }
            Kind::List(item) => {
                let _ = writeln!(out, "{pad}{key}:");
                write_items(out, entry.value.items(), item, indent);
            }
            Kind::Section(section) => {
                let mut inner = String::new();
                let _ = if write_section(&mut inner, &entry.value, section, indent + 2) {
                    write!(out, "{pad}{key}:\n{inner}")
                } else {
                    writeln!(out, "{pad}{key}: {{}}")
                };
            }
            Kind::Any | Kind::Map(_) => {
                let _ = write!(out, "{pad}{key}:");
                write_any(out, &entry.value, indent);
            }
            _ => {
                let _ = write!(out, "{pad}{key}: ");
                write_scalar(out, &scalar_text(&entry.value, kind), &entry.value, indent);
            }
        }
    }
}

/// The value of a key or dash, of whatever shape; begins with a space or a new line.
fn write_any(out: &mut String, node: &Node, indent: usize) {
    let pad = " ".repeat(indent);
    match &node.value {
        Value::Scalar { .. } => {
            out.push(' ');
            let text = if node.is_null() { "null".to_owned() } else { any_text(node) };
            write_scalar(out, &text, node, indent);
        }
        Value::List(items) if items.is_empty() => out.push_str(" []\n"),
        Value::Map(entries) if entries.is_empty() => out.push_str(" {}\n"),
        Value::List(items) => {
            out.push('\n');
            for item in items {
                let mut inner = String::new();
                write_any(&mut inner, item, indent + 2);
                let _ = write!(out, "{pad}- {}", inner.trim_start());
            }
        }
        Value::Map(entries) => {
            out.push('\n');
            for entry in entries {
                let _ = write!(out, "{pad}  {}:", text_of(&entry.key));
                write_any(out, &entry.value, indent + 2);
            }
        }
    }
}

fn any_text(node: &Node) -> String {
    match &node.value {
        Value::Scalar { text, style: super::node::Style::Plain } => text.clone(),
        Value::Scalar { text, .. } => text_of(text),
        _ => String::new(),
    }
}

/// A scalar's end of line; texts of several lines become a block.
fn write_scalar(out: &mut String, text: &str, node: &Node, indent: usize) {
    match node.as_text() {
        Some(raw) if raw.contains('\n') && text == text_of(raw) && is_blockable(raw) => {
            let body = raw.trim_end_matches('\n');
            let chomp = match raw.len() - body.len() {
                0 => "-",
                1 => "",
                _ => "+",
            };
            let hint = if raw.starts_with([' ', '\n']) { "2" } else { "" };
            let _ = writeln!(out, "|{hint}{chomp}");
            let pad = " ".repeat(indent + 2);
            for line in raw.strip_suffix('\n').unwrap_or(raw).split('\n') {
                let _ = if line.is_empty() { writeln!(out) } else { writeln!(out, "{pad}{line}") };
            }
        }
        _ => {
            let _ = writeln!(out, "{text}");
        }
    }
}

fn is_blockable(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))
}

/// What Go's YAML writer leaves as it is: nothing beyond the basic plane, so no emoji.
fn is_printable(c: char) -> bool {
    !c.is_control() && c <= '\u{fffd}' && c != '\u{feff}'
}

fn zero_text(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "false",
        Kind::Int | Kind::Count | Kind::Float => "0",
        Kind::Duration | Kind::GoDuration => "0s",
        Kind::List(_) => "[]",
        Kind::Map(_) | Kind::Section(_) => "{}",
        _ => "\"\"",
    }
}

fn is_zero(node: &Node, kind: &Kind) -> bool {
    match kind {
        Kind::Bool => scalar::boolean(node) == Some(false),
        Kind::Int | Kind::Count => scalar::integer(node) == Some(0),
        Kind::Float => scalar::float(node) == Some(0.0),
        Kind::Duration => node.as_text().is_some_and(|text| DurationMs::parse(text) == Ok(DurationMs::ZERO)),
        Kind::GoDuration => node.as_text().is_some_and(|text| scalar::go_duration(text) == Ok(DurationMs::ZERO)),
        Kind::Bytes => node.as_text().is_some_and(|text| scalar::bytes(text) == Ok(0)),
        _ => node.as_text().is_none_or(str::is_empty),
    }
}

fn scalar_text(node: &Node, kind: &Kind) -> String {
    let text = node.as_text().unwrap_or("");
    match kind {
        Kind::Secret | Kind::SecretUrl => HIDDEN.to_owned(),
        Kind::Bool => scalar::boolean(node).unwrap_or(false).to_string(),
        Kind::Int | Kind::Count => scalar::integer(node).unwrap_or(0).to_string(),
        Kind::Float => crate::model::number::format_general(scalar::float(node).unwrap_or(0.0)),
        Kind::Duration => DurationMs::parse(text).map_or_else(|_| text_of(text), |duration| duration.to_string()),
        Kind::GoDuration => scalar::go_duration(text).map_or_else(|_| text_of(text), scalar::format_go_duration),
        Kind::Bytes => scalar::bytes(text).map_or_else(|_| text_of(text), scalar::format_bytes),
        Kind::Link | Kind::Url => text_of(&address::normal(&without_password(text))),
        Kind::Word(words) => text_of(words.words.iter().find(|word| word.eq_ignore_ascii_case(text)).unwrap_or(&text)),
        Kind::Any => any_text(node),
        _ => text_of(text),
    }
}

/// An address with the password of its `user:password@` part replaced by `xxxxx`.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    match authority.rfind('@').and_then(|at| authority[..at].find(':').map(|colon| (colon, at))) {
        Some((colon, at)) => format!("{scheme}://{}:xxxxx{}", &rest[..colon], &rest[at..]),
        None => url.to_owned(),
    }
}

/// In a list on one line some more characters need quotes.
fn in_flow(text: String) -> String {
    let quoted = text.starts_with(['\'', '"']);
    if !quoted && text.contains([',', '?', '[', ']', '{', '}', ':']) { format!("'{}'", text.replace('\'', "''")) } else { text }
}

/// A text as a YAML scalar: plain where it can be, else quoted.
pub fn text_of(text: &str) -> String {
    if scalar::is_special(text) || text.chars().any(|c| !is_printable(c)) {
        return double_quoted(text);
    }
    let indicators = ",[]{}#&*!|>'\"%@`";
    let bad_start = text.starts_with(|c: char| indicators.contains(c))
        || (text.starts_with(['-', '?', ':']) && text[1..].chars().next().is_none_or(char::is_whitespace))
        || text.starts_with("---")
        || text.starts_with("...");
    let bad_inside = text.contains(": ") || text.contains(" #") || text.ends_with(':') || text.trim() != text;
    if bad_start || bad_inside { format!("'{}'", text.replace('\'', "''")) } else { text.to_owned() }
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        let _ = match c {
            '"' => write!(out, "\\\""),
            '\\' => write!(out, "\\\\"),
            '\n' => write!(out, "\\n"),
            '\t' => write!(out, "\\t"),
            '\r' => write!(out, "\\r"),
            '\0' => write!(out, "\\0"),
            '\u{7}' => write!(out, "\\a"),
            '\u{8}' => write!(out, "\\b"),
            '\u{b}' => write!(out, "\\v"),
            '\u{c}' => write!(out, "\\f"),
            '\u{1b}' => write!(out, "\\e"),
            '\u{85}' => write!(out, "\\N"),
            '\u{feff}' => write!(out, "\\uFEFF"),
            c if c as u32 >= 0xffff => write!(out, "\\U{:08X}", c as u32),
            c if (c as u32) < 0x100 && c.is_control() => write!(out, "\\x{:02x}", c as u32),
            c => write!(out, "{c}"),
        };
    }
    out.push('"');
    out
}
