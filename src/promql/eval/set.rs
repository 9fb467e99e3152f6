//! `and`, `or`, `unless`.

use hashbrown::HashMap;

use super::join::Signatures;
use super::{Eval, Series, Sink, Steps};
use crate::promql::ast::{Binary, Matching};
use crate::promql::error::QueryError;
use crate::promql::token::Operator;
use crate::storage::LabelPair;

/// For each signature the steps at which any series has a value.
type Presence = HashMap<Box<[LabelPair]>, Vec<bool>>;

impl Eval<'_> {
    pub(super) fn set_operation(&self, binary: &Binary, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let default = Matching::default();
        let signatures = Signatures::new(self, binary.matching.as_ref().unwrap_or(&default));
        if binary.op == Operator::Or {
            return self.union(binary, &signatures, steps, sink);
        }
        let mut presence = Presence::new();
        self.vector(&binary.right, steps, &mut |series| {
            note(&mut presence, &signatures, series);
            Ok(())
        })?;
        let wanted = binary.op == Operator::And;
        self.vector(&binary.left, steps, &mut |series| {
            let present = presence.get(&*signatures.of(&series.labels));
            for step in 0..series.column.len() {
                if present.is_some_and(|p| p[step]) != wanted {
                    series.column.remove(step);
                }
            }
            if series.column.is_empty() { Ok(()) } else { sink(series) }
        })
    }

    fn union(&self, binary: &Binary, signatures: &Signatures, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        self.merged(sink, &mut |sink| {
            let mut presence = Presence::new();
            self.vector(&binary.left, steps, &mut |series| {
                note(&mut presence, signatures, series);
                sink(series)
            })?;
            self.vector(&binary.right, steps, &mut |series| {
                if let Some(present) = presence.get(&*signatures.of(&series.labels)) {
                    for (step, _) in present.iter().enumerate().filter(|(_, p)| **p) {
                        series.column.remove(step);
                    }
                }
                if series.column.is_empty() { Ok(()) } else { sink(series) }
            })
        })
    }
}

fn note(presence: &mut Presence, signatures: &Signatures, series: &Series) {
    let steps = series.column.len();
    let present = presence.entry(signatures.of(&series.labels)).or_insert_with(|| vec![false; steps]);
    for (step, place) in present.iter_mut().enumerate() {
        *place |= series.column.is_present(step);
    }
}
