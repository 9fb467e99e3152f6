//! Running a script: one store, one engine, each case on its own.

use std::sync::Arc;

use super::Store;
use super::compare;
use super::report::{Failure, Report};
use super::rewrite::with_at;
use super::script::{Case, Command, Script, When, features};
use crate::clock::Clock;
use crate::model::{DurationMs, TimestampMs};
use crate::promql::ast::{ExprKind, LengthExpr, LengthKind};
use crate::promql::functions::FunctionId;
use crate::promql::{Answer, Engine, EngineOptions, QueryError, QueryOptions, Value, VectorSample, parse};
use crate::telemetry::Registry;

const MINUTE: DurationMs = DurationMs(60_000);

pub fn script(script: &Script, empty: &dyn Fn() -> Arc<dyn Store>, report: &mut Report) {
    let options =
        EngineOptions { max_samples: 10_000, timeout: DurationMs::seconds(100), features: features(), ..EngineOptions::default() };
    let mut bench = Bench { store: empty(), engine: Engine::new(options, Clock::system(), &Registry::default()) };
    for command in &script.commands {
        match command {
            Command::Clear => bench.store = empty(),
            Command::Load(load) => {
                if let Err(message) = load.run(&*bench.store) {
                    report.failed.push(Failure { line: 0, expr: "load".to_owned(), message });
                }
            }
            Command::Eval(case) => match bench.case(case) {
                Ok(()) => report.passed.push(case.line),
                Err(message) => report.failed.push(Failure { line: case.line, expr: case.expr.clone(), message }),
            },
        }
    }
}

struct Bench {
    store: Arc<dyn Store>,
    engine: Engine,
}

impl Bench {
    fn case(&self, case: &Case) -> Result<(), String> {
        match case.when {
            When::Range { start, end, step } => {
                let answer = self.engine.range(&*self.store, &case.expr, (start, end), step, &QueryOptions::default());
                let Some(answer) = checked(case, answer)? else { return Ok(()) };
                compare::matrix(&answer.value, &case.expected, start, step)
            }
            When::Instant(at) => {
                self.instant(case, &case.expr, at)?;
                let Some((expr, times)) = with_at(&case.expr, features(), at) else { return Ok(()) };
                for at in times {
                    self.instant(case, &expr, at).map_err(|message| format!("asked as {expr} at {at}: {message}"))?;
                }
                Ok(())
            }
        }
    }

    fn instant(&self, case: &Case, expr: &str, at: TimestampMs) -> Result<(), String> {
        let answer = self.engine.instant(&*self.store, expr, at, &QueryOptions::default());
        let Some(answer) = checked(case, answer)? else { return Ok(()) };
        if let Some((start, step)) = case.expected.range_vector {
            return compare::matrix(&answer.value, &case.expected, start, step);
        }
        compare::instant(&answer.value, &case.expected)?;
        if case.expected.ordered || matches!(answer.value, Value::String { .. } | Value::Matrix(_)) || depends_on_bounds(expr) {
            return Ok(());
        }
        self.middle_of_range(case, expr, at).map_err(|message| format!("as a range query: {message}"))
    }

    /// The same moment as one of three steps.
    fn middle_of_range(&self, case: &Case, expr: &str, at: TimestampMs) -> Result<(), String> {
        let bounds = (at - MINUTE, at + MINUTE);
        let answer = self.engine.range(&*self.store, expr, bounds, MINUTE, &QueryOptions::default()).map_err(|e| e.to_string())?;
        let Value::Matrix(all) = answer.value else { return Err("not a matrix".to_owned()) };
        compare::sorted(&all)?;
        let mut vector = Vec::new();
        for series in all {
            let float = series.floats.iter().find(|(t, _)| *t == at).map(|(_, v)| crate::model::Value::Float(*v));
            let histogram = series.histograms.iter().find(|(t, _)| *t == at).map(|(_, h)| crate::model::Value::Histogram(h.clone()));
            if let Some(value) = float.or(histogram) {
                vector.push(VectorSample { labels: series.labels, at, value });
            }
        }
        if case.expected.scalar.is_some()
            && let Some(crate::model::Value::Float(value)) = vector.first().map(|s| s.value.clone())
        {
            return compare::instant(&Value::Scalar { at, value }, &case.expected);
        }
        compare::instant(&Value::Vector(vector), &case.expected)
    }
}

/// The answer, unless the case failed as it should.
fn checked(case: &Case, answer: Result<Answer, QueryError>) -> Result<Option<Answer>, String> {
    match (answer, &case.expected.fail) {
        (Err(error), Some(wanted)) => {
            let text = error.to_string();
            if wanted.matches(&text) { Ok(None) } else { Err(format!("expected failure {wanted:?}, got {text:?}")) }
        }
        (Err(error), None) => Err(format!("error: {error}")),
        (Ok(_), Some(_)) => Err("expected failure, but the query succeeded".to_owned()),
        (Ok(answer), None) => {
            case.expected.warnings.check("warn", &answer.warnings)?;
            case.expected.infos.check("info", &answer.infos)?;
            Ok(Some(answer))
        }
    }
}

/// Whether the answer depends on the query's start, end or step.
fn depends_on_bounds(source: &str) -> bool {
    let Ok(expr) = parse(source, features()) else { return true };
    let mut depends = false;
    let names_bounds =
        |length: &crate::promql::ast::Length| matches!(length, crate::promql::ast::Length::Computed(expr) if uses_bounds(expr));
    expr.walk(&mut |e| {
        depends |= match &e.kind {
            ExprKind::Call(call) => {
                matches!(call.function.id, FunctionId::Start | FunctionId::End | FunctionId::Step | FunctionId::Range)
            }
            ExprKind::Selector(selector) => names_bounds(&selector.modifiers.offset),
            ExprKind::Range(range) => names_bounds(&range.range) || names_bounds(&range.selector.modifiers.offset),
            ExprKind::Subquery(subquery) => {
                names_bounds(&subquery.range)
                    || subquery.step.as_ref().is_some_and(names_bounds)
                    || names_bounds(&subquery.modifiers.offset)
            }
            _ => false,
        };
    });
    depends
}

fn uses_bounds(expr: &LengthExpr) -> bool {
    match &expr.kind {
        LengthKind::Number(_) => false,
        LengthKind::Step | LengthKind::Range => true,
        LengthKind::Negative(a) | LengthKind::Positive(a) | LengthKind::Paren(a) => uses_bounds(a),
        LengthKind::Binary(_, a, b) | LengthKind::MinOf(a, b) | LengthKind::MaxOf(a, b) => uses_bounds(a) || uses_bounds(b),
    }
}
