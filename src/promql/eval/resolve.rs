//! Before evaluation: computed lengths become fixed, `@ start()` becomes a time, and what is the same at every step is marked.

use crate::model::regex::Fuse;
use crate::model::{DurationMs, Span, TimestampMs};
use crate::promql::ast::{At, Call, Expr, ExprKind, Length, LengthExpr, LengthKind, Modifiers, Selector, ValueType};
use crate::promql::error::QueryError;
use crate::promql::functions::FunctionId;
use crate::promql::token::Operator;

/// The query's own bounds, which `start()`, `end()`, `step()` and `range()` name.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub start: i64,
    pub end: i64,
    /// Zero in an instant query.
    pub step: i64,
}

impl Bounds {
    /// An instant query's.
    pub fn instant(at: TimestampMs) -> Self {
        Self { start: at.0, end: at.0, step: 0 }
    }
}

/// A tree that can be evaluated; the fuse ends long matching.
pub fn resolve(expr: &Expr, bounds: Bounds, fuse: &Fuse) -> Result<Expr, QueryError> {
    let mut expr = expr.clone();
    mark_statistics(&mut expr, false);
    let invariant = Resolver { bounds, fuse }.expr(&mut expr)?;
    if invariant {
        mark(&mut expr);
    }
    Ok(expr)
}

struct Resolver<'f> {
    bounds: Bounds,
    fuse: &'f Fuse,
}

/// Functions whose value depends on the evaluation time even where their arguments do not.
pub fn depends_on_time(function: FunctionId) -> bool {
    use FunctionId as F;
    matches!(
        function,
        F::Time
            | F::Timestamp
            | F::DayOfMonth
            | F::DayOfWeek
            | F::DayOfYear
            | F::DaysInMonth
            | F::Hour
            | F::Minute
            | F::Month
            | F::Year
            | F::PredictLinear
            | F::Start
            | F::End
            | F::Range
            | F::Step
    )
}

/// Literals and ranges need no mark: the former are cheap, the latter know their time.
fn mark(expr: &mut Expr) {
    if matches!(expr.kind, ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Invariant(_)) || expr.value_type() == ValueType::Matrix {
        return;
    }
    if let ExprKind::Paren(inner) = &mut expr.kind {
        return mark(inner);
    }
    let inner =
        std::mem::replace(expr, Expr { kind: ExprKind::Text(crate::promql::ast::Text { bytes: [].into() }), span: expr.span, depth: 0 });
    let (span, depth) = (inner.span, inner.depth);
    *expr = Expr { kind: ExprKind::Invariant(Box::new(inner)), span, depth };
}

impl Resolver<'_> {
    /// Whether the expression has the same value at every step.
    fn expr(&self, expr: &mut Expr) -> Result<bool, QueryError> {
        Ok(match &mut expr.kind {
            ExprKind::Number(_) | ExprKind::Text(_) => true,
            ExprKind::Invariant(_) => true,
            ExprKind::Paren(inner) => self.expr(inner)?,
            ExprKind::Selector(selector) => self.selector(selector)?,
            ExprKind::Range(range) => {
                self.positive(&mut range.range)?;
                self.selector(&mut range.selector)?
            }
            ExprKind::Subquery(subquery) => {
                self.positive(&mut subquery.range)?;
                if let Some(step) = &mut subquery.step {
                    self.positive(step)?;
                }
                let at = self.modifiers(&mut subquery.modifiers)?;
                if self.expr(&mut subquery.expr)? {
                    mark(&mut subquery.expr);
                }
                at
            }
            ExprKind::Unary(unary) => self.expr(&mut unary.expr)?,
            ExprKind::Binary(binary) => self.all([&mut binary.left, &mut binary.right], true)?,
            ExprKind::Aggregate(aggregate) => self.all(aggregate.parameter.iter_mut().chain([&mut aggregate.expr]), true)?,
            ExprKind::Call(call) => {
                check_extended(call)?;
                let safe = !depends_on_time(call.function.id);
                self.all(call.args.iter_mut(), safe)?
            }
        })
    }

    /// Marks the invariant ones where not all are.
    fn all<'e>(&self, exprs: impl IntoIterator<Item = &'e mut Expr>, safe: bool) -> Result<bool, QueryError> {
        let mut exprs: Vec<&mut Expr> = exprs.into_iter().collect();
        let mut invariant = Vec::with_capacity(exprs.len());
        for expr in &mut exprs {
            invariant.push(self.expr(expr)?);
        }
        if safe && invariant.iter().all(|i| *i) {
            return Ok(true);
        }
        // An argument of `timestamp` must stay a bare selector.
        if safe {
            for (expr, _) in exprs.into_iter().zip(invariant).filter(|(_, i)| *i) {
                mark(expr);
            }
        }
        Ok(false)
    }

    fn selector(&self, selector: &mut Selector) -> Result<bool, QueryError> {
        selector.matchers.iter_mut().for_each(|matcher| matcher.set_fuse(self.fuse));
        self.modifiers(&mut selector.modifiers)
    }

    fn modifiers(&self, modifiers: &mut Modifiers) -> Result<bool, QueryError> {
        if let Length::Computed(length) = &modifiers.offset {
            modifiers.offset = Length::Fixed(self.length(length)?);
        }
        modifiers.at = modifiers.at.map(|at| match at {
            At::Start => At::Time(TimestampMs(self.bounds.start)),
            At::End => At::Time(TimestampMs(self.bounds.end)),
            time @ At::Time(_) => time,
        });
        Ok(modifiers.at.is_some())
    }

    fn positive(&self, length: &mut Length) -> Result<(), QueryError> {
        let Length::Computed(expr) = length else { return Ok(()) };
        let fixed = self.length(expr)?;
        if fixed.0 <= 0 {
            return self.fail(expr.span, "duration must be greater than 0");
        }
        *length = Length::Fixed(fixed);
        Ok(())
    }

    fn fail<T>(&self, span: Span, message: &str) -> Result<T, QueryError> {
        // Prometheus prints both byte offsets here instead of line and column.
        Err(QueryError::BadRequest(format!("{}:{}: {message}", span.start, span.end)))
    }

    fn length(&self, expr: &LengthExpr) -> Result<DurationMs, QueryError> {
        let seconds = self.seconds(expr)?;
        // Go's duration ends at 2^63 nanoseconds.
        if !seconds.is_finite() || seconds.abs() >= i64::MAX as f64 / 1e9 {
            return self.fail(expr.span, "duration is out of range");
        }
        Ok(DurationMs((seconds * 1000.0) as i64))
    }

    fn seconds(&self, expr: &LengthExpr) -> Result<f64, QueryError> {
        Ok(match &expr.kind {
            LengthKind::Number(number) => number.value,
            LengthKind::Step => self.bounds.step as f64 / 1000.0,
            LengthKind::Range => (self.bounds.end - self.bounds.start) as f64 / 1000.0,
            LengthKind::Negative(inner) => -self.seconds(inner)?,
            LengthKind::Positive(inner) | LengthKind::Paren(inner) => self.seconds(inner)?,
            LengthKind::MinOf(a, b) => go_min(self.seconds(a)?, self.seconds(b)?),
            LengthKind::MaxOf(a, b) => go_max(self.seconds(a)?, self.seconds(b)?),
            LengthKind::Binary(op, left, right) => {
                let (a, b) = (self.seconds(left)?, self.seconds(right)?);
                match op {
                    Operator::Add => a + b,
                    Operator::Sub => a - b,
                    Operator::Mul => a * b,
                    Operator::Div if b == 0.0 => return self.fail(expr.span, "division by zero"),
                    Operator::Div => a / b,
                    Operator::Mod if b == 0.0 => return self.fail(expr.span, "modulo by zero"),
                    Operator::Mod => a % b,
                    _ => a.powf(b),
                }
            }
        })
    }
}

