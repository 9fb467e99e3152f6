//! Which labels an expression's series can have, and which they surely have. The metric's name is left aside.

use std::collections::{BTreeMap, BTreeSet};

use super::known::Known;
use crate::model::{METRIC_NAME, MatchOp};
use crate::promql::ast::{Aggregate, Binary, Call, Cardinality, Matching, Selector};
use crate::promql::token::{Aggregator, Operator};
use crate::promql::{Expr, ExprKind};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSet {
    /// All that there may be; None: any.
    pub may: Option<BTreeSet<String>>,
    /// On every series, with the value where it is known.
    pub must: BTreeMap<String, Option<String>>,
    /// On no series.
    pub never: BTreeSet<String>,
}

impl LabelSet {
    fn nothing() -> Self {
        Self { may: Some(BTreeSet::new()), ..Self::default() }
    }

    pub fn lacks(&self, label: &str) -> bool {
        self.never.contains(label) || self.may.as_ref().is_some_and(|may| !may.contains(label))
    }

    fn add(&mut self, label: &str) {
        self.never.remove(label);
        self.may.iter_mut().for_each(|may| {
            may.insert(label.to_owned());
        });
    }

    fn remove(&mut self, label: &str) {
        self.must.remove(label);
        self.never.insert(label.to_owned());
        self.may.iter_mut().for_each(|may| {
            may.remove(label);
        });
    }

    fn keep_only(&mut self, labels: &[String]) {
        let kept = labels.iter().filter(|label| !self.lacks(label)).cloned().collect();
        self.must.retain(|label, _| labels.contains(label));
        self.may = Some(kept);
    }

    /// What holds for both.
    fn or(self, other: Self) -> Self {
        let may = self.may.zip(other.may).map(|(a, b)| a.union(&b).cloned().collect());
        let same = |label: &String, value: &Option<String>| {
            other.must.get(label).map(|theirs| (label.clone(), if theirs == value { value.clone() } else { None }))
        };
        let must = self.must.iter().filter_map(|(label, value)| same(label, value)).collect();
        Self { may, must, never: self.never.intersection(&other.never).cloned().collect() }
    }
}

pub fn of(expr: &Expr, known: &Known) -> LabelSet {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Text(_) => LabelSet::nothing(),
        ExprKind::Selector(selector) => of_selector(selector, known),
        ExprKind::Range(range) => of_selector(&range.selector, known),
        ExprKind::Subquery(subquery) => of(&subquery.expr, known),
        ExprKind::Unary(unary) => of(&unary.expr, known),
        ExprKind::Paren(inner) | ExprKind::Invariant(inner) => of(inner, known),
        ExprKind::Aggregate(aggregate) => of_aggregate(aggregate, known),
        ExprKind::Call(call) => of_call(call, known),
        ExprKind::Binary(binary) => of_binary(binary, known),
    }
}

fn of_selector(selector: &Selector, known: &Known) -> LabelSet {
    let mut set = LabelSet::default();
    if let Some(metric) = selector.metric_name().and_then(|name| known.metric(name)).filter(|metric| !metric.is_sample) {
        set.may = Some(metric.labels.keys().cloned().collect());
        set.must = metric.on_all.iter().map(|label| (label.clone(), None)).collect();
    }
    for matcher in selector.matchers.iter().filter(|matcher| matcher.name != METRIC_NAME) {
        if matcher.op == MatchOp::Equal && matcher.value.is_empty() {
            set.remove(&matcher.name);
        } else if !matcher.matches_empty() {
            let value = (matcher.op == MatchOp::Equal).then(|| matcher.value.clone());
            set.must.insert(matcher.name.clone(), value);
        }
    }
    set
}

fn of_aggregate(aggregate: &Aggregate, known: &Known) -> LabelSet {
    let mut set = of(&aggregate.expr, known);
    if matches!(aggregate.op, Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk | Aggregator::LimitRatio) {
        return set;
    }
    if aggregate.without {
        aggregate.grouping.iter().for_each(|label| set.remove(label));
    } else {
        set.keep_only(&aggregate.grouping);
    }
    if let Some(ExprKind::Text(text)) = aggregate.parameter.as_ref().map(|parameter| &parameter.unwrapped().kind)
        && let Ok(label) = text.utf8()
    {
        set.add(label);
    }
    set
}

fn of_call(call: &Call, known: &Known) -> LabelSet {
    let text = |at: usize| match &call.args.get(at)?.unwrapped().kind {
        ExprKind::Text(text) => text.utf8().ok(),
        _ => None,
    };
    let series = || call.args.iter().find(|arg| !matches!(arg.unwrapped().kind, ExprKind::Number(_) | ExprKind::Text(_)));
    match call.function.name {
        "vector" | "time" | "scalar" | "pi" => LabelSet::nothing(),
        "absent" | "absent_over_time" => {
            let mut set = series().map(|arg| of(arg, &Known::default())).unwrap_or_default();
            set.must.retain(|_, value| value.is_some());
            set.may = Some(set.must.keys().cloned().collect());
            set
        }
        "info" => LabelSet::default(),
        "label_replace" | "label_join" => {
            let mut set = series().map(|arg| of(arg, known)).unwrap_or_default();
            match text(1) {
                Some(label) => {
                    set.must.remove(label);
                    set.add(label);
                    set
                }
                None => LabelSet::default(),
            }
        }
        "histogram_quantile" | "histogram_fraction" => {
            let vector = call.args.last();
            let mut set = vector.map(|arg| of(arg, known)).unwrap_or_default();
            set.remove("le");
            set
        }
        _ if call.args.is_empty() => LabelSet::nothing(),
        _ => series().map(|arg| of(arg, known)).unwrap_or_default(),
    }
}

fn of_binary(binary: &Binary, known: &Known) -> LabelSet {
    let (left, right) = (of(&binary.left, known), of(&binary.right, known));
    let Some(matching) = &binary.matching else {
        return if number_like(&binary.left) { right } else { left };
    };
    match binary.op {
        Operator::And | Operator::Unless => return left,
        Operator::Or => return left.or(right),
        _ => {}
    }
    let (mut many, one) = match matching.cardinality {
        Cardinality::OneToMany => (right, left),
        _ => (left, right),
    };
    if matching.cardinality == Cardinality::OneToOne {
        if matching.on {
            many.keep_only(&matching.labels);
        } else {
            matching.labels.iter().for_each(|label| many.remove(label));
        }
    }
    for label in &matching.include {
        many.must.remove(label);
        if one.lacks(label) {
            many.remove(label);
        } else {
            many.add(label);
        }
    }
    many
}

fn number_like(expr: &Expr) -> bool {
    expr.value_type() == crate::promql::ValueType::Scalar
}

/// Whether series are held against each other by this label.
pub fn counts(matching: &Matching, label: &str) -> bool {
    matching.labels.iter().any(|listed| listed == label) == matching.on
}
