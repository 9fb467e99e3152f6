//! Operators between two vectors: series find each other by an integer signature, then combine step by step.

use hashbrown::HashMap;

use super::binary::{Outcome, drops_name};
use super::collect::SAME_LABELS;
use super::{Cell, Column, Eval, Series, Sink, Steps};
use crate::model::{Labels, Span};
use crate::promql::ast::{Binary, Cardinality, Matching};
use crate::promql::error::QueryError;
use crate::storage::{LabelPair, Symbol};

/// What of a label set decides whether two series match.
pub(super) struct Signatures {
    on: bool,
    names: Vec<Symbol>,
    metric_name: Symbol,
}

impl Signatures {
    pub(super) fn new(eval: &Eval<'_>, matching: &Matching) -> Self {
        let names = matching.labels.iter().map(|l| eval.symbols.get(l)).collect();
        Self { on: matching.on, names, metric_name: eval.symbols.metric_name }
    }

    pub(super) fn of(&self, labels: &[LabelPair]) -> Box<[LabelPair]> {
        let counts = |p: &&LabelPair| self.names.contains(&p.name) == self.on && (self.on || p.name != self.metric_name);
        labels.iter().filter(counts).copied().collect()
    }
}

/// The series of both sides that have one signature, as places in the lists.
#[derive(Default)]
struct Group {
    many: Vec<usize>,
    one: Vec<usize>,
}

/// One join under way. "Many" is the side that may have several series a signature; in one-to-one it is the left.
struct Join<'j> {
    eval: &'j Eval<'j>,
    binary: &'j Binary,
    matching: &'j Matching,
    span: Span,
    many: Vec<Series>,
    one: Vec<Series>,
    /// The "one" side stands on the left.
    swapped: bool,
    include: Vec<Symbol>,
    signatures: Signatures,
    steps: usize,
    /// Steps at which both sides have any series: only there can matching fail.
    active: Vec<bool>,
    results: Vec<Series>,
    places: HashMap<Box<[LabelPair]>, usize>,
    /// The first step at which matching fails, with what is wrong there.
    failed: Option<(usize, QueryError)>,
    /// The result of a pair that was seen before.
    pairs: HashMap<(Option<usize>, Option<usize>), usize>,
}

impl Eval<'_> {
    pub(super) fn join(&self, binary: &Binary, span: Span, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let default = Matching::default();
        let matching = binary.matching.as_ref().unwrap_or(&default);
        let left = self.collect(&binary.left, steps)?;
        let right = self.collect(&binary.right, steps)?;
        let held: usize = left.iter().chain(&right).map(|s| s.column.len()).sum();
        let swapped = matching.cardinality == Cardinality::OneToMany;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let mut join = Join {
            eval: self,
            binary,
            matching,
            span,
            active: active(&many, &one, matching, steps.count),
            many,
            one,
            swapped,
            include: matching.include.iter().map(|l| self.symbols.get(l)).collect(),
            signatures: Signatures::new(self, matching),
            steps: steps.count,
            results: Vec::new(),
            places: HashMap::new(),
            failed: None,
            pairs: HashMap::new(),
        };
        join.run()?;
        let results = std::mem::take(&mut join.results);
        drop(join);
        self.guard.release(held);
        for mut series in results {
            if !series.column.is_empty() {
                sink(&mut series)?;
            }
        }
        Ok(())
    }
}

/// Without filling, a side that is empty at a step ends the matter there.
fn active(many: &[Series], one: &[Series], matching: &Matching, steps: usize) -> Vec<bool> {
    if matching.fill_left.is_some() || matching.fill_right.is_some() {
        return vec![true; steps];
    }
    let any = |side: &[Series]| {
        let mut any = vec![false; steps];
        for series in side {
            for (step, place) in any.iter_mut().enumerate() {
                *place = *place || series.column.is_present(step);
            }
        }
        any
    };
    any(many).into_iter().zip(any(one)).map(|(a, b)| a && b).collect()
}

