//! Parser events to a tree, within bounds: aliases are copied in, merge keys worked in, duplicate keys named.

use std::collections::HashMap;

use base64::Engine;
use granit_parser::{Event, Parser, ScalarStyle, Span as EventSpan, Tag};

use crate::model::Span;

use super::node::{Entry, Node, Style, Value};
use super::{Problems, Source, scalar};

/// Deepest nesting, aliases included.
pub const DEPTH_MAX: usize = 64;
/// Most nodes of a document, with each alias and each anchor counted as large as what it stands for.
pub const NODES_MAX: usize = 1_000_000;

/// A finished node with what it adds to the bounds.
#[derive(Clone)]
struct Built {
    node: Node,
    nodes: usize,
    depth: usize,
}

/// A list or mapping whose end has not come yet.
struct Open {
    span: Span,
    anchor: usize,
    is_map: bool,
    children: Vec<Node>,
    nodes: usize,
    depth: usize,
}

struct Builder<'p, 's> {
    problems: &'p mut Problems<'s>,
    open: Vec<Open>,
    anchors: HashMap<usize, Built>,
    nodes: usize,
    root: Option<Node>,
}

/// The first document of a file: none where it is empty or broken. Broken YAML and duplicate keys are told to `problems`.
pub fn parse(source: &Source, problems: &mut Problems<'_>) -> Option<Node> {
    documents(source, problems, 1).ok()?.pop()
}

/// Every document of a file that holds something, up to a broken one.
pub fn parse_all(source: &Source, problems: &mut Problems<'_>) -> Vec<Node> {
    let mut found = documents(source, problems, usize::MAX).unwrap_or_else(|before| before);
    found.retain(|document| !document.is_null());
    found
}

/// The first `most` documents; the error holds those before the broken one.
fn documents(source: &Source, problems: &mut Problems<'_>, most: usize) -> Result<Vec<Node>, Vec<Node>> {
    let options = granit_parser::options! {
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX * 2,
    };
    let mut found = Vec::new();
    let mut builder = Builder { problems, open: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None };
    for event in Parser::new_from_str_with_options(&source.text, options) {
        let result = match event {
            Ok((Event::StreamEnd, _)) => break,
            Ok((Event::DocumentEnd, _)) => {
                found.extend(builder.root.take());
                if found.len() >= most {
                    break;
                }
                Ok(())
            }
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(source.text.len());
                Err((Span::new(at, at), format!("not valid YAML: {}", error.info())))
            }
        };
        if let Err((at, message)) = result {
            builder.problems.error(at, message);
            return Err(found);
        }
    }
    Ok(found)
}

