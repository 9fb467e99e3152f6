//! What `explain=true` adds to an answer: the tree with its figures, and where and why the answer became empty.

use super::json::{self, Object, list};
use crate::promql::Explanation;
use crate::promql::explain::{Emptiness, Node};

/// The value of the field `explain`.
pub fn write(out: &mut Vec<u8>, explanation: &Explanation) {
    let mut object = Object::open(out);
    node(object.key("tree"), &explanation.tree);
    match &explanation.empty {
        Some(found) => self::empty(object.key("empty"), found),
        None => {
            object.raw("empty", "null");
        }
    }
    object.list("hints", &explanation.hints, |out, hint| json::text(out, hint));
    object.close();
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn node(out: &mut Vec<u8>, node: &Node) {
    let mut object = Object::open(out);
    object
        .text("expr", &node.expr)
        .integer("start", number(node.span.start as u64))
        .integer("end", number(node.span.end as u64))
        .text("type", node.kind)
        .integer("seriesIn", number(node.series_in))
        .integer("seriesOut", number(node.series_out))
        .integer("points", number(node.points))
        .integer("samples", number(node.samples))
        .float("seconds", node.took.as_secs_f64());
    list(object.key("parts"), &node.parts, self::node);
    object.close();
}

fn empty(out: &mut Vec<u8>, found: &Emptiness) {
    let mut object = Object::open(out);
    object
        .text("expr", &found.expr)
        .integer("start", number(found.span.start as u64))
        .integer("end", number(found.span.end as u64))
        .text("reason", found.reason.as_str())
        .text("text", &found.text);
    list(object.key("also"), &found.also, self::empty);
    object.close();
}
