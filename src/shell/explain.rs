//! The server's explanation of a query, as lines of text.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Story {
    tree: Part,
    empty: Option<Empty>,
    #[serde(default)]
    hints: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Part {
    expr: String,
    series_out: u64,
    points: u64,
    samples: u64,
    seconds: f64,
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Empty {
    expr: String,
    text: String,
    #[serde(default)]
    also: Vec<Empty>,
}

/// Longest expression that a line of the tree shows, in characters.
const EXPR_CHARS_MAX: usize = 60;

impl Story {
    /// The tree, a line a part; then where it became empty and why; then hints. Without times, for those who compare.
    pub fn lines(&self, with_times: bool) -> Vec<String> {
        let mut lines = Vec::new();
        part(&self.tree, 0, with_times, &mut lines);
        if let Some(empty) = &self.empty {
            for (word, place) in std::iter::once(("", empty)).chain(empty.also.iter().map(|place| ("also ", place))) {
                lines.push(format!("{word}empty from here on: {}", place.expr));
                lines.push(format!("  {}", place.text));
            }
        }
        lines.extend(self.hints.iter().map(|hint| format!("hint: {hint}")));
        lines
    }
}

fn part(node: &Part, level: usize, with_times: bool, lines: &mut Vec<String>) {
    let mut expr: String = node.expr.chars().take(EXPR_CHARS_MAX).collect();
    if expr.len() < node.expr.len() {
        expr.push_str("...");
    }
    let time = if with_times { format!(", {:.1} ms", node.seconds * 1000.0) } else { String::new() };
    let plain = |count: u64, what: &str| format!("{count} {what}");
    lines.push(format!(
        "{}{expr}: {}, {}, {}{time}",
        "  ".repeat(level),
        plain(node.series_out, "series"),
        plain(node.points, "points"),
        plain(node.samples, "samples"),
    ));
    for inner in &node.parts {
        part(inner, level + 1, with_times, lines);
    }
}
