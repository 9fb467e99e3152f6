//! Holds a tree against its table: unknown and missing keys, wrong types, values that do not read. Everything is told, not only the first.

use crate::model::number::quote;
use crate::model::regex::AnchoredRegex;
use crate::model::{DurationMs, Span};

use super::node::{Node, Value};
use super::shape::ANY_KEY;
use super::shape::{Field, Kind, Section, Words};
use super::{Problems, address, scalar, suggest};

/// Sections of which a null in a list is no item, as Go's YAML readers drop it; in the other lists it is an error.
const NULL_IS_NONE: [&str; 8] = ["rule group", "rule", "inhibit rule", "field", "action", "image", "link", "time interval section"];

/// Checks a mapping against its section, and everything below.
pub fn check(node: &Node, section: &'static Section, problems: &mut Problems<'_>) {
    let Value::Map(entries) = &node.value else {
        problems.error(node.span, format!("expected {} as a mapping of keys to values, found {}", article(section.name), found(node)));
        return;
    };
    for entry in entries {
        let Some(field) = section.field(&entry.key) else {
            if section.field(ANY_KEY).is_none() && !problems.ignores_unknown_keys {
                unknown_key(&entry.key, entry.key_span, section, problems);
            }
            continue;
        };
        if entry.value.is_null() {
            continue;
        }
        if field.idle {
            problems.note(
                entry.key_span,
                &format!("{}/{}", section.name, field.key),
                format!("\"{}\" is known but not acted on by this version", field.key),
            );
            problems.without_notes(|problems| check_kind(&entry.value, field.key, &field.kind, problems));
        } else {
            check_kind(&entry.value, field.key, &field.kind, problems);
        }
    }
    for field in section.all_fields().filter(|field| field.required) {
        if node.get(field.key).is_none() {
            problems.error(node.span, format!("{} needs \"{}\"", article(section.name), field.key));
        }
    }
}

fn unknown_key(key: &str, at: Span, section: &'static Section, problems: &mut Problems<'_>) {
    let shown = if key.chars().count() > 80 { format!("{}...", key.chars().take(80).collect::<String>()) } else { key.to_owned() };
    if problems.is_full() {
        problems.error(at, "");
        return;
    }
    let suggestion = match suggest::nearest(key, section.all_fields().map(|field| field.key)) {
        Some(nearest) => Some(format!("did you mean \"{nearest}\"?")),
        None => few_keys(section).map(|keys| format!("known here: {keys}")),
    };
    problems.error_with(at, format!("field {shown} not found in {}", section.name), suggestion);
}

/// A section's keys, where they are few enough to help.
fn few_keys(section: &'static Section) -> Option<String> {
    let keys: Vec<&str> = section.all_fields().map(|field| field.key).collect();
    (keys.len() <= 16).then(|| keys.join(", "))
}

fn check_kind(node: &Node, key: &str, kind: &'static Kind, problems: &mut Problems<'_>) {
    match kind {
        Kind::Any => {}
        Kind::Section(section) => check(node, section, problems),
        Kind::List(item) => check_list(node, key, item, problems),
        Kind::Map(value) => match &node.value {
            Value::Map(entries) => {
                entries
                    .iter()
                    .filter(|entry| !entry.value.is_null())
                    .for_each(|entry| check_kind(&entry.value, &entry.key, value, problems));
            }
            _ => problems.error(node.span, format!("{}: expected a mapping of keys to values, found {}", quote(key), found(node))),
        },
        _ => check_scalar(node, key, kind, problems),
    }
}

fn check_list(node: &Node, key: &str, item: &'static Kind, problems: &mut Problems<'_>) {
    let Value::List(items) = &node.value else {
        let suggestion = node.as_text().map(|text| format!("write {key}: [{text}]"));
        problems.error_with(node.span, format!("{}: expected a list, found {}", quote(key), found(node)), suggestion);
        return;
    };
    for value in items {
        match item {
            Kind::Section(section) if value.is_null() && NULL_IS_NONE.contains(&section.name) => {
                problems.note(value.span, &format!("null/{}", value.span.start), format!("an empty {} counts for nothing", section.name));
            }
            Kind::Section(section) if value.is_null() && section.name == "time interval" => {}
            Kind::Section(section) if value.is_null() => problems.error(value.span, format!("empty or null {}", section.name)),
            _ if value.is_null() => {}
            _ => check_kind(value, key, item, problems),
        }
    }
}

