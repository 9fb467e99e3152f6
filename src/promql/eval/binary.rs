//! Binary operators between single values, scalars, and a vector and a scalar.

use std::sync::Arc;

use super::{Cell, Eval, Sink, Steps, is_absent};
use crate::model::{Histogram, Span};
use crate::promql::annotation::Note;
use crate::promql::ast::{Binary, Expr, ValueType};
use crate::promql::error::QueryError;
use crate::promql::native;
use crate::promql::token::Operator;

/// What an operator makes of two values.
pub(super) enum Outcome {
    /// A comparison that does not hold, or values that do not fit.
    Nothing,
    /// Values that do not fit: not even a `bool` comparison has a result.
    Mismatch,
    Float(f64),
    Histogram(Arc<Histogram>),
}

/// Arithmetic on floats; a comparison yields 1 or 0.
pub(super) fn arithmetic(op: Operator, a: f64, b: f64) -> f64 {
    match op {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mul => a * b,
        Operator::Div => a / b,
        Operator::Mod => a % b,
        Operator::Pow => a.powf(b),
        Operator::Atan2 => a.atan2(b),
        _ => f64::from(compare(op, a, b)),
    }
}

fn compare(op: Operator, a: f64, b: f64) -> bool {
    match op {
        Operator::Equal => a == b,
        Operator::NotEqual => a != b,
        Operator::Greater => a > b,
        Operator::Less => a < b,
        Operator::GreaterEqual => a >= b,
        Operator::LessEqual => a <= b,
        _ => false,
    }
}

/// Whether an operator's result is no longer the metric that went in.
pub(super) fn drops_name(binary: &Binary) -> bool {
    binary.returns_bool || !(binary.op.is_comparison() || binary.op.is_set() || binary.op.is_trim())
}

impl Eval<'_> {
    pub(super) fn binary_scalar(&self, binary: &Binary, steps: &Steps) -> Result<Vec<f64>, QueryError> {
        let (left, right) = (self.scalar(&binary.left, steps)?, self.scalar(&binary.right, steps)?);
        Ok(left.into_iter().zip(right).map(|(a, b)| arithmetic(binary.op, a, b)).collect())
    }

    pub(super) fn binary_vector(&self, binary: &Binary, span: Span, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let is_scalar = |expr: &Expr| expr.value_type() == ValueType::Scalar;
        match (is_scalar(&binary.left), is_scalar(&binary.right)) {
            (false, true) => self.with_scalar(binary, span, &binary.left, &binary.right, false, steps, sink),
            (true, false) => self.with_scalar(binary, span, &binary.right, &binary.left, true, steps, sink),
            _ if binary.op.is_set() => self.set_operation(binary, steps, sink),
            _ => self.join(binary, span, steps, sink),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "two callers that differ in the order of the sides")]
    fn with_scalar(
        &self,
        binary: &Binary,
        span: Span,
        vector: &Expr,
        scalar: &Expr,
        swapped: bool,
        steps: &Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), QueryError> {
        let scalars = self.scalar(scalar, steps)?;
        let drops_name = drops_name(binary);
        let plain_arithmetic = !binary.op.is_comparison() && !binary.op.is_trim();
        let mut run = |unique: &mut Sink<'_>| {
            self.vector(vector, steps, &mut |series| {
                if plain_arithmetic && series.column.histograms.is_empty() {
                    for (value, scalar) in series.column.floats.iter_mut().zip(&scalars).filter(|(v, _)| !is_absent(**v)) {
                        *value = if swapped { arithmetic(binary.op, *scalar, *value) } else { arithmetic(binary.op, *value, *scalar) };
                    }
                } else {
                    for (step, scalar) in scalars.iter().enumerate() {
                        let outcome = {
                            let cell = series.column.cell(step);
                            if matches!(cell, Cell::Nothing) {
                                continue;
                            }
                            let scalar = Cell::Float(*scalar);
                            let (a, b) = if swapped { (scalar, cell) } else { (cell, scalar) };
                            self.outcome(binary, span, a, b, if swapped { b } else { a })
                        };
                        outcome.put(&mut series.column, step);
                    }
                    if series.column.is_empty() {
                        return Ok(());
                    }
                }
                if drops_name {
                    self.drop_name(series);
                }
                unique(series)
            })
        };
        if drops_name { self.unique(vector, sink, &mut run) } else { run(sink) }
    }

    /// One pair of values. `kept` is what a comparison that holds passes on.
    pub(super) fn outcome(&self, binary: &Binary, span: Span, a: Cell<'_>, b: Cell<'_>, kept: Cell<'_>) -> Outcome {
        if let (Cell::Float(x), Cell::Float(y)) = (a, b) {
            if binary.op.is_trim() {
                return self.mismatch(binary, span, a, b);
            }
            if !binary.op.is_comparison() {
                return Outcome::Float(arithmetic(binary.op, x, y));
            }
            return compared(binary, compare(binary.op, x, y), kept);
        }
        match native::operate(self, binary, span, a, b) {
            native::Operated::Histogram(histogram) => Outcome::Histogram(histogram),
            native::Operated::Compared(holds) => compared(binary, holds, kept),
            native::Operated::Mismatch => self.mismatch(binary, span, a, b),
            native::Operated::Dropped => Outcome::Mismatch,
        }
    }

    fn mismatch(&self, binary: &Binary, span: Span, a: Cell<'_>, b: Cell<'_>) -> Outcome {
        let kind = |cell: Cell<'_>| if matches!(cell, Cell::Histogram(_)) { "histogram" } else { "float" };
        self.notes.inform(span, &Note::IncompatibleTypes { op: binary.op.as_str(), left: kind(a), right: kind(b) });
        Outcome::Mismatch
    }
}

fn compared(binary: &Binary, holds: bool, kept: Cell<'_>) -> Outcome {
    if binary.returns_bool {
        return Outcome::Float(f64::from(holds));
    }
    match kept {
        _ if !holds => Outcome::Nothing,
        Cell::Float(value) => Outcome::Float(value),
        Cell::Histogram(histogram) => Outcome::Histogram(Arc::clone(histogram)),
        Cell::Nothing => Outcome::Nothing,
    }
}

impl Outcome {
    pub(super) fn put(self, column: &mut super::Column, step: usize) {
        match self {
            Self::Nothing | Self::Mismatch => column.remove(step),
            Self::Float(value) => column.set(step, Cell::Float(value)),
            Self::Histogram(histogram) => column.set_histogram(step, histogram),
        }
    }
}
