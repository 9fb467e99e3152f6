//! Native histograms in expressions.

use std::sync::Arc;

use super::ast::Binary;
use super::eval::{Cell, Eval};
use crate::model::{Histogram, Span};

/// What an operator makes of values of which one at least is a histogram.
pub(super) enum Operated {
    Histogram(Arc<Histogram>),
    Compared(bool),
    /// The operator is not defined for these types.
    Mismatch,
    /// Defined, but these two histograms do not go together; that was said already.
    Dropped,
}

pub(super) fn operate(eval: &Eval<'_>, binary: &Binary, span: Span, a: Cell<'_>, b: Cell<'_>) -> Operated {
    let _ = (eval, binary, span, a, b);
    Operated::Mismatch
}

pub(super) fn scaled(histogram: &Histogram, by: f64) -> Arc<Histogram> {
    let mut out = histogram.clone();
    out.count *= by;
    out.sum *= by;
    Arc::new(out)
}

pub(super) fn text(histogram: &Histogram) -> String {
    format!("{{count:{}, sum:{}}}", histogram.count, histogram.sum)
}

pub(super) enum Totals {
    Sum,
    Mean,
}

#[derive(Default)]
pub(super) struct GroupedHistograms;

impl GroupedHistograms {
    pub(super) fn add(&mut self, _: usize, _: &Arc<Histogram>, _: usize) {}
    pub(super) fn take(&mut self, _: usize, _: Totals, _: &Eval<'_>, _: Span) -> Option<Arc<Histogram>> {
        None
    }
}

pub(super) fn ask(_: &Eval<'_>, _: &Histogram, _: &super::eval::Ask, _: Span, _: &str) -> f64 {
    f64::NAN
}

impl Eval<'_> {
    pub(super) fn histogram_statistic(
        &self,
        _: &super::ast::Call,
        _: &super::eval::steps::Steps,
        _: &mut super::eval::Sink<'_>,
    ) -> Result<(), super::QueryError> {
        Ok(())
    }
    pub(super) fn info(
        &self,
        _: &super::ast::Call,
        _: &super::eval::steps::Steps,
        _: &mut super::eval::Sink<'_>,
    ) -> Result<(), super::QueryError> {
        Ok(())
    }
}

pub(super) fn combined(a: &Histogram, b: &Histogram, subtract: bool) -> Result<Histogram, String> {
    let mut out = a.clone();
    out.count += if subtract { -b.count } else { b.count };
    out.sum += if subtract { -b.sum } else { b.sum };
    Ok(out)
}