fn check_scalar(node: &Node, key: &str, kind: &'static Kind, problems: &mut Problems<'_>) {
    let Some(text) = node.as_text() else {
        if !node.is_null() {
            problems.error(node.span, format!("{}: expected {}, found {}", quote(key), kind_name(kind), found(node)));
        }
        return;
    };
    let wrong = |suggestion: Option<String>, problems: &mut Problems<'_>| {
        problems.error_with(node.span, format!("{}: expected {}, found {}", quote(key), kind_name(kind), quote(text)), suggestion);
    };
    match kind {
        Kind::Bool if scalar::boolean(node).is_none() => wrong(Some("write true or false, without quotes".to_owned()), problems),
        Kind::Int if scalar::integer(node).is_none() => wrong(None, problems),
        Kind::Count if scalar::integer(node).is_none_or(|number| number < 0) => wrong(None, problems),
        Kind::Float if scalar::float(node).is_none() => wrong(None, problems),
        Kind::Duration => {
            if let Err(error) = DurationMs::parse(text) {
                problems.error_with(node.span, error, Some(prometheus_duration_help(text)));
            }
        }
        Kind::GoDuration => {
            if let Err(error) = scalar::go_duration(text) {
                problems.error_with(
                    node.span,
                    error,
                    Some("here a duration is written as in Go: 90s, 1m30s, 1.5h; there are no days".to_owned()),
                );
            }
        }
        Kind::Bytes => {
            if let Err(error) = scalar::bytes(text) {
                problems.error_with(node.span, error, Some("write a number with a unit: 512KB, 10MB, 1GB".to_owned()));
            }
        }
        Kind::Regex => {
            if let Err(error) = AnchoredRegex::new(text) {
                problems.error(node.span, error);
            }
        }
        Kind::Link => {
            if let Some(problem) = address::problem(text) {
                problems.error(node.span, problem);
            }
        }
        // What a printed secret looks like is let through where the address is one.
        Kind::SecretUrl if text == "<secret>" => {}
        Kind::Url | Kind::SecretUrl if address::web_problem(text).is_some() => {
            wrong(Some("an address begins with http:// or https:// and names a host".to_owned()), problems);
        }
        Kind::Word(words) => check_word(node.span, text, words, problems),
        _ => {}
    }
}

fn check_word(at: Span, text: &str, words: &'static Words, problems: &mut Problems<'_>) {
    let known = words.words.iter().any(|word| if words.any_case { word.eq_ignore_ascii_case(text) } else { *word == text });
    if !known {
        let nearest = suggest::nearest(text, words.words.iter().copied());
        let suggestion = match nearest {
            Some(nearest) => format!("did you mean \"{nearest}\"?"),
            None => format!("one of {}", words.words.join(", ")),
        };
        problems.error_with(at, format!("unknown {} {}", words.name, quote(text)), Some(suggestion));
    }
}

/// What to write instead of a text that is no duration.
pub fn prometheus_duration_help(text: &str) -> String {
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    if !number.is_empty() && number == text {
        return format!("add a unit: {text}s, {text}m or {text}h");
    }
    if let Ok(duration) = scalar::go_duration(text)
        && duration.0 >= 0
    {
        return format!("write {duration}");
    }
    "write whole numbers with units, the largest first: 15s, 1h30m, 2d (units: ms s m h d w y)".to_owned()
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "true or false",
        Kind::Int => "a whole number",
        Kind::Count => "a whole number that is not negative",
        Kind::Float => "a number",
        Kind::Duration | Kind::GoDuration => "a duration",
        Kind::Bytes => "a size in bytes",
        Kind::Regex => "a regular expression",
        Kind::Url | Kind::SecretUrl => "an address",
        _ => "a text",
    }
}

fn found(node: &Node) -> String {
    match &node.value {
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a mapping".to_owned(),
        Value::Scalar { .. } if node.is_null() => "nothing".to_owned(),
        Value::Scalar { text, .. } => {
            let short: String = text.chars().take(60).collect();
            quote(&short)
        }
    }
}

fn article(name: &str) -> String {
    let an = name.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {name}", if an { "an" } else { "a" })
}

/// What a field holds where the file says nothing.
pub fn default_of(field: &Field) -> Option<Node> {
    field.default.map(|text| Node::plain(text, Span::default()))
}
