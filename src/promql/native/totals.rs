//! Sums and means of many histograms: over time, and of the members of a group.

use std::sync::Arc;

use super::parts::{Incompatible, Parts};
use crate::model::histogram::ResetHint;
use crate::model::{Histogram, Span};
use crate::promql::annotation::Note;
use crate::promql::eval::Eval;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Totals {
    Sum,
    Mean,
}

/// A running sum or mean.
pub struct Total {
    kind: Totals,
    parts: Parts,
    count: f64,
    /// The mean is taken step by step, since the sum would overflow.
    incremental: bool,
    reset_seen: bool,
    no_reset_seen: bool,
    reconciled: bool,
    incompatible: bool,
}

impl Total {
    pub fn new(kind: Totals, first: &Histogram) -> Self {
        let mut total = Self {
            kind,
            parts: Parts::from(first),
            count: 1.0,
            incremental: false,
            reset_seen: false,
            no_reset_seen: false,
            reconciled: false,
            incompatible: false,
        };
        total.track(first);
        total
    }

    fn track(&mut self, histogram: &Histogram) {
        self.reset_seen |= histogram.reset_hint == ResetHint::Reset;
        self.no_reset_seen |= histogram.reset_hint == ResetHint::NotReset;
    }

    pub fn add(&mut self, histogram: &Histogram) {
        if self.incompatible {
            return;
        }
        self.track(histogram);
        self.count += 1.0;
        if let Err(Incompatible) = self.try_add(histogram) {
            self.incompatible = true;
        }
    }

    fn try_add(&mut self, histogram: &Histogram) -> Result<(), Incompatible> {
        if self.kind == Totals::Sum || !self.incremental {
            let mut next = self.parts.clone();
            self.reconciled |= next.add(histogram, false)?.reconciled;
            if self.kind == Totals::Sum || !next.has_overflow() {
                self.parts = next;
                return Ok(());
            }
            self.incremental = true;
            self.parts.divide(self.count - 1.0);
        }
        self.parts.scale((self.count - 1.0) / self.count);
        let mut share = Parts::from(histogram);
        share.divide(self.count);
        self.reconciled |= self.parts.add(&share.build(), false)?.reconciled;
        Ok(())
    }

    /// Takes in what another total has seen after this one.
    fn merge(&mut self, mut other: Self) {
        self.reset_seen |= other.reset_seen;
        self.no_reset_seen |= other.no_reset_seen;
        self.reconciled |= other.reconciled;
        self.incompatible |= other.incompatible;
        let count = self.count + other.count;
        if self.incremental || other.incremental {
            for total in [&mut *self, &mut other] {
                if !total.incremental {
                    total.parts.divide(total.count);
                }
                total.parts.scale(total.count / count);
            }
            self.incremental = true;
        }
        match self.parts.add(&other.parts.build(), false) {
            Ok(noticed) => self.reconciled |= noticed.reconciled,
            Err(Incompatible) => self.incompatible = true,
        }
        self.count = count;
    }

    /// None where the schemas do not go together.
    pub fn finish(mut self, eval: &Eval<'_>, span: Span, metric: &str) -> Option<Arc<Histogram>> {
        if self.incompatible {
            eval.notes.warn(span, &Note::MixedSchemas(metric));
            return None;
        }
        if self.reset_seen && self.no_reset_seen {
            eval.notes.warn(span, &Note::ResetCollision("aggregation"));
        }
        if self.reconciled {
            eval.notes.inform(span, &Note::CustomBucketsReconciled("aggregation"));
        }
        if self.kind == Totals::Mean && !self.incremental {
            self.parts.divide(self.count);
        }
        Some(Arc::new(self.parts.build()))
    }
}

/// The histograms of a group, a total a step.
#[derive(Default)]
pub struct GroupedHistograms {
    totals: Vec<Option<Total>>,
}

impl GroupedHistograms {
    pub fn add(&mut self, step: usize, histogram: &Histogram, kind: Totals, steps: usize) {
        if self.totals.is_empty() {
            self.totals.resize_with(steps, || None);
        }
        match &mut self.totals[step] {
            Some(total) => total.add(histogram),
            place => *place = Some(Total::new(kind, histogram)),
        }
    }

    pub fn merge(&mut self, other: Self) {
        if self.totals.is_empty() {
            self.totals = other.totals;
            return;
        }
        for (own, other) in self.totals.iter_mut().zip(other.totals) {
            match (own.as_mut(), other) {
                (Some(own), Some(other)) => own.merge(other),
                (None, other) => *own = other,
                (Some(_), None) => {}
            }
        }
    }

    pub fn take(&mut self, step: usize, eval: &Eval<'_>, span: Span, metric: &str) -> Option<Arc<Histogram>> {
        self.totals.get_mut(step)?.take()?.finish(eval, span, metric)
    }
}
