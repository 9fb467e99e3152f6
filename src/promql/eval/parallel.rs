//! Several threads for one query: the series of its only selector are cut into parts of fixed size, each evaluated by itself, and the
//! results put together in the order of the parts. The cut follows the data and not the number of threads, so that answers do not
//! depend on the machine.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::collect::has_one_name;
use super::{Eval, Steps};
use crate::promql::ast::{Expr, ExprKind, ValueType};
use crate::promql::error::QueryError;
use crate::promql::functions::FunctionId;
use crate::storage::Batch;

/// Fewest samples of a part: below two of them a second thread does not pay.
const PART_SAMPLES_MIN: usize = 50_000;
/// Most parts of one query.
const PARTS_MAX: usize = 16;
/// Fewest series of a part.
const PART_SERIES_MIN: usize = 4;

/// A share of the series of a selector.
pub struct Part<'p> {
    pub batches: &'p [Box<dyn Batch>],
    /// Places of the series, counted through all batches.
    pub series: Range<usize>,
}

/// Results of parts as they come in, each at the place of its part.
type Results<T> = Mutex<Vec<Option<Result<T, QueryError>>>>;

impl Eval<'_> {
    /// Runs `work` on each part, if the expression can be cut and is worth it. None where it has to be evaluated as a whole.
    pub(super) fn in_parts<T: Send>(
        &self,
        expr: &Expr,
        steps: &Steps,
        work: &(dyn Fn(&Eval<'_>) -> Result<T, QueryError> + Sync),
    ) -> Result<Option<Vec<T>>, QueryError> {
        if self.part.is_some() {
            return Ok(None);
        }
        let Some(leaf) = only_selector(expr) else { return Ok(None) };
        // Results that could merge across parts must not be cut.
        if !(self.features.delayed_name_removal || has_one_name(expr)) {
            return Ok(None);
        }
        let batches = self.batches_of(leaf, steps)?;
        let series: usize = batches.iter().map(|b| b.len()).sum();
        let samples: usize = batches.iter().map(|b| b.len() * b.times().len()).sum();
        let count = (series / PART_SERIES_MIN).min(samples / PART_SAMPLES_MIN).clamp(1, PARTS_MAX);
        if count < 2 {
            let whole = Part { batches: &batches, series: 0..series };
            return work(&Eval { part: Some(&whole), ..*self }).map(|result| Some(vec![result]));
        }
        let part = |at: usize| Part { batches: &batches, series: series * at / count..series * (at + 1) / count };
        let (next, results): (AtomicUsize, Results<T>) = (AtomicUsize::new(0), Mutex::new((0..count).map(|_| None).collect()));
        let run = || loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return;
            }
            let part = part(at);
            let result = work(&Eval { part: Some(&part), ..*self });
            // After an error the other threads need not begin what is left.
            if result.is_err() {
                next.store(count, Ordering::Relaxed);
            }
            results.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(result);
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads.min(count) {
                // Without another thread this one does all.
                let _ = std::thread::Builder::new().spawn_scoped(scope, run);
            }
            run();
        });
        results.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect::<Result<Vec<T>, _>>().map(Some)
    }
}

/// The selector of an expression whose other operators look at one series at a time.
fn only_selector(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Selector(_) => Some(expr),
        ExprKind::Range(_) => Some(expr),
        ExprKind::Paren(inner) => only_selector(inner),
        ExprKind::Unary(unary) => only_selector(&unary.expr),
        ExprKind::Call(call) => {
            let whole_vector = matches!(
                call.function.id,
                FunctionId::Absent
                    | FunctionId::AbsentOverTime
                    | FunctionId::HistogramFraction
                    | FunctionId::HistogramQuantile
                    | FunctionId::HistogramQuantiles
                    | FunctionId::Info
                    | FunctionId::LabelJoin
                    | FunctionId::LabelReplace
                    | FunctionId::Scalar
                    | FunctionId::Sort
                    | FunctionId::SortDesc
                    | FunctionId::SortByLabel
                    | FunctionId::SortByLabelDesc
                    | FunctionId::Vector
            );
            if whole_vector { None } else { only_child(call.args.iter()) }
        }
        ExprKind::Binary(binary) => {
            let with_scalar = [&binary.left, &binary.right].into_iter().any(|side| side.value_type() == ValueType::Scalar);
            if with_scalar { only_child([&binary.left, &binary.right].into_iter()) } else { None }
        }
        _ => None,
    }
}

/// The one argument that reads the store, if it is of the right kind and the others do not read it.
fn only_child<'e>(children: impl Iterator<Item = &'e Expr>) -> Option<&'e Expr> {
    let mut readers = children.filter(|child| reads_store(child));
    let child = readers.next()?;
    if readers.next().is_some() || child.value_type() == ValueType::Scalar { None } else { only_selector(child) }
}

fn reads_store(expr: &Expr) -> bool {
    let mut reads = false;
    expr.walk(&mut |e| reads |= matches!(e.kind, ExprKind::Selector(_) | ExprKind::Range(_)));
    reads
}