/// Marks selectors of which `histogram_count`, `histogram_sum` or `histogram_avg` is all that is asked.
fn mark_statistics(expr: &mut Expr, asked: bool) {
    let asked = match &expr.kind {
        ExprKind::Call(call) => match call.function.id {
            FunctionId::HistogramCount | FunctionId::HistogramSum | FunctionId::HistogramAvg => true,
            FunctionId::HistogramQuantile | FunctionId::HistogramQuantiles | FunctionId::HistogramFraction => false,
            _ => asked,
        },
        // Steps of a subquery skip samples, so that hints found on the way would not hold; trims look at buckets.
        ExprKind::Subquery(_) => false,
        ExprKind::Binary(binary) => asked && !binary.op.is_trim(),
        _ => asked,
    };
    match &mut expr.kind {
        ExprKind::Selector(selector) => selector.statistics_only = asked && !selector.smoothed,
        ExprKind::Range(range) => range.selector.statistics_only = asked && !range.selector.anchored && !range.selector.smoothed,
        ExprKind::Subquery(subquery) => mark_statistics(&mut subquery.expr, asked),
        ExprKind::Unary(unary) => mark_statistics(&mut unary.expr, asked),
        ExprKind::Binary(binary) => {
            mark_statistics(&mut binary.left, asked);
            mark_statistics(&mut binary.right, asked);
        }
        ExprKind::Aggregate(aggregate) => mark_statistics(&mut aggregate.expr, asked),
        ExprKind::Call(call) => call.args.iter_mut().for_each(|arg| mark_statistics(arg, asked)),
        ExprKind::Paren(inner) | ExprKind::Invariant(inner) => mark_statistics(inner, asked),
        ExprKind::Number(_) | ExprKind::Text(_) => {}
    }
}

/// Anchored and smoothed windows mean something to few functions only.
fn check_extended(call: &Call) -> Result<(), QueryError> {
    use FunctionId as F;
    for arg in &call.args {
        let ExprKind::Range(range) = &arg.unwrapped().kind else { continue };
        let (name, allowed, list): (_, &[F], _) = match (range.selector.anchored, range.selector.smoothed) {
            (true, _) => ("anchored", &[F::Changes, F::Delta, F::Increase, F::Rate, F::Resets], "changes, delta, increase, rate, resets"),
            (_, true) => ("smoothed", &[F::Delta, F::Increase, F::Rate], "delta, increase, rate"),
            _ => continue,
        };
        if !allowed.contains(&call.function.id) {
            return QueryError::execution(format!("{name} modifier can only be used with: {list} - not with {}", call.function.name));
        }
    }
    Ok(())
}

/// Go's `math.Min`: a NaN on either side is the result.
pub fn go_min(a: f64, b: f64) -> f64 {
    let least = a == f64::NEG_INFINITY || b == f64::NEG_INFINITY;
    match (least, a.is_nan() || b.is_nan()) {
        (true, _) => f64::NEG_INFINITY,
        (_, true) => f64::NAN,
        _ if a == 0.0 && b == 0.0 => {
            if a.is_sign_negative() {
                a
            } else {
                b
            }
        }
        _ => a.min(b),
    }
}

/// Go's `math.Max`, which knows +Inf alike.
pub fn go_max(a: f64, b: f64) -> f64 {
    -go_min(-a, -b)
}
