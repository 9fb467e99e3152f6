//! `parse_query`: the tree of an expression as JSON, field by field as Prometheus's pages read it. Keys are in order of the alphabet.

use super::json::{self, Object, list};
use crate::model::number::format_fixed;
use crate::model::{DurationMs, MatchOp, Matcher};
use crate::promql::ast::{Aggregate, At, Binary, Call, Cardinality, Length, Matching, Modifiers, Selector, Subquery};
use crate::promql::{Expr, ExprKind};

/// Writes one node and all below it.
pub fn write(out: &mut Vec<u8>, expr: &Expr) {
    match &expr.kind {
        ExprKind::Invariant(inner) => write(out, inner),
        ExprKind::Number(number) => leaf(out, "numberLiteral", &format_fixed(number.value)),
        ExprKind::Text(text) => leaf(out, "stringLiteral", &String::from_utf8_lossy(&text.bytes)),
        ExprKind::Paren(inner) => {
            let mut object = Object::open(out);
            write(object.key("expr"), inner);
            object.text("type", "parenExpr");
            object.close();
        }
        ExprKind::Unary(unary) => {
            let mut object = Object::open(out);
            write(object.key("expr"), &unary.expr);
            object.text("op", if unary.negative { "-" } else { "+" }).text("type", "unaryExpr");
            object.close();
        }
        ExprKind::Selector(vector) => selector(out, vector, None),
        ExprKind::Range(range) => selector(out, &range.selector, Some(range.range.fixed())),
        ExprKind::Subquery(inner) => subquery(out, inner),
        ExprKind::Aggregate(inner) => aggregate(out, inner),
        ExprKind::Binary(inner) => binary(out, inner),
        ExprKind::Call(inner) => call(out, inner),
    }
}

fn leaf(out: &mut Vec<u8>, kind: &str, value: &str) {
    let mut object = Object::open(out);
    object.text("type", kind).text("val", value);
    object.close();
}

fn selector(out: &mut Vec<u8>, vector: &Selector, range: Option<DurationMs>) {
    let mut object = Object::open(out);
    object
        .flag("anchored", vector.anchored)
        .list("matchers", &vector.matchers, matcher)
        .text("name", vector.name.as_deref().unwrap_or(""))
        .integer("offset", vector.modifiers.offset.fixed().0);
    if let Some(range) = range {
        object.integer("range", range.0);
    }
    object.flag("smoothed", vector.smoothed);
    moment(&mut object, &vector.modifiers);
    object.text("type", if range.is_some() { "matrixSelector" } else { "vectorSelector" });
    object.close();
}

/// `@`: a time in milliseconds, or the word.
fn moment(object: &mut Object<'_>, modifiers: &Modifiers) {
    let (word, time) = match modifiers.at {
        None => (None, None),
        Some(At::Start) => (Some("start"), None),
        Some(At::End) => (Some("end"), None),
        Some(At::Time(at)) => (None, Some(at)),
    };
    match word {
        Some(word) => object.text("startOrEnd", word),
        None => object.raw("startOrEnd", "null"),
    };
    match time {
        Some(at) => object.integer("timestamp", at.0),
        None => object.raw("timestamp", "null"),
    };
}

fn matcher(out: &mut Vec<u8>, matcher: &Matcher) {
    let kind = match matcher.op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Regex => "=~",
        MatchOp::NotRegex => "!~",
    };
    let mut object = Object::open(out);
    object.text("name", &matcher.name).text("type", kind).text("value", &matcher.value);
    object.close();
}

fn subquery(out: &mut Vec<u8>, subquery: &Subquery) {
    let mut object = Object::open(out);
    write(object.key("expr"), &subquery.expr);
    object.integer("offset", subquery.modifiers.offset.fixed().0).integer("range", subquery.range.fixed().0);
    let step = subquery.step.as_ref().map_or(DurationMs::ZERO, Length::fixed);
    // The word comes before the step, the time after it.
    match subquery.modifiers.at {
        Some(At::Start) => object.text("startOrEnd", "start"),
        Some(At::End) => object.text("startOrEnd", "end"),
        _ => object.raw("startOrEnd", "null"),
    };
    object.integer("step", step.0);
    match subquery.modifiers.at {
        Some(At::Time(at)) => object.integer("timestamp", at.0),
        _ => object.raw("timestamp", "null"),
    };
    object.text("type", "subquery");
    object.close();
}

fn aggregate(out: &mut Vec<u8>, aggregate: &Aggregate) {
    let mut object = Object::open(out);
    write(object.key("expr"), &aggregate.expr);
    object.list("grouping", &aggregate.grouping, |out, label| json::text(out, label)).text("op", aggregate.op.as_str());
    match &aggregate.parameter {
        Some(parameter) => write(object.key("param"), parameter),
        None => {
            object.raw("param", "null");
        }
    }
    object.text("type", "aggregation").flag("without", aggregate.without);
    object.close();
}

fn binary(out: &mut Vec<u8>, binary: &Binary) {
    let mut object = Object::open(out);
    object.flag("bool", binary.returns_bool);
    write(object.key("lhs"), &binary.left);
    match &binary.matching {
        Some(inner) => matching(object.key("matching"), inner),
        None => {
            object.raw("matching", "null");
        }
    }
    object.text("op", binary.op.as_str());
    write(object.key("rhs"), &binary.right);
    object.text("type", "binaryExpr");
    object.close();
}

fn matching(out: &mut Vec<u8>, matching: &Matching) {
    let card = match matching.cardinality {
        Cardinality::OneToOne => "one-to-one",
        Cardinality::ManyToOne => "many-to-one",
        Cardinality::OneToMany => "one-to-many",
        Cardinality::ManyToMany => "many-to-many",
    };
    let mut object = Object::open(out);
    object.text("card", card);
    let mut fills = Object::open(object.key("fillValues"));
    for (side, value) in [("lhs", matching.fill_left), ("rhs", matching.fill_right)] {
        match value {
            Some(value) => fills.float(side, value),
            None => fills.raw(side, "null"),
        };
    }
    fills.close();
    object
        .list("include", &matching.include, |out, label| json::text(out, label))
        .list("labels", &matching.labels, |out, label| json::text(out, label))
        .flag("on", matching.on);
    object.close();
}

fn call(out: &mut Vec<u8>, call: &Call) {
    let mut object = Object::open(out);
    list(object.key("args"), &call.args, write);
    let function = call.function;
    let mut inner = Object::open(object.key("func"));
    inner
        .list("argTypes", function.args, |out, kind| json::text(out, kind.as_str()))
        .text("name", function.name)
        .text("returnType", function.returns.as_str())
        .integer("variadic", i64::from(function.variadic));
    inner.close();
    object.text("type", "call");
    object.close();
}