impl Builder<'_, '_> {
    fn take(&mut self, event: Event<'_>, span: EventSpan) -> Result<(), (Span, String)> {
        let span = span.byte_range().map_or_else(Span::default, |range| Span::new(range.start, range.end));
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, span)?;
                let mut text = text.into_owned();
                if tag.as_deref().is_some_and(|tag| tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() == Some("binary")) {
                    text = self.binary(&text, span);
                }
                let value = Value::Scalar { text, style: style_of(style, tag.as_deref()) };
                let node = Node { span, value };
                if let Some(message) = tag.as_deref().and_then(|tag| tag_problem(&node, tag)) {
                    self.problems.error(span, message);
                }
                self.add(Built { node, nodes: 1, depth: 0 }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.start(span, anchor, false),
            Event::MappingStart(_, anchor, _) => self.start(span, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(built) => {
                    // The copy keeps the places of the original: that is where the text stands.
                    let copy = built.clone();
                    self.count(copy.nodes, span)?;
                    self.add(copy, 0)
                }
                None => Err((span, "an alias may not stand inside what its own anchor names".to_owned())),
            },
            _ => Ok(()),
        }
    }

    /// What `!!binary` stands for, which must be text.
    fn binary(&mut self, text: &str, at: Span) -> String {
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let message = match base64::engine::general_purpose::STANDARD.decode(compact) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => return text,
                Err(_) => "!!binary value is not valid UTF-8",
            },
            Err(_) => "!!binary value contains invalid base64 data",
        };
        self.problems.error(at, message);
        String::new()
    }

    fn count(&mut self, nodes: usize, at: Span) -> Result<(), (Span, String)> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            return Err((at, format!("more than the limit of {NODES_MAX} values, aliases expanded")));
        }
        Ok(())
    }

    fn start(&mut self, span: Span, anchor: usize, is_map: bool) -> Result<(), (Span, String)> {
        if self.open.len() >= DEPTH_MAX {
            return Err((span, format!("nested deeper than the limit of {DEPTH_MAX} levels")));
        }
        self.count(1, span)?;
        self.open.push(Open { span, anchor, is_map, children: Vec::new(), nodes: 1, depth: 0 });
        Ok(())
    }

    fn end(&mut self) -> Result<(), (Span, String)> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = if open.is_map { Value::Map(self.entries(open.children)) } else { Value::List(open.children) };
        self.add(Built { node: Node { span: open.span, value }, nodes: open.nodes, depth: open.depth + 1 }, open.anchor)
    }

    fn add(&mut self, built: Built, anchor: usize) -> Result<(), (Span, String)> {
        if self.open.len() + built.depth > DEPTH_MAX {
            return Err((built.node.span, format!("nested deeper than the limit of {DEPTH_MAX} levels")));
        }
        if anchor != 0 {
            // What an anchor names is kept a second time.
            self.count(built.nodes, built.node.span)?;
            self.anchors.insert(anchor, built.clone());
        }
        match self.open.last_mut() {
            Some(parent) => {
                parent.nodes += built.nodes;
                parent.depth = parent.depth.max(built.depth);
                parent.children.push(built.node);
            }
            None => self.root = Some(built.node),
        }
        Ok(())
    }

    /// Keys and values in turn become entries; `<<` brings in the entries that are not there already.
    fn entries(&mut self, children: Vec<Node>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::with_capacity(children.len() / 2);
        let mut known: HashMap<String, Span> = HashMap::new();
        let mut merged = Vec::new();
        let mut children = children.into_iter();
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            let (key_span, key) = match key.value {
                Value::Scalar { text, style: Style::Plain } if text == "<<" => {
                    merged.push(value);
                    continue;
                }
                Value::Scalar { text, .. } => (key.span, text),
                _ => {
                    self.problems.error(key.span, "a key must be a text, not a list or mapping");
                    continue;
                }
            };
            if let Some(first) = known.get(&key) {
                let line = self.problems.source.line_column(first.start).0;
                self.problems.error_with(
                    key_span,
                    format!("mapping key \"{key}\" already defined at line {line}"),
                    Some(format!("keep one of the two, or join them under the \"{key}:\" of line {line}")),
                );
                continue;
            }
            known.insert(key.clone(), key_span);
            entries.push(Entry { key, key_span, value });
        }
        for value in merged {
            self.merge(value, &mut entries, &mut known);
        }
        entries
    }

    fn merge(&mut self, value: Node, entries: &mut Vec<Entry>, known: &mut HashMap<String, Span>) {
        let sources = match value.value {
            Value::Map(_) => vec![value],
            Value::List(items) => items,
            Value::Scalar { .. } => {
                self.problems.error(value.span, "map merge requires map or sequence of maps as the value");
                return;
            }
        };
        for source in sources {
            let Value::Map(more) = source.value else {
                self.problems.error(source.span, "map merge requires map or sequence of maps as the value");
                continue;
            };
            for entry in more {
                if !known.contains_key(&entry.key) {
                    known.insert(entry.key.clone(), entry.key_span);
                    entries.push(entry);
                }
            }
        }
    }
}

/// Tags that give a scalar a meaning whatever its quotes.
const TYPES: [&str; 4] = ["bool", "float", "int", "null"];

/// A tag that its text does not bear out.
fn tag_problem(node: &Node, tag: &Tag) -> Option<String> {
    let kind = TYPES.into_iter().find(|kind| tag.is_yaml_core_schema_tag(kind))?;
    let Value::Scalar { text, .. } = &node.value else { return None };
    let fits = match kind {
        "bool" => scalar::boolean(node).is_some(),
        "float" => scalar::float(node).is_some(),
        "int" => scalar::integer(node).is_some(),
        _ => node.is_null(),
    };
    (!fits).then(|| format!("cannot decode !!str `{text}` as a !!{kind}"))
}

fn style_of(style: ScalarStyle, tag: Option<&Tag>) -> Style {
    match style {
        _ if tag.is_some_and(|tag| TYPES.iter().any(|kind| tag.is_yaml_core_schema_tag(kind))) => Style::Plain,
        ScalarStyle::Plain if tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str")) => Style::Double,
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
    }
}