impl Join<'_> {
    fn run(&mut self) -> Result<(), QueryError> {
        let mut groups: Vec<(Box<[LabelPair]>, Group)> = Vec::new();
        let mut by_signature: HashMap<Box<[LabelPair]>, usize> = HashMap::new();
        for (is_one, side) in [(true, &self.one), (false, &self.many)] {
            for (place, series) in side.iter().enumerate() {
                let signature = self.signatures.of(&series.labels);
                let at = *by_signature.entry(signature).or_insert_with_key(|signature| {
                    groups.push((signature.clone(), Group::default()));
                    groups.len() - 1
                });
                let group = &mut groups[at].1;
                if is_one { group.one.push(place) } else { group.many.push(place) }
            }
        }
        // At each step the check for duplicates on the "one" side comes before any matching.
        let crowded: Vec<_> = groups.iter().filter(|(_, group)| group.one.len() > 1).collect();
        self.failed = self.first_duplicates(&crowded);
        for (at, (signature, group)) in groups.iter().enumerate() {
            if at % crate::promql::limits::SERIES_PER_CHECK == 0 {
                self.eval.guard.check()?;
            }
            self.group(signature, group)?;
        }
        self.failed.take().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Keeps the error if no other is known of this step or of one before.
    fn fail(&mut self, step: usize, message: &str) {
        if self.failed.as_ref().is_none_or(|(known, _)| step < *known) {
            self.failed = Some((step, QueryError::Execution(message.to_owned())));
        }
    }

    /// Names the first step that has duplicates, and there the first series, in order of the labels, whose signature was met before.
    fn first_duplicates(&self, crowded: &[&(Box<[LabelPair]>, Group)]) -> Option<(usize, QueryError)> {
        let symbols = &self.eval.symbols;
        for step in (0..self.steps).filter(|s| self.active[*s]) {
            let mut second = None;
            for (signature, group) in crowded {
                let present = || group.one.iter().map(|place| &self.one[*place]).filter(|series| series.column.is_present(step));
                if present().nth(1).is_some() {
                    let mut labels: Vec<Labels> = present().map(|series| symbols.to_labels(&series.labels)).collect();
                    labels.sort_unstable();
                    let found = (labels.swap_remove(1), labels.swap_remove(0), signature);
                    second = second.filter(|known: &(Labels, Labels, _)| known.0 < found.0).or(Some(found));
                }
            }
            if let Some((again, first, signature)) = second {
                let side = if self.swapped { "left" } else { "right" };
                let message = format!(
                    "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];many-to-many \
                     matching not allowed: matching labels must be unique on one side",
                    braced(&symbols.to_labels(signature)),
                    braced(&first),
                    braced(&again),
                );
                return Some((step, QueryError::Execution(message)));
            }
        }
        None
    }

    fn group(&mut self, signature: &[LabelPair], group: &Group) -> Result<(), QueryError> {
        // As in Prometheus, `fill_left` is the "many" side's value even where that side stands on the right.
        let (fill_many, fill_one) = (self.matching.fill_left, self.matching.fill_right);
        if (group.one.is_empty() && fill_one.is_none()) || (group.many.is_empty() && fill_many.is_none()) {
            return Ok(());
        }
        let one_to_one = self.matching.cardinality == Cardinality::OneToOne;
        // Where each result label set already has a value, within this group.
        let mut taken: HashMap<usize, Vec<bool>> = HashMap::new();
        for step in 0..self.steps {
            if self.failed.as_ref().is_some_and(|(failed, _)| step >= *failed) {
                break;
            }
            self.eval.guard.work(1 + group.many.len() + group.one.len())?;
            let one = group.one.iter().copied().find(|place| self.one[*place].column.is_present(step));
            let mut matched = 0;
            for many in &group.many {
                if !self.many[*many].column.is_present(step) || (one.is_none() && fill_one.is_none()) {
                    continue;
                }
                matched += 1;
                if one_to_one && matched > 1 {
                    self.fail(step, "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
                    return Ok(());
                }
                let place = self.place(signature, Some(*many), one)?;
                let steps = self.steps;
                let taken = taken.entry(place).or_insert_with(|| vec![false; steps]);
                if std::mem::replace(&mut taken[step], true) {
                    self.fail(step, "multiple matches for labels: grouping labels must ensure unique matches");
                    return Ok(());
                }
                self.combine(place, step, Some(*many), one, (fill_many, fill_one))?;
            }
            if matched == 0 && one.is_some() && fill_many.is_some() {
                let place = self.place(signature, None, one)?;
                self.combine(place, step, None, one, (fill_many, fill_one))?;
            }
        }
        Ok(())
    }

    /// The result series of a pair; what is filled in has the labels of the signature.
    fn place(&mut self, signature: &[LabelPair], many: Option<usize>, one: Option<usize>) -> Result<usize, QueryError> {
        // What is filled in has the labels of its group, so that the pair alone does not name it.
        let known = (many.is_some() && one.is_some()).then_some((many, one));
        if let Some(place) = known.and_then(|pair| self.pairs.get(&pair)) {
            return Ok(*place);
        }
        let place = self.result_of(signature, many, one)?;
        if let Some(pair) = known {
            self.pairs.insert(pair, place);
        }
        Ok(place)
    }

    fn result_of(&mut self, signature: &[LabelPair], many: Option<usize>, one: Option<usize>) -> Result<usize, QueryError> {
        let base = many.map_or(signature, |m| &self.many[m].labels);
        let other = one.map_or(signature, |o| &self.one[o].labels);
        let drops = drops_name(self.binary);
        let mut result = Series { labels: base.to_vec(), drop_name: many.is_some_and(|m| self.many[m].drop_name), ..Series::default() };
        if self.matching.cardinality == Cardinality::OneToOne {
            let names = &self.signatures.names;
            let on = self.matching.on;
            result.labels.retain(|p| names.contains(&p.name) == on);
        }
        if drops {
            self.eval.drop_name(&mut result);
        }
        for name in &self.include {
            match super::symbols::Symbols::value_of(other, *name) {
                Some(value) => self.eval.symbols.set_symbol(&mut result.labels, *name, value),
                None => result.labels.retain(|p| p.name != *name),
            }
        }
        if let Some(place) = self.places.get(result.labels.as_slice()) {
            self.results[*place].drop_name |= result.drop_name;
            return Ok(*place);
        }
        self.eval.guard.hold(self.steps)?;
        result.column = Column::of(self.steps);
        self.places.insert(result.labels.clone().into_boxed_slice(), self.results.len());
        self.results.push(result);
        Ok(self.results.len() - 1)
    }

    fn combine(
        &mut self,
        place: usize,
        step: usize,
        many: Option<usize>,
        one: Option<usize>,
        fill: (Option<f64>, Option<f64>),
    ) -> Result<(), QueryError> {
        let filled = |value: Option<f64>| value.map_or(Cell::Nothing, Cell::Float);
        let a = many.map_or_else(|| filled(fill.0), |m| self.many[m].column.cell(step));
        let b = one.map_or_else(|| filled(fill.1), |o| self.one[o].column.cell(step));
        let (left, right) = if self.swapped { (b, a) } else { (a, b) };
        let outcome = self.eval.outcome(self.binary, self.span, left, right, left);
        if matches!(outcome, Outcome::Nothing | Outcome::Mismatch) {
            return Ok(());
        }
        let column = &mut self.results[place].column;
        if column.is_present(step) {
            return QueryError::execution(SAME_LABELS);
        }
        outcome.put(column, step);
        Ok(())
    }
}

/// `{__name__="x", a="b"}`: labels as error texts show them.
pub(super) fn braced(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={}", crate::model::number::quote(v))).collect();
    format!("{{{}}}", pairs.join(", "))
}
