//! `absent` and `absent_over_time`: 1 where there is nothing, with the labels that the selector pins down.

use super::{Eval, Series, Sink, Steps};
use crate::model::{METRIC_NAME, MatchOp};
use crate::promql::ast::{Call, Expr, ExprKind, Selector};
use crate::promql::error::QueryError;
use crate::promql::functions::FunctionId;
use crate::storage::LabelPair;

impl Eval<'_> {
    pub(super) fn absent(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let arg = &call.args[0];
        let mut found = vec![false; steps.count];
        if call.function.id == FunctionId::Absent {
            self.vector(arg, steps, &mut |series| {
                for (step, found) in found.iter_mut().enumerate() {
                    *found |= series.column.is_present(step);
                }
                Ok(())
            })?;
        } else {
            self.ranges(arg, steps, &mut |series| {
                for (step, found) in found.iter_mut().enumerate() {
                    *found |= series.count(step) > 0;
                }
                Ok(())
            })?;
        }
        let mut out = Series { labels: self.pinned_labels(arg), ..Series::default() };
        out.column.reset(steps.count);
        for (place, found) in out.column.floats.iter_mut().zip(&found) {
            if !found {
                *place = 1.0;
            }
        }
        if found.iter().all(|f| *f) { Ok(()) } else { sink(&mut out) }
    }

    /// Labels that one equality matcher and nothing else speaks of.
    fn pinned_labels(&self, arg: &Expr) -> Vec<LabelPair> {
        let selector: &Selector = match &arg.unwrapped().kind {
            ExprKind::Selector(selector) => selector,
            ExprKind::Range(range) => &range.selector,
            _ => return Vec::new(),
        };
        let mut labels = Vec::new();
        for matcher in selector.matchers.iter().filter(|m| m.name != METRIC_NAME && m.op == MatchOp::Equal) {
            if selector.matchers.iter().filter(|m| m.name == matcher.name).count() == 1 {
                self.symbols.set(&mut labels, self.symbols.get(&matcher.name), &matcher.value);
            }
        }
        labels
    }
}
