//! Parts that a query says twice, as in `a / (a + b)`: evaluated once, kept, and given out again.
//!
//! Only parts whose series would be kept anyway or are few: aggregations, and the sides of an operator between vectors. Both times must
//! stand in the same place: a subquery has steps of its own. What has said anything about itself is evaluated again, since what is said
//! names positions.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Eval, Series, Sink, Steps};
use crate::promql::ast::{Expr, ExprKind, ValueType};
use crate::promql::error::QueryError;
use crate::promql::print;

/// A part, and what it was evaluated to.
struct Slot {
    /// How often it is still to be asked for.
    left: usize,
    kept: Option<Kept>,
}

struct Kept {
    steps: Steps,
    series: Vec<Series>,
    /// Samples that were looked at for it.
    samples: u64,
}

/// The parts of one tree that occur more than once. The tree must stay where it is: parts are known by their place.
#[derive(Default)]
pub struct Repeats {
    by_place: HashMap<usize, usize>,
    slots: Vec<Mutex<Slot>>,
}

fn place_of(expr: &Expr) -> usize {
    std::ptr::from_ref(expr) as usize
}

impl Repeats {
    pub fn of(tree: &Expr) -> Self {
        let mut found: HashMap<(usize, String), Vec<usize>> = HashMap::new();
        // Few queries say anything twice: two parts that read the store are the least there can be.
        if leaves(tree) > 1 {
            visit(tree, 0, &mut found);
        }
        let mut repeats = Self::default();
        for places in found.into_values().filter(|places| places.len() > 1) {
            repeats.by_place.extend(places.iter().map(|place| (*place, repeats.slots.len())));
            repeats.slots.push(Mutex::new(Slot { left: places.len(), kept: None }));
        }
        repeats
    }

    fn slot(&self, expr: &Expr) -> Option<&Mutex<Slot>> {
        if self.by_place.is_empty() {
            return None;
        }
        self.slots.get(*self.by_place.get(&place_of(expr))?)
    }
}

fn leaves(expr: &Expr) -> usize {
    let mut count = 0;
    expr.walk(&mut |part| count += usize::from(matches!(part.kind, ExprKind::Selector(_) | ExprKind::Range(_))));
    count
}

/// `within` is the place of the part whose steps hold here.
fn visit(expr: &Expr, within: usize, found: &mut HashMap<(usize, String), Vec<usize>>) {
    let within = if matches!(expr.kind, ExprKind::Subquery(_) | ExprKind::Invariant(_)) { place_of(expr) } else { within };
    let mut note = |part: &Expr| {
        if part.value_type() == ValueType::Vector && leaves(part) > 0 {
            let places = found.entry((within, print(part))).or_default();
            // The side of an operator may be an aggregation, too.
            if !places.contains(&place_of(part)) {
                places.push(place_of(part));
            }
        }
    };
    match &expr.kind {
        ExprKind::Aggregate(_) => note(expr),
        ExprKind::Binary(binary) if [&binary.left, &binary.right].iter().all(|side| side.value_type() == ValueType::Vector) => {
            note(bare(&binary.left));
            note(bare(&binary.right));
        }
        _ => {}
    }
    for child in expr.children() {
        visit(child, within, found);
    }
}

fn bare(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Paren(inner) => bare(inner),
        _ => expr,
    }
}

impl Eval<'_> {
    /// Evaluates a part that may have been evaluated before.
    pub fn vector(&self, expr: &Expr, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        // Samples are counted step by step only where they are looked at.
        match self.repeats.slot(expr).filter(|_| self.part.is_none() && self.tally.is_none()) {
            Some(slot) => self.repeated(slot, expr, steps, sink),
            None => self.vector_anew(expr, steps, sink),
        }
    }

    fn repeated(&self, slot: &Mutex<Slot>, expr: &Expr, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let (kept, is_last) = {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            slot.left = slot.left.saturating_sub(1);
            (slot.kept.take_if(|kept| kept.steps == *steps), slot.left == 0)
        };
        let kept = match kept {
            Some(kept) => {
                self.guard.count(kept.samples);
                kept
            }
            None if is_last => return self.vector_anew(expr, steps, sink),
            None => {
                let (said, before) = (self.notes.said(), self.guard.counted());
                let mut series = Vec::new();
                self.vector_anew(expr, steps, &mut |one| {
                    self.guard.hold(one.column.len())?;
                    series.push(std::mem::take(one));
                    Ok(())
                })?;
                let kept = Kept { steps: *steps, series, samples: self.guard.counted() - before };
                if self.notes.said() != said {
                    return self.hand_out(kept.series, sink);
                }
                kept
            }
        };
        if is_last {
            return self.hand_out(kept.series, sink);
        }
        for series in &kept.series {
            self.guard.work(series.column.len())?;
            sink(&mut series.clone())?;
        }
        slot.lock().unwrap_or_else(PoisonError::into_inner).kept = Some(kept);
        Ok(())
    }

    fn hand_out(&self, all: Vec<Series>, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        for mut series in all {
            self.guard.release(series.column.len());
            sink(&mut series)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::features::Features;
    use crate::promql::parse;

    fn slots(text: &str) -> Vec<usize> {
        let tree = parse(text, Features::default()).unwrap();
        let mut counts: Vec<usize> = Repeats::of(&tree).slots.into_iter().map(|slot| slot.into_inner().unwrap().left).collect();
        counts.sort_unstable();
        counts
    }

    #[test]
    fn what_is_said_twice_in_the_same_place_is_found() {
        assert_eq!(slots("sum(rate(a[5m])) / (sum(rate(a[5m])) + sum(rate(b[5m])))"), [2]);
        assert_eq!(slots("(a - b) / a"), [2]);
        assert_eq!(slots("a / (a + b) * (a + b)"), [2, 2, 3]);
        assert_eq!(slots("a + on (x) (a)"), [2]);
        for alone in ["a", "a / b", "sum(a) / avg(a)", "rate(a[5m]) + rate(a[1m])", "a + a offset 5m", "max_over_time(a[5m:1m]) + 1"] {
            assert_eq!(slots(alone), [0usize; 0], "{alone}");
        }
        // A subquery has other steps.
        assert_eq!(slots("sum(a) + max_over_time(sum(a)[5m:1m])"), [0usize; 0]);
    }
}
