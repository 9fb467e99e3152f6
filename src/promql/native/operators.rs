//! Binary operators of which one side at least is a native histogram.

use std::sync::Arc;

use super::parts::{Incompatible, Parts};
use super::trim::trimmed;
use crate::model::histogram::ResetHint;
use crate::model::histogram::buckets::indexed;
use crate::model::{Histogram, Span};
use crate::promql::annotation::Note;
use crate::promql::ast::Binary;
use crate::promql::eval::{Cell, Eval};
use crate::promql::token::Operator;

/// What an operator makes of values of which one at least is a histogram.
pub enum Operated {
    Histogram(Arc<Histogram>),
    Compared(bool),
    /// The operator is not defined for these types.
    Mismatch,
    /// Defined, but these two histograms do not go together; that was said already.
    Dropped,
}

pub fn operate(eval: &Eval<'_>, binary: &Binary, span: Span, a: Cell<'_>, b: Cell<'_>) -> Operated {
    match (binary.op, a, b) {
        (Operator::Mul, Cell::Histogram(h), Cell::Float(by)) | (Operator::Mul, Cell::Float(by), Cell::Histogram(h)) => {
            Operated::Histogram(scaled(h, by))
        }
        (Operator::Div, Cell::Histogram(h), Cell::Float(by)) => Operated::Histogram(divided(h, by)),
        (Operator::TrimUpper, Cell::Histogram(h), Cell::Float(at)) => Operated::Histogram(Arc::new(trimmed(h, at, true))),
        (Operator::TrimLower, Cell::Histogram(h), Cell::Float(at)) => Operated::Histogram(Arc::new(trimmed(h, at, false))),
        (Operator::Add, Cell::Histogram(a), Cell::Histogram(b)) => sum(eval, span, a, b, false),
        (Operator::Sub, Cell::Histogram(a), Cell::Histogram(b)) => sum(eval, span, a, b, true),
        (Operator::Equal, Cell::Histogram(a), Cell::Histogram(b)) => Operated::Compared(equal(a, b)),
        (Operator::NotEqual, Cell::Histogram(a), Cell::Histogram(b)) => Operated::Compared(!equal(a, b)),
        _ => Operated::Mismatch,
    }
}

fn sum(eval: &Eval<'_>, span: Span, a: &Histogram, b: &Histogram, subtract: bool) -> Operated {
    let mut parts = Parts::from(a);
    let name = if subtract { "subtraction" } else { "addition" };
    match parts.add(b, subtract) {
        Ok(noticed) => {
            if noticed.reset_collision {
                eval.notes.warn(span, &Note::ResetCollision(name));
            }
            if noticed.reconciled {
                eval.notes.inform(span, &Note::CustomBucketsReconciled(name));
            }
        }
        Err(Incompatible) => {
            eval.notes.warn(span, &Note::IncompatibleLayout(if subtract { "-" } else { "+" }));
            return Operated::Dropped;
        }
    }
    if subtract {
        // A difference may fall.
        parts.hint = ResetHint::Gauge;
    }
    Operated::Histogram(Arc::new(parts.build()))
}

/// Every count and the sum times a number. A factor below zero makes what can fall.
pub fn scaled(histogram: &Histogram, by: f64) -> Arc<Histogram> {
    let mut out = histogram.clone();
    each(&mut out, |v| *v *= by);
    if by < 0.0 {
        out.reset_hint = ResetHint::Gauge;
    }
    Arc::new(out)
}

fn divided(histogram: &Histogram, by: f64) -> Arc<Histogram> {
    let mut out = histogram.clone();
    each(&mut out, |v| *v /= by);
    if by < 0.0 {
        out.reset_hint = ResetHint::Gauge;
    }
    // Nothing is left to put into buckets.
    if by == 0.0 {
        (out.positive_spans, out.positive_counts) = (Vec::new(), Vec::new());
        (out.negative_spans, out.negative_counts) = (Vec::new(), Vec::new());
    }
    Arc::new(out)
}

fn each(histogram: &mut Histogram, mut change: impl FnMut(&mut f64)) {
    change(&mut histogram.zero_count);
    change(&mut histogram.count);
    change(&mut histogram.sum);
    histogram.positive_counts.iter_mut().chain(&mut histogram.negative_counts).for_each(change);
}

/// The same buckets with the same counts.
pub fn equal(a: &Histogram, b: &Histogram) -> bool {
    let side = |x: (&[_], &[f64]), y: (&[_], &[f64])| indexed(x.0, x.1).eq(indexed(y.0, y.1));
    a.schema == b.schema
        && a.count.to_bits() == b.count.to_bits()
        && a.sum.to_bits() == b.sum.to_bits()
        && a.custom_bounds == b.custom_bounds
        && a.zero_threshold == b.zero_threshold
        && a.zero_count.to_bits() == b.zero_count.to_bits()
        && side((&a.positive_spans, &a.positive_counts), (&b.positive_spans, &b.positive_counts))
        && side((&a.negative_spans, &a.negative_counts), (&b.negative_spans, &b.negative_counts))
}

/// Equal but for empty buckets, with a comparison of one's own.
pub fn equal_compact(a: &Histogram, b: &Histogram, same: fn(f64, f64) -> bool) -> bool {
    let populated = |spans, counts| indexed(spans, counts).filter(|(_, c)| *c != 0.0).collect::<Vec<_>>();
    let side = |a: Vec<(i32, f64)>, b: Vec<(i32, f64)>| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same(a.1, b.1));
    a.schema == b.schema
        && same(a.count, b.count)
        && same(a.sum, b.sum)
        && same(a.zero_threshold, b.zero_threshold)
        && same(a.zero_count, b.zero_count)
        && a.custom_bounds == b.custom_bounds
        && side(populated(&a.positive_spans, &a.positive_counts), populated(&b.positive_spans, &b.positive_counts))
        && side(populated(&a.negative_spans, &a.negative_counts), populated(&b.negative_spans, &b.negative_counts))
}
