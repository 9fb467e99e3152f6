//! What messages ask of the query engine: what a rule's expression compares its value with, and the course of that value.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::alerts::notification::Threshold;
use crate::model::{DurationMs, METRIC_NAME};
use crate::notify::Evidence;
use crate::notify::evidence::{Line, Window};
use crate::promql::token::Operator;
use crate::promql::{self, Asked, Engine, Expr, ExprKind, Features, QueryOptions, Value};
use crate::storage::Select;

/// A query for a chart may take this long.
const TIME_MAX: DurationMs = DurationMs(1_500);
/// More series than these are not looked through for the alerts' own.
const SERIES_MAX: usize = 20_000;

/// The engine as messages know it. Memory and time are those of any query, less of both.
pub fn evidence(engine: Arc<ArcSwap<Engine>>, select: Arc<dyn Select>, features: Features) -> Evidence {
    let threshold = move |text: &str| promql::parse(text, features).ok().and_then(|expr| compared(&expr).1);
    let course = move |window: &Window| {
        let expr = promql::parse(&window.expression, features).map_err(|_| "the expression cannot be read".to_owned())?;
        let (value, _) = compared(&expr);
        let engine = engine.load();
        let asked = Asked {
            query: promql::print(value),
            client: "notifications".to_owned(),
            start: window.start,
            end: window.end,
            step: Some(window.step),
        };
        let running = engine.active().begin(asked);
        running.has_turn();
        let options = QueryOptions { cancel: running.cancel(), usage: running.usage(), timeout: Some(TIME_MAX), ..QueryOptions::default() };
        let answer = engine.range(select.as_ref(), value, (window.start, window.end), window.step, &options);
        match answer.map_err(|error| error.to_string())?.value {
            Value::Matrix(series) if series.len() <= SERIES_MAX => {
                let line = |one: promql::MatrixSeries| Line { labels: one.labels.without(&[METRIC_NAME]), points: one.floats };
                Ok(series.into_iter().map(line).collect())
            }
            Value::Matrix(series) => Err(format!("{} series are more than the limit of {SERIES_MAX}", series.len())),
            other => Err(format!("a {} has no course", other.result_type())),
        }
    };
    Evidence { threshold: Arc::new(threshold), course: Arc::new(course) }
}

/// The part of an alert's expression that has its value, and what a comparison outside of it sets it against. Of `and` and `unless` it
/// is the left side that has the value.
fn compared(expr: &Expr) -> (&Expr, Option<Threshold>) {
    match &expr.kind {
        ExprKind::Paren(inner) => compared(inner),
        ExprKind::Binary(binary) if matches!(binary.op, Operator::And | Operator::Unless) => compared(&binary.left),
        ExprKind::Binary(binary) if !binary.returns_bool && is_comparison(binary.op) => {
            let against = |value: f64, operator: Operator| Some(Threshold { operator: operator.as_str(), value });
            match (number(&binary.left), number(&binary.right)) {
                (None, Some(value)) => (&binary.left, against(value, binary.op)),
                (Some(value), None) => (&binary.right, against(value, turned(binary.op))),
                // Two vectors: the left one has the value.
                (None, None) => (&binary.left, None),
                (Some(_), Some(_)) => (expr, None),
            }
        }
        _ => (expr, None),
    }
}

fn is_comparison(operator: Operator) -> bool {
    use Operator::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    matches!(operator, Equal | NotEqual | Greater | Less | GreaterEqual | LessEqual)
}

/// The same comparison read from the other side.
fn turned(operator: Operator) -> Operator {
    match operator {
        Operator::Greater => Operator::Less,
        Operator::Less => Operator::Greater,
        Operator::GreaterEqual => Operator::LessEqual,
        Operator::LessEqual => Operator::GreaterEqual,
        other => other,
    }
}

/// A number, or arithmetic of numbers.
fn number(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number(number) => Some(number.value),
        ExprKind::Paren(inner) => number(inner),
        ExprKind::Unary(unary) => number(&unary.expr).map(|value| if unary.negative { -value } else { value }),
        ExprKind::Binary(binary) => {
            let (left, right) = (number(&binary.left)?, number(&binary.right)?);
            match binary.op {
                Operator::Add => Some(left + right),
                Operator::Sub => Some(left - right),
                Operator::Mul => Some(left * right),
                Operator::Div => Some(left / right),
                Operator::Pow => Some(left.powf(right)),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::model::{Labels, TimestampMs};
    use crate::promql::EngineOptions;
    use crate::storage::memory::MemoryStore;
    use crate::storage::{Append, GroupKey, GroupSource, Row};
    use crate::telemetry::Registry;

    #[test]
    fn the_value_and_its_threshold_are_found() {
        let cases = [
            ("x > 5", "x", "> 5"),
            ("(rate(x[5m])) >= 2 * 0.25", "(rate(x[5m]))", ">= 0.5"),
            ("10 < x", "x", "> 10"),
            ("x < -1e3", "x", "< -1000"),
            ("(x / y > 0.9 and on() z) unless w", "x / y", "> 0.9"),
            ("x == 0", "x", "== 0"),
            ("x > bool 5", "x > bool 5", ""),
            ("x > y", "x", ""),
            ("absent(x)", "absent(x)", ""),
            ("x > 5 or y > 6", "x > 5 or y > 6", ""),
        ];
        for (text, value, threshold) in cases {
            let expr = promql::parse(text, Features::default()).unwrap();
            let (found, against) = compared(&expr);
            let against = against.map(|one| format!("{} {}", one.operator, one.value)).unwrap_or_default();
            assert_eq!((promql::print(found).as_str(), against.as_str()), (value, threshold), "{text}");
        }
    }

    #[test]
    fn the_course_is_that_of_the_value_also_where_nothing_fires() {
        let store = Arc::new(MemoryStore::default());
        let key = GroupKey { source: GroupSource::Rule, name: "r".to_owned(), labels: Labels::empty() };
        let mut writer = store.writer(&key).unwrap();
        let column = writer.column(&Labels::from_pairs([(METRIC_NAME, "x"), ("run", "7")])).unwrap();
        for n in 0..10 {
            let mut row = Row::new(TimestampMs(n * 60_000));
            row.push(column, n as f64);
            writer.commit(&row).unwrap();
        }
        let engine = Engine::new(EngineOptions::default(), Clock::manual(TimestampMs(0)), &Registry::default());
        let evidence = evidence(Arc::new(ArcSwap::from_pointee(engine)), store, Features::default());
        let window = |expression: &str| Window {
            expression: expression.to_owned(),
            start: TimestampMs(0),
            end: TimestampMs(540_000),
            step: DurationMs(60_000),
        };
        let lines = (evidence.course)(&window("x > 5")).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].labels.clone(), lines[0].points.len()), (Labels::from_pairs([("run", "7")]), 10));
        assert!((evidence.course)(&window("x >")).is_err());
        assert_eq!((evidence.threshold)("x > 5"), Some(Threshold { operator: ">", value: 5.0 }));
    }
}
